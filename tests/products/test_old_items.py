"""Products as older releases stored them."""

from decimal import Decimal
from typing import Any

import pytest
from fastapi.testclient import TestClient

from cloudmart.products.models import ProductCreate
from cloudmart.settings import Settings
from tests.products.conftest import Stock
from tests.support.products import shown_product
from tests.support.shop_tables import get

BARE = {"id": "old", "name": "Kettle", "price": Decimal("34.5")}
SHOWN = shown_product(id="old", name="Kettle", price=34.5)
TIME = "2025-09-01T10:00:00.000Z"

OLD: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "without description and image": (BARE, SHOWN),
    "with nulls": (BARE | {"description": None, "image": None}, SHOWN),
    "price a string": (BARE | {"price": "34.50"}, SHOWN),
    "price a sum of binary floats": (BARE | {"price": Decimal("34.500000000000004")}, SHOWN),
    "without a price": ({"id": "old", "name": "Kettle"}, SHOWN | {"price": 0.0}),
    "extra attributes": (BARE | {"category": "kitchen", "stock": Decimal(7)}, SHOWN),
    "times": (
        BARE | {"createdAt": TIME, "updatedAt": TIME},
        SHOWN | {"createdAt": TIME, "updatedAt": TIME},
    ),
}

each_shape = pytest.mark.parametrize(("stored", "shown"), OLD.values(), ids=OLD)


@pytest.fixture
def table(settings: Settings) -> str:
    """Provide the name of the table."""
    return settings.dynamodb.products_table


@each_shape
def test_an_old_product_is_shown_alone_and_in_the_list(
    stored: dict[str, Any],
    shown: dict[str, Any],
    client: TestClient,
    stock: Stock,
) -> None:
    stock(stored)

    assert client.get("/api/products/old").json() == shown
    assert client.get("/api/products").json() == [shown]
    assert client.get("/api/products", params={"q": "KETT", "limit": 5}).json() == [shown]


@each_shape
def test_an_old_product_is_changed_as_it_was_read_and_then_deleted(  # noqa: PLR0913, PLR0917 - fixtures
    stored: dict[str, Any],
    shown: dict[str, Any],
    client: TestClient,
    table: str,
    dynamodb: Any,  # noqa: ANN401
    stock: Stock,
) -> None:
    stock(stored)

    changed = client.put("/api/products/old", json=client.get("/api/products/old").json())

    assert changed.status_code == 200
    assert changed.json() == shown | {"updatedAt": changed.json()["updatedAt"]}
    said = ProductCreate.model_validate(shown).model_dump()
    assert get(dynamodb, table, "old") == stored | said | {"updatedAt": changed.json()["updatedAt"]}
    assert client.delete("/api/products/old").status_code == 200
    assert get(dynamodb, table, "old") is None


def test_a_product_without_a_readable_price_is_shown_but_not_for_sale(
    client: TestClient,
    stock: Stock,
) -> None:
    prices: list[Any] = ["call us", None, Decimal(-5), [], True, "1e400"]
    items = [{"id": str(number), "price": price} for number, price in enumerate(prices)]
    stock(*items)

    answers = [
        client.post("/api/orders", json={"productId": item["id"], "quantity": 1}) for item in items
    ]

    assert {answer.status_code for answer in answers} == {422}
    assert {answer.json()["type"] for answer in answers} == {"/api/problems/unknown-product"}
    assert len(client.get("/api/products").json()) == len(items)
