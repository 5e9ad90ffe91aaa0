"""The attributes that the indexes are made of: what an order and a ticket should have of them.

What an item holds besides decides them, so a release writes them with each item, and the backfill
gives them to items that an older release wrote.
"""

from collections.abc import Callable, Mapping
from zlib import crc32

from cloudmart.dynamodb.codec import Item
from cloudmart.values.email import email_key, is_test_address
from cloudmart.values.timestamp import UNKNOWN, day_of, read_time, stamp

KEYS_VERSION = 1
"""What the attributes mean. A release that computes them in another way counts on."""

SHARDS = 8
"""Partitions of an index that one day, or one status, is spread over.

A partition takes 1,000 writes a second, and an index that takes no more throttles its table.
"""

EMAIL_KEY = "emailKey"
DAY_SHARD = "dayShard"
STATUS_SHARD = "statusShard"
CREATED_AT = "createdAt"

# Bytes of a sort key (DynamoDB's limit).
_LONGEST_SORT = 1024

_STATUSES = {"open": "open", "in_progress": "in_progress", "closed": "closed", "resolved": "closed"}

KeysOf = Callable[[Item], Mapping[str, str]]
"""Returns the attributes that an item should have."""


def in_shard(value: str, key: str) -> str:
    """Return a value of a sharded index under which the item of an id is found."""
    return f"{value}#{crc32(key.encode()) % SHARDS}"


def shards_of(value: str) -> list[str]:
    """Return all the values of a sharded index that stand for one."""
    return [f"{value}#{number}" for number in range(SHARDS)]


def address_of(order: Item) -> object:
    """Return the address an order shows, whatever older releases called it."""
    address = order.get("userEmail")
    return order.get("customerEmail") if _is_empty(address) else address


def is_test_order(order: Item) -> bool:
    """Tell whether an order only tries the shop, and counts in no figures."""
    return is_test_address(address_of(order))


def order_keys(order: Item) -> dict[str, str]:
    """Return the index attributes of an order: none for an address or a day that is not there.

    A test order has no day, so that nothing which counts by day knows of it.
    """
    created = created_at(order)
    day = None if is_test_order(order) else day_of(created)
    keys = {
        EMAIL_KEY: email_key(address_of(order)),
        DAY_SHARD: in_shard(day, order["id"]) if day else None,
        CREATED_AT: created,
    }
    return {name: value for name, value in keys.items() if value is not None}


def ticket_keys(ticket: Item) -> dict[str, str]:
    """Return the index attributes of a ticket; one without a known status is open, as it shows."""
    stored = ticket.get("status")
    word = stored if isinstance(stored, str) and stored else "open"
    shard = in_shard(_STATUSES.get(word, "open"), ticket["id"])
    return {STATUS_SHARD: shard, CREATED_AT: created_at(ticket), "status": word}


def created_at(item: Item) -> str:
    """Return when an item was made, as an index can sort it.

    A text that is not blank stays what it is. A number is the time that it shows, and where there
    is none the item is as old as its last change, or as old as can be, which is shown as unknown.
    """
    created = item.get(CREATED_AT)
    if isinstance(created, str) and created.strip() and len(created.encode()) <= _LONGEST_SORT:
        return created
    times = (read_time(value) for value in (created, item.get("updatedAt")))
    return stamp(next(filter(None, times), UNKNOWN))


def _is_empty(value: object) -> bool:
    return value is None or value == ""
