"""`/api/orders`, over HTTP."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from cloudmart.orders.indexes import order_keys
from cloudmart.orders.internal_items import BACKFILL, ORDER_SECRET, note_item
from cloudmart.settings import Settings
from tests.support.fault_proxy import FaultProxy
from tests.support.shop_tables import drop_indexes, get, let_use_indexes, put

pytestmark = pytest.mark.usefixtures("stocked")

LAMPS = {"productId": "1", "quantity": 2}


def _place(client: TestClient, email: str | None = None) -> dict[str, Any]:
    order: dict[str, Any] = client.post("/api/orders", json=LAMPS | {"userEmail": email}).json()
    return order


@pytest.mark.parametrize(
    ("asked", "becomes"),
    [
        ("Processing", "Processing"),
        ("shipped", "Shipped"),
        ("DELIVERED", "Delivered"),
        ("cancelled", "Canceled"),
        ("Canceled", "Canceled"),
        (" pending ", "Pending"),
    ],
)
def test_a_status_is_set_in_any_letter_case(asked: str, becomes: str, client: TestClient) -> None:
    order = _place(client)

    changed = client.put(f"/api/orders/{order['id']}", json={"status": asked})

    assert changed.status_code == 200
    told = changed.json()
    changes = {"status": becomes, "updatedAt": told["updatedAt"]}
    assert told == order | changes | {"statusHistory": told["statusHistory"]}
    assert len(told["statusHistory"]) == (becomes != "Pending")
    assert client.get(f"/api/orders/{order['id']}").json() == changed.json()


def test_staff_set_any_status_from_any_status(client: TestClient) -> None:
    place = f"/api/orders/{_place(client)['id']}"
    statuses = ["Delivered", "Pending", "Canceled", "Shipped", "Processing", "Processing"]

    seen = [client.put(place, json={"status": one}).json()["status"] for one in statuses]

    assert seen == statuses


@pytest.mark.parametrize("status", ["Returned", "", None, 1, True, ["Pending"], "Pending\0"])
def test_an_unknown_status_is_refused_and_changes_nothing(
    status: object, client: TestClient
) -> None:
    order = _place(client)

    answer = client.put(f"/api/orders/{order['id']}", json={"status": status})

    assert answer.status_code == 422
    assert [fault["pointer"] for fault in answer.json()["errors"]] == ["/status"]
    assert client.get(f"/api/orders/{order['id']}").json() == order


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("order_id", ["nope", BACKFILL, ORDER_SECRET])
def test_an_internal_item_is_not_found_created_or_changed_as_an_order(
    method: str,
    order_id: str,
    client: TestClient,
    settings: Settings,
    dynamodb: Any,  # noqa: ANN401 - boto3's
) -> None:
    secret = note_item(ORDER_SECRET, secret="ab" * 32)
    put(dynamodb, settings.dynamodb.orders_table, secret)

    answer = client.request(method, f"/api/orders/{order_id}", json={"status": "Shipped"})

    assert answer.status_code == 404
    assert answer.json()["error"] == f"Order {order_id!r} does not exist."
    assert get(dynamodb, settings.dynamodb.orders_table, "nope") is None
    assert get(dynamodb, settings.dynamodb.orders_table, ORDER_SECRET) == secret


def test_a_deleted_order_is_gone(client: TestClient) -> None:
    place = f"/api/orders/{_place(client)['id']}"

    answer = client.delete(place)

    assert (answer.status_code, answer.json()) == (200, {"message": "Order deleted successfully"})
    assert [client.get(place).status_code, client.delete(place).status_code] == [404, 404]


def test_our_own_notes_are_in_no_list(
    client: TestClient,
    settings: Settings,
    dynamodb: Any,  # noqa: ANN401
) -> None:
    noted = [
        note_item(f"internal-{number:02}", userEmail="ann@example.org") for number in range(20)
    ]
    put(dynamodb, settings.dynamodb.orders_table, *noted)
    order = _place(client, "ann@example.org")

    pages = [client.get("/api/orders", params={"limit": 1})]
    while "next" in pages[-1].links:
        pages.append(client.get(pages[-1].links["next"]["url"]))

    assert client.get("/api/orders").json() == [order]
    assert [one for page in pages for one in page.json()] == [order]
    assert client.get("/api/orders/user?email=ann@example.org").json() == [order]


def _with_indexes(dynamodb: Any, settings: Settings) -> None:  # noqa: ANN401
    let_use_indexes(dynamodb, settings.dynamodb)


def _without_indexes(dynamodb: Any, settings: Settings) -> None:  # noqa: ANN401
    drop_indexes(dynamodb, settings.dynamodb.orders_table)


@pytest.mark.parametrize("prepare", [_with_indexes, _without_indexes])
def test_a_customers_orders_are_found_newest_first_with_and_without_the_index(
    prepare: Any,  # noqa: ANN401 - one of the two above
    faults: FaultProxy,
    client: TestClient,
    settings: Settings,
    dynamodb: Any,  # noqa: ANN401
) -> None:
    prepare(dynamodb, settings)
    for number, email in enumerate(
        ["a+b@x.org", "A+b@x.org", "a+b@X.org", "a+b@X.ORG", "ab@x.org", "a+b@x.org", "+b@x.org"]
    ):
        moment = f"2026-01-0{number + 1}T00:00:00.000Z"
        order = {"id": str(number), "userEmail": email, "createdAt": moment}
        put(dynamodb, settings.dynamodb.orders_table, order | order_keys(order))

    def found(email: str) -> list[str]:
        answer = client.get(f"/api/orders/user?email={email}")
        return [order["id"] for order in answer.json()]

    hers = ["5", "3", "2", "1", "0"]
    assert found("a+b@x.org") == hers  # as the page sends it: not encoded
    assert found("a%2Bb@x.org") == hers
    assert found("a%20b@x.org") == hers
    assert found("%20a+b@x.org%20") == hers
    assert found("A+B@X.ORG") == hers
    assert found("+b@x.org") == ["6"]
    assert found("%2Bb@x.org") == ["6"]
    assert found("b@x.org") == []
    assert found("nobody@x.org") == []
    assert found("no address at all") == []
    assert found("\u1f82" * 490 + "@x.org") == []
    assert bool(faults.calls["Query"]) == (prepare is _with_indexes)


def test_a_customers_orders_of_more_than_a_page_come_whole(
    client: TestClient,
    settings: Settings,
    dynamodb: Any,  # noqa: ANN401
) -> None:
    let_use_indexes(dynamodb, settings.dynamodb)
    for number in range(40):
        moment = f"2026-01-01T00:00:{number:02}.000Z"
        large = {"id": str(number), "userEmail": "user@example.com", "note": "x" * 60_000}
        large["createdAt"] = moment
        put(dynamodb, settings.dynamodb.orders_table, large | order_keys(large))

    answer = client.get("/api/orders/user?email=user@example.com")

    assert [order["id"] for order in answer.json()] == [str(n) for n in range(39, -1, -1)]


@pytest.mark.parametrize("query", ["", "?email=", "?email=%20%20", "?email=a%00b@x.org"])
def test_an_invalid_address_is_refused(query: str, client: TestClient) -> None:
    answer = client.get(f"/api/orders/user{query}")

    assert answer.status_code == 422
    assert [fault["pointer"] for fault in answer.json()["errors"]] == ["/query/email"]
