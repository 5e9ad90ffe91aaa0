"""A page of a list: what a store hands out while it walks through a table."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")
U = TypeVar("U")

FEW = 50
"""Items that are worked on in one go: it takes less than a millisecond."""


@dataclass(frozen=True)
class Page(Generic[T]):
    """Some items of a list, and whether they are its last."""

    items: list[T]
    last: bool

    def map(self, read: Callable[[T], U]) -> "Page[U]":
        """Return the page with each item read, and let go of the items: a page may be large."""
        return Page(list(map(read, self._taken())), self.last)

    def filter(self, keep: Callable[[T], bool]) -> "Page[T]":
        """Return the page with the items to keep, and let go of them all."""
        return Page(list(filter(keep, self._taken())), self.last)

    def _taken(self) -> list[T]:
        items = self.items.copy()
        self.items.clear()
        return items


Pages = AsyncGenerator[Page[T], None]


async def let_others_go_first(items: int) -> None:
    """Let other requests have their turn between two pieces of work on so many items."""
    if items > FEW:
        await asyncio.sleep(0)
