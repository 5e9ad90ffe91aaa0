"""Counting what clients do, in windows of a minute that slide."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, floor, inf
from time import time
from typing import NamedTuple, Protocol

from limits import RateLimitItem
from limits.aio.storage import Storage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

MOST_CLIENTS = 50_000
"""Counters that are kept; then the one that was longest without a request is forgotten."""


class LimitState(NamedTuple):
    """A client's state with respect to a limit, after its last request."""

    allowed: bool
    limit: int
    remaining: int
    reset: int
    """Seconds until there is room for at least one more."""


class RateCounter(Protocol):
    """Counts by a limit and by keys that name who and what is counted."""

    async def hit(self, limit: RateLimitItem, *key: str) -> LimitState:
        """Count one more, unless that would be too many."""
        ...

    async def look(self, limit: RateLimitItem, *key: str) -> LimitState:
        """Return where somebody stands, and whether one more would be allowed."""
        ...

    async def close(self) -> None:
        """Release what it holds."""
        ...


class StoredCounter:
    """Counts in one storage of the `limits` library."""

    def __init__(self, storage: Storage) -> None:
        self._limiter = SlidingWindowCounterRateLimiter(storage)

    async def hit(self, limit: RateLimitItem, *key: str) -> LimitState:
        """Count one more, unless that would be too many."""
        allowed = await self._limiter.hit(limit, *key)
        return await self._standing(limit, key, allowed=allowed)

    async def look(self, limit: RateLimitItem, *key: str) -> LimitState:
        """Return where somebody stands, and whether one more would be allowed."""
        return await self._standing(limit, key)

    async def close(self) -> None:
        """Do nothing: who opened a storage closes it."""

    async def _standing(
        self, limit: RateLimitItem, key: tuple[str, ...], *, allowed: bool | None = None
    ) -> LimitState:
        stats = await self._limiter.get_window_stats(limit, *key)
        return LimitState(
            allowed=stats.remaining > 0 if allowed is None else allowed,
            limit=limit.amount,
            remaining=stats.remaining,
            reset=max(1, ceil(stats.reset_time - time())),
        )


@dataclass(slots=True)
class _Windows:
    number: int
    previous: int = 0
    current: int = 0


class LocalCounter:
    """Counts in this process, for a bounded number of keys, each looked at only when asked for.

    It counts as the library does over its storages, in a sixth of the time: this is done for every
    request. The library's own storage keeps a key for every address that ever came within a window,
    and goes through all of them at each request.
    """

    def __init__(self, most: int = MOST_CLIENTS, clock: Callable[[], float] = time) -> None:
        self._most = most
        self._clock = clock
        self._kept: OrderedDict[tuple[object, ...], _Windows] = OrderedDict()

    @property
    def kept(self) -> int:
        """Return how many keys are kept."""
        return len(self._kept)

    async def hit(self, limit: RateLimitItem, *key: str) -> LimitState:
        """Count one more, unless that would be too many."""
        expiry = limit.get_expiry()
        windows, left = self._at((limit.amount, expiry, *key), expiry)
        weight = windows.previous * left / expiry
        allowed = floor(weight) + windows.current < limit.amount
        if allowed:
            windows.current += 1
        return _standing(limit.amount, windows, left, expiry, allowed=allowed)

    async def look(self, limit: RateLimitItem, *key: str) -> LimitState:
        """Return where somebody stands, and whether one more would be allowed."""
        expiry = limit.get_expiry()
        windows, left = self._at((limit.amount, expiry, *key), expiry)
        return _standing(limit.amount, windows, left, expiry)

    async def close(self) -> None:
        """Do nothing: there is nothing to release."""

    def _at(self, key: tuple[object, ...], expiry: int) -> tuple[_Windows, float]:
        number, gone = divmod(self._clock(), expiry)
        windows = self._kept.get(key)
        if windows is None:
            if len(self._kept) >= self._most:
                self._kept.popitem(last=False)
            windows = self._kept[key] = _Windows(int(number))
        else:
            self._kept.move_to_end(key)
            if windows.number != number:
                follows = windows.number + 1 == number
                windows.previous = windows.current if follows else 0
                windows.number, windows.current = int(number), 0
        return windows, expiry - gone


def _standing(
    amount: int, windows: _Windows, left: float, expiry: int, *, allowed: bool | None = None
) -> LimitState:
    weight = windows.previous * left / expiry
    remaining = max(0, amount - floor(weight + windows.current))
    # When one of the last window's counts no longer does, or this window ends.
    first = left % (expiry / windows.previous) if windows.previous else inf
    ends = left % expiry if windows.current else inf
    reset = min(first, ends)
    return LimitState(
        allowed=remaining > 0 if allowed is None else allowed,
        limit=amount,
        remaining=remaining,
        reset=1 if reset == inf else max(1, ceil(reset)),
    )
