"""Look-ups by an index, and by a scan of the whole table for as long as the index is not there."""

import asyncio
import time
from collections.abc import Callable, Sequence

import structlog
from botocore.exceptions import ClientError

from cloudmart.dynamodb.codec import Item
from cloudmart.dynamodb.schema import Index
from cloudmart.dynamodb.table import Table
from cloudmart.errors import UnavailableError
from cloudmart.observability.metrics import INDEX_FALLBACKS
from cloudmart.values.page import Pages, merge

_log = structlog.stdlib.get_logger(__name__)

LOOK_AGAIN = 60.0
"""Seconds after which what is known of an index is asked anew."""


class Lookup:
    """Finds items by an index.

    An index may be used when DescribeTable says it is active and, where older items had to be
    given its attributes, the backfill's note says that was done. Both change while the service
    runs (an operator applies the schema, Terraform drops what it does not know).
    """

    def __init__(self, table: Table, index: Index, *, backfill: str | None = None) -> None:
        self._table = table
        self._index = index
        self._backfill = backfill
        self._usable = False
        self._look_after = 0.0
        self._warned = False
        self._looking = asyncio.Lock()

    async def find(self, values: Sequence[str], *, scan: Callable[[], Pages[Item]]) -> Pages[Item]:
        """Yield the items whose indexed attribute has one of the values, newest first.

        Without the index, `scan` is asked for them, which must find the same items.
        """
        if await self._is_usable():
            begun = False
            try:
                async for page in self._query(values):
                    begun = True
                    yield page
            except (ClientError, UnavailableError):
                # Only the description tells a dropped index from an outage.
                if begun or await self._look():
                    raise
            else:
                return
        INDEX_FALLBACKS.labels(self._index.name).inc()
        async for page in scan():
            yield page

    def _query(self, values: Sequence[str]) -> Pages[Item]:
        index = self._index
        found = [self._table.query(index.name, index.partition, value) for value in values]
        return found[0] if len(found) == 1 else merge(found, by=lambda item: item[index.sort])

    async def _is_usable(self) -> bool:
        if time.monotonic() < self._look_after:
            return self._usable
        async with self._looking:
            if time.monotonic() >= self._look_after:
                await self._look()
        return self._usable

    async def _look(self) -> bool:
        self._usable = await self._active() and await self._complete()
        self._look_after = time.monotonic() + LOOK_AGAIN
        if not self._usable and not self._warned:
            _log.warning(
                "index_not_usable",
                table=self._table.name,
                index=self._index.name,
                effect="look-ups read the whole table",
                next_step="cloudmart tables apply",
            )
        self._warned = not self._usable
        return self._usable

    async def _active(self) -> bool:
        indexes = (await self._table.describe()).get("GlobalSecondaryIndexes", ())
        return any(
            index["IndexName"] == self._index.name and index["IndexStatus"] == "ACTIVE"
            for index in indexes
        )

    async def _complete(self) -> bool:
        if self._backfill is None:
            return True
        note = await self._table.get(self._backfill)
        return note is not None and bool(note.get("completedAt"))
