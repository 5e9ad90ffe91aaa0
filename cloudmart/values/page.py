"""A page of a list: what a store hands out while it walks through a table."""

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")
U = TypeVar("U")


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
