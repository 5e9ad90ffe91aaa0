"""Placing an order, over HTTP."""

from decimal import Decimal
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from prometheus_client import REGISTRY

from cloudmart.dynamodb.schema import in_shard
from cloudmart.settings import Settings
from cloudmart.values.ids import ALPHABET
from tests.support.shop_tables import LAMP, get, put

STOREFRONT = {
    "userEmail": "ann@example.org",
    "status": "Pending",
    "total": 39.98,
    "createdAt": "2026-11-23T08:00:00.000Z",
    "items": [{"productId": "1", "name": "Desk lamp", "quantity": 2, "price": 19.99}],
}
PLACED = {
    "userEmail": "ann@example.org",
    "items": [{"productId": "1", "name": "Desk lamp", "quantity": 2, "price": 19.99}],
    "total": 39.98,
    "status": "Pending",
    "statusHistory": [],
}


@pytest.fixture(scope="module")
def settings(shared_settings: Settings) -> Settings:
    """Provide the same tables to all tests. Their orders do not disturb each other."""
    return shared_settings


@pytest.fixture(scope="module")
def client(shared_client: TestClient) -> TestClient:
    """Provide the same application to all tests."""
    return shared_client


def _place(client: TestClient, **changes: Any) -> Response:  # noqa: ANN401 - any JSON
    return client.post("/api/orders", json=STOREFRONT | changes)


def test_the_storefronts_order_is_placed(client: TestClient) -> None:
    answer = _place(client)

    order = answer.json()
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"/api/orders/{order['id']}"
    assert order == PLACED | {name: order[name] for name in ("id", "createdAt", "updatedAt")}
    assert client.get(answer.headers["Location"]).json() == order


def test_an_order_has_an_id_that_a_customer_can_type(client: TestClient) -> None:
    order_id = _place(client).json()["id"]

    assert len(order_id) == 16
    assert set(order_id) <= set(ALPHABET)


def test_the_short_form_is_an_order_of_one_line(client: TestClient) -> None:
    answer = client.post("/api/orders", json={"productId": "2", "quantity": 3})

    order = answer.json()
    assert answer.status_code == 201
    assert order == {
        "id": order["id"],
        "userEmail": None,
        "items": [{"productId": "2", "name": "Kettle", "quantity": 3, "price": 34.5}],
        "total": 103.5,
        "status": "Pending",
        "statusHistory": [],
        "createdAt": order["createdAt"],
        "updatedAt": order["createdAt"],
    }


def test_the_caller_decides_neither_status_nor_time_nor_name(client: TestClient) -> None:
    line = {"productId": "1", "name": "Golden lamp", "quantity": 2}

    order = _place(
        client, status="Delivered", createdAt="1999-01-01T00:00:00.000Z", items=[line], id="mine"
    ).json()

    assert order["status"] == "Pending"
    assert order["createdAt"] > "2026"
    assert order["items"][0]["name"] == "Desk lamp"
    assert order["id"] != "mine"


def test_an_order_is_stored_in_decimal_with_the_attributes_the_indexes_need(
    client: TestClient,
    settings: Settings,
    dynamodb: Any,  # noqa: ANN401 - boto3's
) -> None:
    order = _place(client).json()

    raw = dynamodb.get_item(
        TableName=settings.dynamodb.orders_table, Key={"id": {"S": order["id"]}}
    )["Item"]
    assert raw["total"] == {"N": "39.98"}
    assert raw["items"]["L"][0]["M"]["price"] == {"N": "19.99"}
    assert raw["dayShard"] == {"S": in_shard(order["createdAt"][:10], order["id"])}
    assert raw["userEmail"] == {"S": "ann@example.org"}


@pytest.mark.parametrize("blank", [None, "", "  "])
def test_a_guests_order_has_no_address_at_all(
    blank: str | None,
    client: TestClient,
    settings: Settings,
    dynamodb: Any,  # noqa: ANN401
) -> None:
    order = _place(client, userEmail=blank).json()

    assert order["userEmail"] is None
    assert "userEmail" not in (get(dynamodb, settings.dynamodb.orders_table, order["id"]) or {})


@pytest.mark.parametrize("total", [39.98, "39.98", 39.980000000000004, 39.989, None])
def test_a_total_less_than_a_cent_off_is_agreed_to(total: object, client: TestClient) -> None:
    answer = _place(client, total=total)

    assert answer.status_code == 201
    assert answer.json()["total"] == 39.98


@pytest.mark.parametrize("total", [39.99, 39.97, 0, -39.98, 3998, "39.97", 39.970000000000006])
def test_a_total_that_differs_is_refused_with_ours(total: object, client: TestClient) -> None:
    answer = _place(client, total=total)

    assert answer.status_code == 409
    assert answer.json()["type"] == "/api/problems/price-changed"
    assert answer.json()["error"] == "The total of this order is 39.98 now."
    assert answer.json()["details"] == {"total": 39.98}
    assert answer.json()["errors"] == [{"pointer": "/total", "message": "is 39.98 now"}]


