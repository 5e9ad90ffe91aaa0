"""Orders as older releases stored them."""

from decimal import Decimal
from typing import Any

import pytest
from fastapi.testclient import TestClient

from cloudmart.settings import Settings
from tests.support.shop_tables import drop_indexes, get, put

TIME = "2025-09-01T10:00:00.000Z"
LINE = {"productId": "1", "name": "Desk lamp", "quantity": Decimal(2), "price": Decimal("19.99")}
FULL = {
    "id": "ab12cd34",
    "userEmail": "ann@example.org",
    "items": [LINE],
    "total": Decimal("39.98"),
    "status": "Pending",
    "createdAt": TIME,
    "updatedAt": TIME,
}
SHOWN = FULL | {
    "statusHistory": [],
    "items": [LINE | {"quantity": 2, "price": 19.99}],
    "total": 39.98,
}
SHORT = {"id": "ab12cd34", "productId": "1", "quantity": Decimal(2), "createdAt": TIME}
SHORT_SHOWN = SHOWN | {
    "userEmail": None,
    "items": [{"productId": "1", "name": "", "quantity": 2, "price": 0.0}],
    "total": 0.0,
    "updatedAt": None,
}


def _without(item: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in item.items() if name not in names}


OLD: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "today's": (FULL, SHOWN),
    "status pending": (FULL | {"status": "pending"}, SHOWN),
    "status cancelled": (FULL | {"status": "cancelled"}, SHOWN | {"status": "Canceled"}),
    "status Cancelled": (FULL | {"status": "Cancelled"}, SHOWN | {"status": "Canceled"}),
    "short form": (SHORT | {"status": "pending"}, SHORT_SHOWN),
    "short form without status": (SHORT, SHORT_SHOWN),
    "total a string": (FULL | {"total": "39.98"}, SHOWN),
    "total a sum of binary floats": (FULL | {"total": Decimal("39.980000000000004")}, SHOWN),
    "totalAmount": (_without(FULL, "total") | {"totalAmount": Decimal("39.98")}, SHOWN),
    "totalAmount a string": (_without(FULL, "total") | {"totalAmount": "39.98"}, SHOWN),
    "totalAmount beside a null": (FULL | {"total": None, "totalAmount": "39.98"}, SHOWN),
    "no total": (_without(FULL, "total"), SHOWN),
    "customerEmail": (_without(FULL, "userEmail") | {"customerEmail": "ann@example.org"}, SHOWN),
    "no address": (_without(FULL, "userEmail"), SHOWN | {"userEmail": None}),
    "lines with strings": (
        FULL | {"items": [LINE | {"quantity": "2", "price": "19.99"}]},
        SHOWN,
    ),
    "no updatedAt": (_without(FULL, "updatedAt"), SHOWN | {"updatedAt": None}),
    "extra attributes": (FULL | {"gift": True, "notes": ["ring twice"]}, SHOWN),
}

each_shape = pytest.mark.parametrize(("stored", "shown"), OLD.values(), ids=OLD)


@pytest.fixture(scope="module")
def settings(
    shared_settings: Settings,
    dynamodb: Any,  # noqa: ANN401 - boto3's
) -> Settings:
    """Provide tables as in production: without indexes."""
    drop_indexes(dynamodb, shared_settings.dynamodb.orders_table)
    return shared_settings


@pytest.fixture(scope="module")
def client(settings: Settings, shared_client: TestClient) -> TestClient:
    """Provide the same application to all tests."""
    assert settings
    return shared_client


@pytest.fixture
def table(settings: Settings) -> str:
    """Provide the name of the table."""
    return settings.dynamodb.orders_table


@each_shape
def test_an_old_order_is_shown_alone_in_the_list_and_to_its_customer(
    stored: dict[str, Any],
    shown: dict[str, Any],
    client: TestClient,
    table: str,
    dynamodb: Any,  # noqa: ANN401
) -> None:
    put(dynamodb, table, stored)

    assert client.get("/api/orders/ab12cd34").json() == shown
    assert client.get("/api/orders").json() == [shown]
    theirs = client.get("/api/orders/user", params={"email": "ann@example.org"}).json()
    assert theirs == ([shown] if shown["userEmail"] else [])


@each_shape
def test_an_old_orders_status_is_changed_and_nothing_else(
    stored: dict[str, Any],
    shown: dict[str, Any],
    client: TestClient,
    table: str,
    dynamodb: Any,  # noqa: ANN401
) -> None:
    put(dynamodb, table, stored)

    answer = client.put("/api/orders/ab12cd34", json={"status": "shipped"})

    moment = answer.json()["updatedAt"]
    change = {"from": shown["status"], "to": "Shipped", "at": moment}
    changes = {"status": "Shipped", "updatedAt": moment}
    told = changes | {"statusHistory": [change | {"by": None}]}
    kept = changes | {"statusHistory": [change], "version": Decimal(1)}
    assert (answer.status_code, answer.json()) == (200, shown | told)
    assert get(dynamodb, table, "ab12cd34") == stored | kept


@each_shape
def test_an_old_order_is_deleted(
    stored: dict[str, Any],
    shown: dict[str, Any],  # noqa: ARG001
    client: TestClient,
    table: str,
    dynamodb: Any,  # noqa: ANN401
) -> None:
    put(dynamodb, table, stored)

    assert client.delete("/api/orders/ab12cd34").status_code == 200
    assert get(dynamodb, table, "ab12cd34") is None


def test_an_order_with_both_addresses_belongs_to_the_later_attributes_customer(
    client: TestClient,
    table: str,
    dynamodb: Any,  # noqa: ANN401
) -> None:
    put(dynamodb, table, FULL | {"id": "both", "customerEmail": "bob@example.org"})

    theirs = client.get("/api/orders/user", params={"email": "bob@example.org"}).json()

    assert theirs == []


def test_bad_orders_do_not_break_the_list(
    client: TestClient,
    table: str,
    dynamodb: Any,  # noqa: ANN401
) -> None:
    bad: list[dict[str, Any]] = [
        {"status": "Lost"},
        {"items": "[]"},
        {"items": [None, "lamp", LINE | {"quantity": "two"}, {"price": {"N": "1"}}]},
        {"total": "1e400"},
        {"total": "NaN", "createdAt": "9999-12-31T23:59:59-05:00"},
        {"createdAt": "yesterday", "userEmail": ["ann@example.org"]},
        {"userEmail": Decimal(5), "status": None},
        {"statusHistory": "[]", "version": "two"},
        {
            "statusHistory": [None, {"from": "Lost", "to": "Pending"}, 7],
            "version": Decimal("1e100"),
        },
        {"statusHistory": {"a"}, "version": {Decimal(1)}},
    ]
    put(dynamodb, table, *(FULL | one | {"id": f"bad{n}"} for n, one in enumerate(bad)), FULL)

    orders = client.get("/api/orders").json()

    assert SHOWN in orders
    assert {f"bad{number}" for number in range(len(bad))} < {order["id"] for order in orders}
