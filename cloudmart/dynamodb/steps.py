"""The steps that bring a table to what it should be. None of them takes anything away."""

from dataclasses import dataclass

from cloudmart.dynamodb.schema import Index, TableSchema

DEFAULT_RATE = 200
"""Writes a second of a backfill: a small part of what a table on demand takes at once."""


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
    """Give old-shape orders what the indexes need."""

    table: str
    rate: float = DEFAULT_RATE
    from_start: bool = False
    dry_run: bool = False
    part: str = "backfill"

    def __str__(self) -> str:
        if self.dry_run:
            return "count the old-shape orders that lack what the indexes need"
        return "give old-shape orders what the indexes need"


@dataclass(frozen=True, slots=True)
class AddIndex:
    """Add an index to a table that exists."""

    table: str
    index: Index

    @property
    def part(self) -> str:
        """Return the part of the table the step is about."""
        return f"index {self.index.name}"

    def __str__(self) -> str:
        return f"add the index {self.index.name} ({self.index.partition} + {self.index.sort})"


Step = CreateTable | EnableRecovery | EnableExpiry | EnableStream | RunBackfill | AddIndex
