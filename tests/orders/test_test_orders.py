"""Test orders behave like other orders, and no count includes them."""

from typing import Any

from fastapi.testclient import TestClient
from prometheus_client import REGISTRY

from cloudmart.settings import Settings
from tests.support.shop_tables import get, let_use_indexes

BODY: dict[str, Any] = {
    "userEmail": "run-1@Verify.invalid",
    "items": [{"productId": "1", "quantity": 1}],
}


def placed() -> float:
    """Return how many orders were counted."""
    return REGISTRY.get_sample_value("cloudmart_orders_placed_total") or 0


def test_a_test_order_is_an_order_that_no_figure_counts(
    shared_client: TestClient,
    shared_settings: Settings,
    dynamodb: Any,  # noqa: ANN401 - boto3's
) -> None:
    before = placed()

    answer = shared_client.post("/api/orders", json=BODY)

    order = answer.json()
    assert answer.status_code == 201
    assert shared_client.get(f"/api/orders/{order['id']}").json() == order
    assert placed() == before
    stored = get(dynamodb, shared_settings.dynamodb.orders_table, order["id"]) or {}
    # The counts of a day use the index over this attribute.
    assert "dayShard" not in stored
    assert stored["emailKey"] == "run-1@verify.invalid"


def test_a_test_order_is_found_by_its_address_and_among_all(
    client: TestClient,
    stocked: Settings,
    dynamodb: Any,  # noqa: ANN401 - boto3's
) -> None:
    let_use_indexes(dynamodb, stocked.dynamodb)

    order = client.post("/api/orders", json=BODY).json()

    listed = client.get("/api/orders/user", params={"email": BODY["userEmail"]}).json()
    assert [each["id"] for each in listed] == [order["id"]]
    assert [each["id"] for each in client.get("/api/orders").json()] == [order["id"]]


def test_a_test_order_stays_out_of_the_index_by_day_when_it_changes(
    shared_client: TestClient,
    shared_settings: Settings,
    dynamodb: Any,  # noqa: ANN401 - boto3's
) -> None:
    order = shared_client.post("/api/orders", json=BODY).json()

    shared_client.put(f"/api/orders/{order['id']}", json={"status": "Shipped"})

    stored = get(dynamodb, shared_settings.dynamodb.orders_table, order["id"]) or {}
    assert "dayShard" not in stored


def test_the_document_describes_test_orders(shared_client: TestClient) -> None:
    operation = shared_client.get("/openapi.json").json()["paths"]["/api/orders"]["post"]

    assert "`@verify.invalid` is a test order" in operation["description"]
