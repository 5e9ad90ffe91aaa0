"""The composition root: open what the service talks to, build what it consists of."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aioboto3

from cloudmart.dynamodb.client import Database
from cloudmart.dynamodb.secret import SharedSecret
from cloudmart.dynamodb.table import Table
from cloudmart.orders.idempotency import IdempotencyKeys
from cloudmart.orders.repository import OrderRepository
from cloudmart.orders.service import OrderService
from cloudmart.products.repository import ProductRepository
from cloudmart.settings import Settings
from cloudmart.tickets.repository import TicketRepository


@asynccontextmanager
async def open_clients() -> AsyncIterator[Database]:
    """Open the connections of the process, and close them at its end."""
    database = Database(aioboto3.Session())
    try:
        await database.open()
        yield database
    finally:
        await database.close()


def build_services(settings: Settings, database: Database) -> dict[type[Any], Any]:
    """Return the services an endpoint may ask for, by their type."""
    tables = settings.dynamodb
    products = ProductRepository(Table(database, tables.products_table))
    order_table = Table(database, tables.orders_table)
    orders = OrderRepository(order_table)
    services = [
        products,
        orders,
        OrderService(orders, products, IdempotencyKeys(SharedSecret(order_table))),
        TicketRepository(Table(database, tables.tickets_table)),
    ]
    return {type(service): service for service in services}
