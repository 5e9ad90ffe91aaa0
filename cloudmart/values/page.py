"""A page of a list: what a store hands out while it walks through a table."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
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
        """Return the page with each item read."""
        return Page([read(item) for item in self.items], self.last)

    def filter(self, keep: Callable[[T], bool]) -> "Page[T]":
        """Return the page with the items to keep."""
        return Page([item for item in self.items if keep(item)], self.last)


Pages = AsyncGenerator[Page[T], None]

_MERGED = 500


async def merge(streams: Sequence[Pages[T]], by: Callable[[T], str]) -> Pages[T]:
    """Yield the items of several lists as one, all of them sorted by a text, greatest first."""
    each = [_items(stream) for stream in streams]
    firsts = await asyncio.gather(*(anext(items, None) for items in each))
    heads = list(zip(firsts, each, strict=True))
    batch: list[T] = []
    while waiting := [(head, items) for head, items in heads if head is not None]:
        first, source = max(waiting, key=lambda pair: by(pair[0]))
        batch.append(first)
        heads = [
            (await anext(items, None) if items is source else head, items)
            for head, items in waiting
        ]
        if len(batch) == _MERGED:
            yield Page(batch, last=False)
            batch = []
    yield Page(batch, last=True)


async def _items(pages: Pages[T]) -> AsyncIterator[T]:
    async for page in pages:
        for item in page.items:
            yield item
