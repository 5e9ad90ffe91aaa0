"""A table's schema: its indexes, the attributes they need, and which of them an item lacks.

These attributes follow from an item's other attributes. A release writes them with each item, and
the backfill adds them to items that an older release wrote.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from zlib import crc32

from cloudmart.dynamodb.codec import Item, encode_item
from cloudmart.dynamodb.expression import unchanged, write_expressions
from cloudmart.values.timestamp import UNKNOWN, read_time, stamp

KEYS_VERSION = 1
"""The version of what the attributes mean. A release that computes them differently adds one."""

SHARDS = 8
"""Partitions of an index that one day, or one status, is spread over.

A partition takes 1,000 writes a second, and an index that takes no more throttles its table.
"""

LOOK_AGAIN = 60.0
"""Seconds after which a process checks again whether it may use an index."""

CREATED_AT = "createdAt"
EXPIRES = "expiresAt"

# Bytes of a sort key (DynamoDB's limit).
_LONGEST_SORT = 1024

KeysOf = Callable[[Item], Mapping[str, str]]
"""Returns the attributes that an item should have."""

_ACTIVE = "ACTIVE"


@dataclass(frozen=True, slots=True)
class TableIndex:
    """A global secondary index over two string attributes, holding whole items."""

    name: str
    partition: str
    sort: str


@dataclass(frozen=True, slots=True)
class IndexedItems:
    """Items that need attributes for their indexes.

    `noun` names them, `keys` returns what one should have, and `sources` names the attributes that
    decide it. Nobody else writes `attributes`: one that an item should not have is removed.
    `record` is the id of the note that says that all of them have it.
    """

    noun: str
    keys: KeysOf
    sources: tuple[str, ...]
    attributes: tuple[str, ...]
    record: str


@dataclass(frozen=True, slots=True)
class TableSchema:
    """A table as it should be: key `id` (S), on demand, point-in-time recovery.

    `expires` names the attribute that tells when an item may go, `notes` the table in which it is
    recorded that all items have what their indexes are made of.
    """

    name: str
    indexes: tuple[TableIndex, ...] = ()
    stream: bool = False
    expires: str | None = None
    items: IndexedItems | None = None
    notes: str = ""


def fault_of_record(record: Item | None) -> str | None:
    """Return why a record says nothing of the indexes as this release has them."""
    if record is None:
        return "no complete pass over the items is recorded"
    if record.get("keys") != KEYS_VERSION:
        return "the recorded pass is one of another release"
    return None


def in_shard(value: str, key: str) -> str:
    """Return a value of a sharded index under which the item of an id is found."""
    return f"{value}#{crc32(key.encode()) % SHARDS}"


def shards_of(value: str) -> list[str]:
    """Return all the values of a sharded index that stand for one."""
    return [f"{value}#{number}" for number in range(SHARDS)]


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


@dataclass(frozen=True, slots=True)
class Amendment:
    """What to give an item and what to take from it, as it was when it was read."""

    item: Item
    sources: tuple[str, ...]
    given: Mapping[str, str]
    removed: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.given or self.removed)

    @property
    def corrections(self) -> dict[str, str | None]:
        """Return the change of an item with a wrong attribute; nothing for one that lacks some.

        DynamoDB refuses every update of an item that leaves a key of an index with NULL, with
        nothing or with another type: each change of such an item must correct it as well.
        """
        wrong = self.removed or any(name in self.item for name in self.given)
        return self._changes if wrong else {}

    @property
    def _changes(self) -> dict[str, str | None]:
        return {**self.given, **dict.fromkeys(self.removed)}

    def parameters(self) -> dict[str, Any]:
        """Return UpdateItem's parameters: the change, if what it rests on is still as it was."""
        return {
            "Key": encode_item({"id": self.item["id"]}),
            **write_expressions(self._changes, unchanged(self.item, self.sources), exists=True),
        }


def amendment(item: Item, items: IndexedItems) -> Amendment:
    """Return what an item needs; nothing, for one that is as it should be."""
    wanted = items.keys(item)
    given = {name: value for name, value in wanted.items() if item.get(name) != value}
    removed = tuple(name for name in items.attributes if name in item and name not in wanted)
    return Amendment(item, items.sources, given, removed)


Description = Mapping[str, Any]


def index_named(description: Description, name: str) -> Description | None:
    """Return the description of an index, or None if there is none with that name."""
    indexes = description.get("GlobalSecondaryIndexes") or ()
    return next((index for index in indexes if index["IndexName"] == name), None)


def index_fault(description: Description, index: TableIndex) -> str | None:
    """Return why an index does not serve (yet), or None if it does."""
    found = index_named(description, index.name)
    if found is None:
        return "does not exist"
    if other := deviation(description, index):
        return other
    return None if found["IndexStatus"] == _ACTIVE else f"is {found['IndexStatus'].lower()}"


def deviation(description: Description, index: TableIndex) -> str | None:
    """Return how an index that is there differs from the one of its name that is wanted."""
    found = index_named(description, index.name) or {}
    keys = keys_of(description, found)
    wanted = {"HASH": (index.partition, "S"), "RANGE": (index.sort, "S")}
    if keys != wanted:
        return f"has the key {format_key(keys)}, not {format_key(wanted)}"
    projection = found["Projection"]["ProjectionType"]
    return None if projection == "ALL" else f"holds {projection}, not whole items"


def keys_of(description: Description, owner: Description) -> dict[str, tuple[str, str]]:
    """Return the key of a table or an index: attribute and type, by role."""
    types = {
        attribute["AttributeName"]: attribute["AttributeType"]
        for attribute in description["AttributeDefinitions"]
    }
    return {
        part["KeyType"]: (part["AttributeName"], types.get(part["AttributeName"], "?"))
        for part in owner.get("KeySchema", ())
    }


def is_settled(description: Description) -> bool:
    """Return whether the table and all of its indexes are done with what was asked of them."""
    indexes = description.get("GlobalSecondaryIndexes") or ()
    return description["TableStatus"] == _ACTIVE and all(
        index["IndexStatus"] == _ACTIVE for index in indexes
    )


def has_stream(description: Description) -> bool:
    """Return whether the table has a stream, of whichever view."""
    return bool((description.get("StreamSpecification") or {}).get("StreamEnabled"))


def format_key(keys: Mapping[str, tuple[str, str]]) -> str:
    """Write a key as a person reads it."""
    return " + ".join(f"{name} ({kind})" for name, kind in keys.values()) or "no key"
