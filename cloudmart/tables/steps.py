"""The steps that bring a table to what it should be. None of them takes anything away."""

from dataclasses import dataclass
from typing import Any

from cloudmart.dynamodb.refusals import PartState
from cloudmart.dynamodb.schema import IndexedItems, TableIndex, TableSchema

INDEX_KEYS = "index keys"
"""The part of a table that a backfill completes."""

DEFAULT_RATE = 200
"""Writes a second of a backfill: a small part of what a table on demand takes at once."""

STREAM = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
"""The stream a table with one has, as CreateTable and UpdateTable take it."""


@dataclass(frozen=True, slots=True)
class CreateTable:
    """Create a table with its indexes and its stream."""

    schema: TableSchema
    part: str = "table"

    @property
    def table(self) -> str:
        """Return the table's name."""
        return self.schema.name

    def __str__(self) -> str:
        names = [f"index {index.name}" for index in self.schema.indexes]
        names += ["its stream"] if self.schema.stream else []
        return "create it" + (f" with {', '.join(names)}" if names else "")


@dataclass(frozen=True, slots=True)
class EnableRecovery:
    """Turn on point-in-time recovery."""

    table: str
    part: str = "recovery"

    def __str__(self) -> str:
        return "turn on point-in-time recovery"


@dataclass(frozen=True, slots=True)
class EnableExpiry:
    """Let items expire at the time an attribute holds."""

    table: str
    attribute: str
    part: str = "expiry"

    def __str__(self) -> str:
        return f"let items expire at {self.attribute}"


@dataclass(frozen=True, slots=True)
class EnableStream:
    """Turn on the stream."""

    table: str
    part: str = "stream"

    def __str__(self) -> str:
        return "turn on the stream of new and old images"


@dataclass(frozen=True, slots=True)
class RunBackfill:
    """Give items the attributes of the indexes, and perhaps record that all of them have it.

    `notes` is the table that holds the record.
    """

    table: str
    items: IndexedItems
    notes: str
    rate: float = DEFAULT_RATE
    record: bool = False
    dry_run: bool = False
    part: str = INDEX_KEYS

    @classmethod
    def of(cls, schema: TableSchema, *, record: bool = False) -> "RunBackfill":
        """Return the pass over a table that has indexes."""
        if schema.items is None:
            raise TypeError(schema)
        return cls(schema.name, schema.items, schema.notes, record=record)

    def __str__(self) -> str:
        noun = self.items.noun
        if self.dry_run:
            return f"count the {noun} that lack attributes of the indexes"
        if self.record:
            return f"give {noun} the attributes of the indexes, and let look-ups use these"
        return f"give {noun} the attributes of the indexes"


@dataclass(frozen=True, slots=True)
class AddIndex:
    """Add an index to a table that exists."""

    table: str
    index: TableIndex

    @property
    def part(self) -> str:
        """Return the part of the table the step is about."""
        return f"index {self.index.name}"

    def __str__(self) -> str:
        return f"add the index {self.index.name} ({self.index.partition} + {self.index.sort})"


Step = CreateTable | EnableRecovery | EnableExpiry | EnableStream | RunBackfill | AddIndex


def table_definition(schema: TableSchema) -> dict[str, Any]:
    """Return the parameters of CreateTable for a table with everything it should have."""
    attributes = {"id"} | {
        name for index in schema.indexes for name in (index.partition, index.sort)
    }
    parameters: dict[str, Any] = {
        "TableName": schema.name,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [
            {"AttributeName": name, "AttributeType": "S"} for name in sorted(attributes)
        ],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    }
    if schema.indexes:
        parameters["GlobalSecondaryIndexes"] = [index_definition(one) for one in schema.indexes]
    if schema.stream:
        parameters["StreamSpecification"] = dict(STREAM)
    return parameters


def index_definition(index: TableIndex) -> dict[str, Any]:
    """Return an index as CreateTable and UpdateTable take it."""
    return {
        "IndexName": index.name,
        "KeySchema": [
            {"AttributeName": index.partition, "KeyType": "HASH"},
            {"AttributeName": index.sort, "KeyType": "RANGE"},
        ],
        "Projection": {"ProjectionType": "ALL"},
    }


@dataclass(frozen=True, slots=True)
class TableFinding:
    """A part of a table, its state, and the step that would correct it, if there is one."""

    table: str
    part: str
    state: PartState
    remark: str = ""
    step: Step | None = None
