"""Look-ups by an index, or by a scan of the whole table while the index cannot be used."""

import asyncio
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

import structlog
from botocore.exceptions import ClientError

from cloudmart.dynamodb.client import PageTrail
from cloudmart.dynamodb.codec import Item, encode_item
from cloudmart.dynamodb.expression import key_query
from cloudmart.dynamodb.lazy_items import decode_all
from cloudmart.dynamodb.refusals import explain_refusal
from cloudmart.dynamodb.schema import (
    LOOK_AGAIN,
    IndexedItems,
    TableIndex,
    fault_of_record,
    index_fault,
)
from cloudmart.dynamodb.table import Key, ReadItems, Table
from cloudmart.errors import UnavailableError
from cloudmart.observability.metrics import INDEX_FALLBACKS
from cloudmart.values.page import Page, Pages

T = TypeVar("T")

_log = structlog.stdlib.get_logger(__name__)

_GRACE = 1 / 7
"""The share of a call's time that a request waits for that.

Another part of DynamoDB describes tables than reads items, and one may fail while the other works.
"""

AT_ONCE = 500
"""Items of all keys that are read at once."""


class IndexRecord:
    """The record as the service reads it."""

    def __init__(self, notes: Table, items: IndexedItems) -> None:
        self._notes = notes
        self._items = items

    async def fault(self) -> str | None:
        """Return why the indexes may lack items, or None where they do not."""
        return fault_of_record(await self._notes.get(self._items.record))


class Lookup:
    """Finds items by an index.

    An index may be used when DescribeTable says it is active, and the record says that no item
    lacks its attributes. Both change while the service runs (an operator applies the schema,
    Terraform drops what it does not know, a roll-out goes back).
    """

    def __init__(
        self,
        table: Table,
        index: TableIndex,
        record: IndexRecord,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._table = table
        self._index = index
        self._record = record
        self._clock = clock
        self._usable = False
        self._look_after = -math.inf
        self._warned = False
        self._looking: asyncio.Task[None] | None = None

    async def find(self, values: Sequence[str], *, scan: Callable[[], Pages[Item]]) -> Pages[Item]:
        """Yield the items whose indexed attribute has one of the values, newest first.

        Without the index, `scan` is asked for them, which must find the same items.
        """
        async for page in self._either(lambda: self._query(values), scan):
            yield page

    async def find_as(
        self, read: ReadItems[T], value: str, *, scan: Callable[[], Pages[T]]
    ) -> Pages[T]:
        """Yield the items of one value as `find` does, and let `read` read them."""
        index = self._index
        query = partial(self._table.query_as, read, index.name, index.partition, value)
        async for page in self._either(query, scan):
            yield page

    async def _either(
        self, query: Callable[[], Pages[T]], scan: Callable[[], Pages[T]]
    ) -> Pages[T]:
        async with self._table.database.budget():
            pages = await self._indexed(query)
        if pages is None:
            INDEX_FALLBACKS.labels(self._index.name).inc()
            pages = scan()
        async for page in pages:
            yield page

    async def _indexed(self, query: Callable[[], Pages[T]]) -> Pages[T] | None:
        if not await self._is_usable():
            return None
        pages = query()
        try:
            first = await anext(pages)
        except (ClientError, UnavailableError):
            # Only the description distinguishes a dropped index from an outage.
            if await self._look():
                raise
            return None
        return _with_first(first, pages)

    def _query(self, values: Sequence[str]) -> Pages[Item]:
        index = self._index
        if len(values) == 1:
            return self._table.query(index.name, index.partition, values[0])
        return query_keys(self._table, index, values)

    async def _is_usable(self) -> bool:
        if self._clock() >= self._look_after:
            if self._looking is None:
                self._looking = asyncio.create_task(self._look_again())
                self._looking.add_done_callback(self._looked)
            if self._known:
                grace = self._table.database.within * _GRACE
                await asyncio.wait({self._looking}, timeout=grace)
            else:
                await asyncio.shield(self._looking)
        return self._usable

    @property
    def _known(self) -> bool:
        return self._look_after > -math.inf

    async def _look_again(self) -> None:
        async with self._table.database.budget():
            await self._look()

    def _looked(self, task: asyncio.Task[None]) -> None:
        self._looking = None
        if not task.cancelled() and task.exception() and self._known:
            self._look_after = self._clock() + LOOK_AGAIN

    async def _look(self) -> bool:
        try:
            fault = await self._fault()
        except UnavailableError as error:
            # Not allowed to look, or too often: what was known still holds, and a scan is
            # always right. A store that does not answer would not answer that either.
            if not isinstance(error.__cause__, ClientError):
                raise
            fault = None if self._usable else explain_refusal(error.__cause__).remark
        self._usable = fault is None
        self._look_after = self._clock() + LOOK_AGAIN
        if fault and not self._warned:
            _log.warning(
                "index_not_usable",
                table=self._table.name,
                index=self._index.name,
                because=fault,
                effect="look-ups read the whole table",
                next_step="cloudmart tables status",
            )
        self._warned = not self._usable
        return self._usable

    async def _fault(self) -> str | None:
        if fault := index_fault(await self._table.describe(), self._index):
            return f"the index {fault}"
        return await self._record.fault()


async def _with_first(first: Page[T], rest: Pages[T]) -> Pages[T]:
    yield first
    async for page in rest:
        yield page


@dataclass
class _Walk:
    """How far the items of one key have been yielded."""

    query: Key
    start: Key | None = None
    ended: bool = False
    trail: PageTrail = field(default_factory=PageTrail)


async def query_keys(
    table: Table, index: TableIndex, values: Sequence[str], *, at_once: int = AT_ONCE
) -> Pages[Item]:
    """Yield the items of several keys of an index, greatest sort key first, page by page.

    No items are kept between two pages. Items that sort after unread items of another key are read
    again for the next page.
    """
    walks = [_Walk(key_query(index.name, index.partition, value)) for value in values]
    size = max(1, at_once // len(walks))
    while walks:
        async with table.database.merges:
            found = await asyncio.gather(*(_read(table, walk, size) for walk in walks))
            items = _known(index, walks, found)
        walks = [walk for walk in walks if not walk.ended]
        del found
        yield Page(items, last=not walks)


async def _read(table: Table, walk: _Walk, size: int) -> tuple[Page[Item], Key | None]:
    start = {"ExclusiveStartKey": walk.start} if walk.start else {}
    return await table.read_page("query", decode_all, **walk.query, **start, Limit=size)


def _known(
    index: TableIndex, walks: Sequence[_Walk], found: Sequence[tuple[Page[Item], Key | None]]
) -> list[Item]:
    """Return the items that nothing unread comes before, and note how far they go."""
    # A page without items leads on all the same.
    blank = any(after and not page.items for page, after in found)
    lasts = [page.items[-1][index.sort] for page, after in found if after and page.items]
    least = max(lasts, default="")
    known: list[Item] = []
    for walk, (page, after) in zip(walks, found, strict=True):
        told = [] if blank else [item for item in page.items if item[index.sort] >= least]
        if len(told) == len(page.items):
            walk.trail.follow(after)
            walk.start, walk.ended = after, after is None
        elif told:
            names = ("id", index.partition, index.sort)
            walk.start = encode_item({name: told[-1][name] for name in names})
        known += told
    return sorted(known, key=lambda item: item[index.sort], reverse=True)
