"""No accepted body makes an item that is larger than DynamoDB allows (400 kB)."""

import json
from typing import Any

import pytest
from fastapi.testclient import TestClient

from cloudmart.settings import Settings
from tests.support.shop_tables import put

WIDE = "😀"
"""Four bytes, the longest form of a character."""

JSON = {"Content-Type": "application/json"}
EMAIL = "ü" * 120 + "@example.org"


@pytest.fixture(scope="module")
def client(shared_client: TestClient) -> TestClient:
    """Provide the same application to all tests."""
    return shared_client


def test_the_largest_product_is_stored(client: TestClient) -> None:
    product = {
        "name": WIDE * 200,
        "description": WIDE * 4000,
        "price": 1_000_000,
        "image": "https://" + WIDE * (16_384 - 8),
    }

    answer = client.post("/api/products", json=product)

    assert answer.status_code == 201
    changed = client.put(answer.headers["Location"], json=product)
    assert {name: changed.json()[name] for name in product} == product


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", WIDE * 201),
        ("name", " "),
        ("description", WIDE * 4001),
        ("image", "https://" + "x" * (16_385 - 8)),
        ("image", "ftp://example.org/a.png"),
        ("image", "javascript:alert(1)"),
        ("image", "data:text/html,<b>"),
        ("image", "https://"),
        ("image", "https://a b"),
        ("price", 1_000_000.01),
        ("price", -0.01),
        ("price", 9.999),
    ],
)
def test_a_larger_product_is_refused(field: str, value: object, client: TestClient) -> None:
    product = {"name": "Lamp", "description": "", "price": 1, "image": ""}

    answer = client.post("/api/products", json=product | {field: value})

    assert answer.status_code == 422
    assert [fault["pointer"] for fault in answer.json()["errors"]] == [f"/{field}"]


def test_the_largest_order_is_stored(
    client: TestClient,
    shared_settings: Settings,
    dynamodb: Any,  # noqa: ANN401 - boto3's
) -> None:
    keys = [WIDE * 250 + f"{number:05}" for number in range(100)]
    # A product of an older release: its name has no limit.
    products = [{"id": key, "name": WIDE * 5000, "price": "1000000"} for key in keys]
    put(dynamodb, shared_settings.dynamodb.products_table, *products)
    lines = [{"productId": key, "quantity": 1000} for key in keys]

    answer = client.post(
        "/api/orders",
        json={"items": lines, "userEmail": EMAIL, "total": 100_000_000_000},
        headers={"Idempotency-Key": "x" * 255},
    )

    assert answer.status_code == 201
    assert client.get(answer.headers["Location"]).json() == answer.json()
    assert answer.json()["total"] == 100_000_000_000
    assert {line["name"] for line in answer.json()["items"]} == {WIDE * 200}


@pytest.mark.parametrize(
    "conversation",
    [
        [{"sender": "user", "text": WIDE * 4000}] * 60,
        [{"sender": "ai", "text": "x" * 4000}] * 250,
        [{"sender": "user", "text": ""}] * 20_000,
        [{"sender": "user", "text": "ü" * 500_000}],
    ],
    ids=["wide", "long", "many", "one"],
)
def test_the_largest_ticket_is_stored(
    conversation: list[dict[str, str]], client: TestClient
) -> None:
    ticket = {
        "subject": WIDE * 200,
        "message": WIDE * 4000,
        "userEmail": EMAIL,
        "conversation": conversation,
    }

    body = json.dumps(ticket, ensure_ascii=False, separators=(",", ":")).encode()
    answer = client.post("/api/tickets", content=body, headers=JSON)

    assert answer.status_code == 201
    assert answer.json()["truncated"] is True
    assert client.get(answer.headers["Location"]).json() == answer.json()


def test_an_item_without_room_for_a_change_is_refused_and_kept(
    client: TestClient,
    shared_settings: Settings,
    dynamodb: Any,  # noqa: ANN401
) -> None:
    full = {"id": "full", "name": "Lamp", "price": 1, "attachment": "x" * 400_000}
    put(dynamodb, shared_settings.dynamodb.products_table, full)
    lamp = {"name": "Lamp", "description": WIDE * 4000, "price": 1}

    answer = client.put("/api/products/full", json=lamp)

    assert answer.status_code == 422
    assert answer.json()["type"] == "/api/problems/item-too-large"
    assert client.get("/api/products/full").json()["description"] == ""
