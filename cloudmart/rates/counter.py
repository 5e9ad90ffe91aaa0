"""Counting what clients do, in windows of a minute that slide."""

from dataclasses import dataclass
from math import ceil
from time import time
from typing import Protocol

from limits import RateLimitItem
from limits.aio.storage import Storage
from limits.aio.strategies import SlidingWindowCounterRateLimiter


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a client stands with a limit, after what it just did."""

    allowed: bool
    limit: int
    remaining: int
    reset: int
    """Seconds until there is room for at least one more."""


class Counter(Protocol):
    """Counts by a limit and by whatever tells apart who and what is counted."""

    async def hit(self, limit: RateLimitItem, *key: str) -> Standing:
        """Count one more, unless that would be too many."""
        ...

    async def look(self, limit: RateLimitItem, *key: str) -> Standing:
        """Return where somebody stands, and whether one more would be allowed."""
        ...

    async def close(self) -> None:
        """Give back what it holds."""
        ...


class StoredCounter:
    """Counts in one storage of the `limits` library."""

    def __init__(self, storage: Storage) -> None:
        self._limiter = SlidingWindowCounterRateLimiter(storage)

    async def hit(self, limit: RateLimitItem, *key: str) -> Standing:
        """Count one more, unless that would be too many."""
        allowed = await self._limiter.hit(limit, *key)
        return await self._standing(limit, key, allowed=allowed)

    async def look(self, limit: RateLimitItem, *key: str) -> Standing:
        """Return where somebody stands, and whether one more would be allowed."""
        return await self._standing(limit, key)

    async def close(self) -> None:
        """Do nothing: a storage that holds something is closed by whoever opened it."""

    async def _standing(
        self, limit: RateLimitItem, key: tuple[str, ...], *, allowed: bool | None = None
    ) -> Standing:
        stats = await self._limiter.get_window_stats(limit, *key)
        return Standing(
            allowed=stats.remaining > 0 if allowed is None else allowed,
            limit=limit.amount,
            remaining=stats.remaining,
            reset=max(1, ceil(stats.reset_time - time())),
        )
