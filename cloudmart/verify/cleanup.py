"""The items that a verification created in the shop, and their removal."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from cloudmart.verify.shop_client import ShopClient
from cloudmart.verify.step import StepFailedError

_TRIES = 6
_PAUSE = 0.5


@dataclass(slots=True)
class CreatedItem:
    """Something that was made, or may have been: if the answer was lost, its id is not known.

    `find` looks for it in the shop then, and returns its id if it is there. Where `stays` is not
    empty, it says why the item is not removed.
    """

    noun: str
    collection: str
    find: Callable[[], str | None]
    known_by: str
    key: str | None = None
    stays: str = ""

    def __str__(self) -> str:
        return f"{self.noun} {self.key or f'of unknown id ({self.known_by})'}"

    @property
    def path(self) -> str:
        """Return where it is."""
        return f"{self.collection}/{self.key or '?'}"


@dataclass(slots=True)
class CreatedItems:
    """What there is to remove, in the order in which it was made."""

    items: list[CreatedItem] = field(default_factory=list)
    pause: float = _PAUSE

    def begin(
        self, noun: str, collection: str, find: Callable[[], str | None], known_by: str = ""
    ) -> CreatedItem:
        """Note an item before it is made; `known_by` is how a person finds it."""
        item = CreatedItem(noun, collection, find, known_by)
        self.items.append(item)
        return item

    def forget(self, item: CreatedItem) -> None:
        """Note that an item is not there, or no more."""
        self.items.remove(item)

    def remove_all(self, shop: ShopClient) -> None:
        """Remove all that may be removed, the last one first; what is left could not be."""
        for item in reversed(self.items.copy()):
            if not item.stays and self._gone(item, shop):
                self.forget(item)

    def _gone(self, item: CreatedItem, shop: ShopClient) -> bool:
        for attempt in range(_TRIES):
            if attempt:
                time.sleep(self.pause)
            try:
                item.key = item.key or item.find()
                if item.key is None:
                    # An index, or another pod, may not know yet what was made a moment ago.
                    continue
                if shop.ask("DELETE", item.path, admin=True).status in {200, 404}:
                    return True
            except StepFailedError:
                continue
        return item.key is None and _was_answered(item)


def _was_answered(item: CreatedItem) -> bool:
    """Return whether the shop says, the last time it is asked, that there is no such item."""
    try:
        return item.find() is None
    except StepFailedError:
        return False
