"""The record that all items of a table have what its indexes are made of.

It is made of a pass that began when the last pod of an older release had ended: such a release
writes items without those attributes, and an index would not have them. It is a note among the
conversations, for releases before this one show notes among the orders as orders.
"""

from typing import Any

from cloudmart.dynamodb.codec import Item, encode
from cloudmart.dynamodb.index_keys import KEYS_VERSION
from cloudmart.dynamodb.operator import patiently
from cloudmart.dynamodb.schema import IndexedItems
from cloudmart.values.timestamp import now, stamp

LOOK_AGAIN = 60.0
"""Seconds after which a process looks anew whether it may use an index."""


def fault_of_record(record: Item | None) -> str | None:
    """Return why a record says nothing of the indexes as this release has them."""
    if record is None:
        return "no complete pass over the items is recorded"
    if record.get("keys") != KEYS_VERSION:
        return "the recorded pass is one of another release"
    return None


@patiently
async def write_record(client: Any, notes: str, items: IndexedItems, started: str) -> None:  # noqa: ANN401
    """Record that a pass which began at a time has found or made all items complete."""
    times = {"startedAt": started, "completedAt": stamp(now())}
    record = {"id": items.record, "keys": KEYS_VERSION, **times}
    await client.put_item(TableName=notes, Item=encode(record))


@patiently
async def remove_record(client: Any, notes: str, items: IndexedItems) -> None:  # noqa: ANN401
    """Remove the record, so that look-ups read the table."""
    await client.delete_item(TableName=notes, Key=encode({"id": items.record}))