@pytest.mark.parametrize("price", [19.98, 20, 0.01, "20.00", -19.99])
def test_a_price_that_differs_is_refused_with_ours(price: object, client: TestClient) -> None:
    answer = _place(client, items=[{"productId": "1", "quantity": 2, "price": price}])

    assert answer.status_code == 409
    assert answer.json()["error"] == "The price of product '1' is 19.99 now."
    assert answer.json()["details"] == {"productId": "1", "price": 19.99}
    assert answer.json()["errors"] == [{"pointer": "/items/0/price", "message": "is 19.99 now"}]


def test_a_price_of_the_short_form_is_compared_too(client: TestClient) -> None:
    answer = client.post("/api/orders", json={"productId": "1", "quantity": 1, "price": 1})

    assert answer.status_code == 409
    assert [fault["pointer"] for fault in answer.json()["errors"]] == ["/price"]


def test_unknown_products_are_refused_by_name(client: TestClient) -> None:
    lines = [{"productId": key, "quantity": 1} for key in ("1", "nope", "2", "none")]

    answer = _place(client, items=lines, total=None)

    assert answer.status_code == 422
    assert answer.json()["type"] == "/api/problems/unknown-product"
    assert answer.json()["error"] == "There is no product 'nope'."
    assert answer.json()["errors"] == [
        {"pointer": "/items/1/productId", "message": "there is no product 'nope'"},
        {"pointer": "/items/3/productId", "message": "there is no product 'none'"},
    ]


def test_a_product_may_stand_in_two_lines(client: TestClient) -> None:
    line = {"productId": "1", "quantity": 1}

    order = _place(client, items=[line, line], total=39.98).json()

    assert [line["quantity"] for line in order["items"]] == [1, 1]
    assert order["total"] == 39.98


def test_a_hundred_lines_are_accepted_and_one_more_is_refused(client: TestClient) -> None:
    lines = [{"productId": "1", "quantity": 1000}] * 101

    taken = _place(client, items=lines[:100], total=None)
    refused = _place(client, items=lines, total=None)

    assert (taken.status_code, taken.json()["total"]) == (201, 1_999_000.0)
    assert refused.status_code == 422
    assert [fault["pointer"] for fault in refused.json()["errors"]] == ["/items"]


@pytest.mark.parametrize("quantity", [1, 1000, 2.0])
def test_a_whole_number_is_a_quantity(quantity: float, client: TestClient) -> None:
    answer = _place(client, items=[{"productId": "1", "quantity": quantity}], total=None)

    assert answer.json()["items"][0]["quantity"] == quantity


@pytest.mark.parametrize("quantity", [0, -1, 1.5, 1001, True, "2", "2x", None, [], {}, 1e300])
def test_an_invalid_quantity_is_refused_with_its_place(
    quantity: object, client: TestClient
) -> None:
    in_lines = _place(client, items=[{"productId": "1", "quantity": quantity}])
    in_short = client.post("/api/orders", json={"productId": "1", "quantity": quantity})

    assert (in_lines.status_code, in_short.status_code) == (422, 422)
    assert [fault["pointer"] for fault in in_lines.json()["errors"]] == ["/items/0/quantity"]
    assert in_short.json()["errors"][0]["pointer"] in {"/quantity", ""}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"userEmail": "ann@example.org"},
        {"productId": "1"},
        {"quantity": 1},
        {"items": []},
        {"items": None},
        STOREFRONT | {"productId": "1", "quantity": 1},
    ],
)
def test_an_order_has_one_of_the_two_forms(body: dict[str, Any], client: TestClient) -> None:
    assert client.post("/api/orders", json=body).status_code == 422


def test_an_old_price_with_binary_noise_is_charged_in_cents(
    client: TestClient,
    settings: Settings,
    dynamodb: Any,  # noqa: ANN401
) -> None:
    noisy = LAMP | {"id": "3", "price": "19.989999999999998"}
    put(dynamodb, settings.dynamodb.products_table, noisy)

    order = client.post("/api/orders", json={"productId": "3", "quantity": 2}).json()

    assert order["items"][0]["price"] == 19.99
    stored = get(dynamodb, settings.dynamodb.orders_table, order["id"]) or {}
    assert stored["total"] == Decimal("39.98")


def test_placed_orders_are_counted(client: TestClient) -> None:
    before = REGISTRY.get_sample_value("cloudmart_orders_placed_total") or 0
    revenue = REGISTRY.get_sample_value("cloudmart_orders_revenue_total") or 0

    placed = _place(client)
    _place(client, total=1)

    assert REGISTRY.get_sample_value("cloudmart_orders_placed_total") == before + 1
    more = REGISTRY.get_sample_value("cloudmart_orders_revenue_total")
    assert more == pytest.approx(revenue + placed.json()["total"])
