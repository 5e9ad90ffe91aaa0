"""The tables the shop needs: their indexes, streams and expiry, as data."""

from collections.abc import Iterator
from dataclasses import dataclass

from cloudmart.dynamodb.internal import BACKFILL
from cloudmart.settings import DynamoDBSettings


@dataclass(frozen=True, slots=True)
class Index:
    """A global secondary index over two string attributes, holding whole items."""

    name: str
    partition: str
    sort: str


@dataclass(frozen=True, slots=True)
class TableSchema:
    """A table as it should be: key `id` (S), on demand, point-in-time recovery.

    `expires` names the attribute that tells when an item may go, `backfill` the note that says
    whether its old-shape items have what its indexes need.
    """

    name: str
    indexes: tuple[Index, ...] = ()
    stream: bool = False
    expires: str | None = None
    backfill: str | None = None


ORDERS_BY_EMAIL = Index("userEmail-createdAt-index", "userEmail", "createdAt")
ORDERS_BY_DAY = Index("createdDay-createdAt-index", "createdDay", "createdAt")
TICKETS_BY_STATUS = Index("status-createdAt-index", "status", "createdAt")
EXPIRES = "expiresAt"


def tables(settings: DynamoDBSettings) -> Iterator[TableSchema]:
    """Yield the tables, under the names the settings give them."""
    yield TableSchema(settings.products_table)
    yield TableSchema(
        settings.orders_table,
        indexes=(ORDERS_BY_EMAIL, ORDERS_BY_DAY),
        stream=True,
        expires=EXPIRES,
        backfill=BACKFILL,
    )
    yield TableSchema(settings.tickets_table, indexes=(TICKETS_BY_STATUS,))
    yield TableSchema(settings.conversations_table, expires=EXPIRES)
