"""What a pass of the backfill has met."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from cloudmart.dynamodb.codec import Item
from cloudmart.dynamodb.index_keys import DAY_SHARD
from cloudmart.dynamodb.schema import IndexedItems

_EXAMPLES = 10


@dataclass(slots=True)
class Tally:
    """Counts of items, and the ids of some that a person should look at.

    `expected` is about how many there are.
    """

    noun: str
    seen: int = 0
    mended: int = 0
    undated: int = 0
    refused: int = 0
    examples: list[str] = field(default_factory=list)
    expected: int = 0

    def see(self, item: Item, items: IndexedItems) -> None:
        """Count an item that was read."""
        self.seen += 1
        if DAY_SHARD in items.sources and DAY_SHARD not in items.keys(item):
            self.undated += 1
            self._point_at(item["id"])

    def refuse(self, item: Item) -> None:
        """Count an item that DynamoDB would not change."""
        self.refused += 1
        self._point_at(item["id"])

    @property
    def is_complete(self) -> bool:
        """Tell whether the indexes find every item that they should."""
        return not self.refused

    def sentence(self, *, dry_run: bool = False) -> str:
        """Return the tally as a person reads it."""
        parts = [
            f"{self.seen:,} {self.noun} read",
            f"{self.mended:,} {'to mend' if dry_run else 'mended'}",
        ]
        parts += _some(self.undated, "without a day: createdAt is not a time of ours")
        parts += _some(self.refused, "refused by DynamoDB")
        examples = f" ({', '.join(self.examples)})" if self.examples else ""
        return "; ".join(parts) + examples

    def _point_at(self, key: str) -> None:
        if key not in self.examples and len(self.examples) < _EXAMPLES:
            self.examples.append(key)


def _some(count: int, what: str) -> Iterable[str]:
    return [f"{count:,} {what}"] if count else []
