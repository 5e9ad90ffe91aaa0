"""The tables the shop needs: their indexes, streams and expiry, as data."""

from collections.abc import Iterator
from dataclasses import dataclass

from cloudmart.dynamodb.index_keys import (
    CREATED_AT,
    DAY_SHARD,
    EMAIL_KEY,
    STATUS_SHARD,
    KeysOf,
    order_keys,
    ticket_keys,
)
from cloudmart.settings import DynamoDBSettings


@dataclass(frozen=True, slots=True)
class Index:
    """A global secondary index over two string attributes, holding whole items."""

    name: str
    partition: str
    sort: str


@dataclass(frozen=True, slots=True)
class IndexedItems:
    """Items that need attributes for their indexes.

    `noun` names them, `keys` returns what one should have, and `sources` names the attributes that
    decide it. `record` is the id of the note that says that all of them have it.
    """

    noun: str
    keys: KeysOf
    sources: tuple[str, ...]
    record: str


@dataclass(frozen=True, slots=True)
class TableSchema:
    """A table as it should be: key `id` (S), on demand, point-in-time recovery.

    `expires` names the attribute that tells when an item may go, `notes` the table in which it is
    recorded that all items have what their indexes are made of.
    """

    name: str
    indexes: tuple[Index, ...] = ()
    stream: bool = False
    expires: str | None = None
    items: IndexedItems | None = None
    notes: str = ""


ORDERS_BY_EMAIL = Index("emailKey-createdAt-index", EMAIL_KEY, CREATED_AT)
ORDERS_BY_DAY = Index("dayShard-createdAt-index", DAY_SHARD, CREATED_AT)
TICKETS_BY_STATUS = Index("statusShard-createdAt-index", STATUS_SHARD, CREATED_AT)
EXPIRES = "expiresAt"

INDEXED_ORDERS = IndexedItems(
    "orders",
    order_keys,
    ("userEmail", "customerEmail", CREATED_AT, "updatedAt", EMAIL_KEY, DAY_SHARD),
    record="internal-index-keys-orders",
)
INDEXED_TICKETS = IndexedItems(
    "tickets",
    ticket_keys,
    ("status", CREATED_AT, "updatedAt", STATUS_SHARD),
    record="internal-index-keys-tickets",
)


def tables(settings: DynamoDBSettings) -> Iterator[TableSchema]:
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
