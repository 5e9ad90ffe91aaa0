"""What a pass of the backfill has met."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from cloudmart.dynamodb.codec import Item
from cloudmart.dynamodb.old_orders import is_lost, is_undated

_EXAMPLES = 10
_COUNTS = ("seen", "mended", "undated", "lost", "refused")


@dataclass(slots=True)
class Tally:
    """Counts of orders, and the ids of some that a person should look at.

    `expected` is about how many there are; `resumed` when the pass was begun that is gone on with.
    """

    seen: int = 0
    mended: int = 0
    undated: int = 0
    lost: int = 0
    refused: int = 0
    examples: list[str] = field(default_factory=list)
    expected: int = 0
    resumed: str | None = None

    @classmethod
    def stored(cls, note: Mapping[str, Any]) -> Self:
        """Return the tally that a note holds."""
        kept = note.get("tally", {})
        numbers = {name: int(kept.get(name, 0)) for name in _COUNTS}
        examples = list(kept.get("examples", ()))
        return cls(**numbers, examples=examples, resumed=note.get("startedAt"))

    def to_store(self) -> dict[str, Any]:
        """Return what a note holds of the tally."""
        return {name: getattr(self, name) for name in (*_COUNTS, "examples")}

    def see(self, order: Item) -> None:
        """Count an order that was read."""
        self.seen += 1
        if is_lost(order):
            self.lost += 1
            self._point_at(order["id"])
        elif is_undated(order):
            self.undated += 1
            self._point_at(order["id"])

    def refuse(self, order: Item) -> None:
        """Count an order that DynamoDB would not change."""
        self.refused += 1
        self._point_at(order["id"])

    @property
    def is_complete(self) -> bool:
        """Tell whether every order with an e-mail can be found by it in the index."""
        return not self.lost and not self.refused

    def sentence(self, *, dry_run: bool = False) -> str:
        """Return the tally as a person reads it."""
        parts = [
            f"{self.seen:,} orders read",
            f"{self.mended:,} {'to mend' if dry_run else 'mended'}",
        ]
        parts += _some(self.undated, "without a day: createdAt is not a time of ours")
        parts += _some(self.lost, "would not be found by e-mail: createdAt is no text")
        parts += _some(self.refused, "refused by DynamoDB")
        if self.resumed:
            parts.append(f"went on with the pass begun {self.resumed}")
        examples = f" ({', '.join(self.examples)})" if self.examples else ""
        return "; ".join(parts) + examples

    def _point_at(self, order_id: str) -> None:
        if order_id not in self.examples and len(self.examples) < _EXAMPLES:
            self.examples.append(order_id)


def _some(count: int, what: str) -> Iterable[str]:
    return [f"{count:,} {what}"] if count else []
