"""Counting what clients do, in windows of a minute that slide."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, floor
from time import time
from typing import Protocol

from limits import RateLimitItem
from limits.aio.storage import MemoryStorage, Storage
from limits.aio.strategies import SlidingWindowCounterRateLimiter


@dataclass(frozen=True, slots=True)
class LimitState:
    """Where a client stands with a limit, after what it just did."""

    allowed: bool
    limit: int
    remaining: int
    reset: int
    """Seconds until there is room for at least one more."""


class RateCounter(Protocol):
    """Counts by a limit and by whatever tells apart who and what is counted."""

    async def hit(self, limit: RateLimitItem, *key: str) -> LimitState:
        """Count one more, unless that would be too many."""
        ...

    async def look(self, limit: RateLimitItem, *key: str) -> LimitState:
        """Return where somebody stands, and whether one more would be allowed."""
        ...

    async def close(self) -> None:
        """Give back what it holds."""
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
        """Do nothing: a storage that holds something is closed by whoever opened it."""

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


MOST_CLIENTS = 50_000
"""Counters that are kept; then the one that was longest without a request is forgotten."""


@dataclass(slots=True)
class _Windows:
    number: int
    previous: int = 0
    current: int = 0


class BoundedStorage(MemoryStorage):
    """Sliding windows for a bounded number of keys, each looked at only when it is asked for.

    The library's own keeps a key for every address that ever came within a window, and goes
    through all of them at each request.
    """

    STORAGE_SCHEME = ["async+bounded"]

    def __init__(self, most: int = MOST_CLIENTS, clock: Callable[[], float] = time) -> None:
        super().__init__()
        self._most = most
        self._clock = clock
        self._kept: OrderedDict[str, _Windows] = OrderedDict()

    def __len__(self) -> int:
        """Return how many keys are kept."""
        return len(self._kept)

    async def acquire_sliding_window_entry(
        self, key: str, limit: int, expiry: int, amount: int = 1
    ) -> bool:
        """Count, and return True, if that stays within a limit."""
        windows, left = self._at(key, expiry)
        if floor(windows.previous * left / expiry) + windows.current + amount > limit:
            return False
        windows.current += amount
        return True

    async def get_sliding_window(self, key: str, expiry: int) -> tuple[int, float, int, float]:
        """Return the counts of the last window and of this one, each with its seconds to live."""
        windows, left = self._at(key, expiry)
        return windows.previous, left, windows.current, left + expiry

    async def clear_sliding_window(self, key: str, expiry: int) -> None:
        """Forget a key."""
        del expiry
        self._kept.pop(key, None)

    def _at(self, key: str, expiry: int) -> tuple[_Windows, float]:
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
