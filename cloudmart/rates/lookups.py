"""Look-ups that find nothing: a few are mistakes, many are somebody who guesses."""

import asyncio
from collections import Counter as Tally
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from limits import RateLimitItemPerHour

from cloudmart.errors import TooManyLookupsError
from cloudmart.rates.counter import Counter

MOST_FAILED = 20
"""Failed look-ups of one client in an hour, over all its conversations."""

_LIMIT = RateLimitItemPerHour(MOST_FAILED)
_KIND = "failed-lookups"


class FailedLookups:
    """Counts them by client, whatever conversation they are made in.

    A client has at most as many look-ups under way as it may still fail; others wait for these.
    Without that, guesses that are sent all at once would all be answered before one is counted.
    """

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self._under_way: Tally[str] = Tally()
        self._ended: dict[str, asyncio.Event] = {}

    @asynccontextmanager
    async def looking(self, client: str) -> AsyncIterator[None]:
        """Let a client look something up, or raise TooManyLookupsError if it failed too often."""
        while True:
            standing = await self._counter.look(_LIMIT, _KIND, client)
            if not standing.allowed:
                raise TooManyLookupsError
            if self._under_way[client] < standing.remaining:
                break
            await self._ended.setdefault(client, asyncio.Event()).wait()
        self._under_way[client] += 1
        try:
            yield
        finally:
            self._under_way[client] -= 1
            if not self._under_way[client]:
                del self._under_way[client]
            if ended := self._ended.pop(client, None):
                ended.set()

    async def add(self, client: str) -> None:
        """Count one more that found nothing."""
        await self._counter.hit(_LIMIT, _KIND, client)
