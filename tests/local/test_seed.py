"""The shop that `cloudmart dev` opens."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient

from cloudmart.app import create_app
from cloudmart.composition.clients import open_database
from cloudmart.local.seed import seed_tables
from cloudmart.observability.metrics import INDEX_FALLBACKS
from cloudmart.settings import DynamoDBSettings, Environment, Settings
from cloudmart.tables.schema import shop_tables
from cloudmart.values import ids
from tests.support.ready_app import serving
from tests.support.shop_tables import CALL_WITHIN


@pytest.fixture
def names(dynamodb: Any) -> Iterator[DynamoDBSettings]:  # noqa: ANN401
    """Provide the names of tables that do not exist yet."""
    prefix = uuid4().hex[:12]
    names = DynamoDBSettings(
        products_table=f"{prefix}-products",
        orders_table=f"{prefix}-orders",
        tickets_table=f"{prefix}-tickets",
        conversations_table=f"{prefix}-conversations",
        timeout=CALL_WITHIN,
    )
    yield names
    for schema in shop_tables(names):
        dynamodb.delete_table(TableName=schema.name)


async def _open(
    names: DynamoDBSettings, *, empty: bool = False
) -> AbstractContextManager[TestClient]:
    settings = Settings(environment=Environment.LOCAL, dynamodb=names)
    async with open_database(settings) as database:
        await seed_tables(database, names, empty=empty)
    return serving(create_app(settings))


async def test_the_catalogue_is_on_the_shelves(names: DynamoDBSettings) -> None:
    with await _open(names) as client:
        products = client.get("/api/products").json()

    lamp = next(product for product in products if product["id"] == ids.PRODUCT)
    assert len(products) == 24
    assert (lamp["name"], lamp["price"]) == ("Desk lamp", 19.99)
    assert all(product["createdAt"] and product["updatedAt"] for product in products)


async def test_the_items_that_the_documentation_names_are_there(names: DynamoDBSettings) -> None:
    with await _open(names) as client:
        order = client.get(f"/api/orders/{ids.ORDER}").json()
        ticket = client.get(f"/api/tickets/{ids.TICKET}").json()

    assert (order["userEmail"], order["total"]) == (ids.CUSTOMER, 19.99)
    assert (ticket["userEmail"], ticket["status"]) == (ids.CUSTOMER, "open")


async def test_an_empty_shop_is_empty(names: DynamoDBSettings) -> None:
    with await _open(names, empty=True) as client:
        lists = [client.get(f"/api/{name}").json() for name in ("products", "orders", "tickets")]

    assert lists == [[], [], []]


async def test_look_ups_use_the_indexes_from_the_start(names: DynamoDBSettings) -> None:
    before = _fallbacks()

    with await _open(names) as client:
        orders = client.get("/api/orders/user", params={"email": ids.CUSTOMER}).json()
        tickets = client.get("/api/tickets/status", params={"status": "open"}).json()

    assert [order["id"] for order in orders] == [ids.ORDER]
    assert [ticket["id"] for ticket in tickets] == [ids.TICKET]
    assert _fallbacks() == before


def _fallbacks() -> float:
    counted = INDEX_FALLBACKS.collect()
    return sum(sample.value for metric in counted for sample in metric.samples)
