"""The tables the shop needs: their indexes, streams and expiry, as data."""

from collections.abc import Iterator

from cloudmart.dynamodb.schema import EXPIRES, TableSchema
from cloudmart.orders.indexes import INDEXED_ORDERS, ORDERS_BY_DAY, ORDERS_BY_EMAIL
from cloudmart.settings import DynamoDBSettings
from cloudmart.tickets.indexes import INDEXED_TICKETS, TICKETS_BY_STATUS


def shop_tables(settings: DynamoDBSettings) -> Iterator[TableSchema]:
    """Yield the tables, under the names the settings give them.

    The conversations come first: they hold the records of the others.
    """
    yield TableSchema(settings.conversations_table, expires=EXPIRES)
    yield TableSchema(settings.products_table)
    yield TableSchema(
        settings.orders_table,
        indexes=(ORDERS_BY_EMAIL, ORDERS_BY_DAY),
        stream=True,
        expires=EXPIRES,
        items=INDEXED_ORDERS,
        notes=settings.conversations_table,
    )
    yield TableSchema(
        settings.tickets_table,
        indexes=(TICKETS_BY_STATUS,),
        items=INDEXED_TICKETS,
        notes=settings.conversations_table,
    )
