"""What an item lacks of the attributes that its table's indexes are made of."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cloudmart.dynamodb.codec import Item, encode
from cloudmart.dynamodb.expression import changing, parameters, unchanged
from cloudmart.dynamodb.index_keys import DAY_SHARD, EMAIL_KEY, STATUS_SHARD
from cloudmart.dynamodb.schema import IndexedItems

# Nobody but this package writes them, so one that an item should not have is of no use.
_OURS = (EMAIL_KEY, DAY_SHARD, STATUS_SHARD)


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
        nothing or with another type: whoever changes such an item has to mend it as well.
        """
        wrong = self.removed or any(name in self.item for name in self.given)
        return self._changes if wrong else {}

    @property
    def _changes(self) -> dict[str, str | None]:
        return {**self.given, **dict.fromkeys(self.removed)}

    def parameters(self) -> dict[str, Any]:
        """Return UpdateItem's parameters: the change, if what it rests on is still as it was."""
        return {
            "Key": encode({"id": self.item["id"]}),
            **parameters(
                update=changing(self._changes),
                when=unchanged(self.item, self.sources),
            ),
        }


def amendment(item: Item, items: IndexedItems) -> Amendment:
    """Return what an item needs; nothing, for one that is as it should be."""
    wanted = items.keys(item)
    given = {name: value for name, value in wanted.items() if item.get(name) != value}
    removed = tuple(name for name in _OURS if name in item and name not in wanted)
    return Amendment(item, items.sources, given, removed)
