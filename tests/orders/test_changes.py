"""Changes that customers make of their orders."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from cloudmart.dynamodb.client import Database
from cloudmart.dynamodb.session import new_session
from cloudmart.dynamodb.table import Table
from cloudmart.errors import ConflictError
from cloudmart.orders.models import Order, OrderStatus
from cloudmart.orders.repository import OrderRepository
from cloudmart.settings import Settings
from tests.support.shop_tables import CALL_WITHIN


@pytest.fixture
async def orders(settings: Settings) -> AsyncIterator[OrderRepository]:
    """Provide the orders of a shop that has none."""
    database = Database(new_session(), within=CALL_WITHIN)
    await database.open()
    names = settings.dynamodb
    yield OrderRepository(
        Table(database, names.orders_table), Table(database, names.conversations_table)
    )
    await database.close()


async def test_of_two_cancellations_at_once_one_is_made(orders: OrderRepository) -> None:
    order = await orders.add(Order.place([], "ann@example.org"))

    done = await asyncio.gather(orders.cancel(order), orders.cancel(order), return_exceptions=True)

    canceled, refused = sorted(done, key=lambda one: isinstance(one, Exception))
    assert isinstance(refused, ConflictError)
    assert canceled == await orders.get(order.id)
    assert (await orders.get(order.id)).status is OrderStatus.CANCELED


async def test_an_order_is_not_erased_while_staff_change_it(orders: OrderRepository) -> None:
    order = await orders.add(Order.place([], "ann@example.org"))
    changed = await orders.change_status(order.id, OrderStatus.SHIPPED)

    with pytest.raises(ConflictError):
        await orders.erase(order)

    assert await orders.get(order.id) == changed


@pytest.mark.parametrize("status", ["Shipped", "Delivered", "Canceled"])
async def test_what_has_left_is_not_canceled(orders: OrderRepository, status: str) -> None:
    order = await orders.add(Order.place([], "ann@example.org"))
    gone = await orders.change_status(order.id, OrderStatus(status))

    with pytest.raises(ConflictError, match="cannot be canceled"):
        await orders.cancel(gone)

    assert await orders.get(order.id) == gone
