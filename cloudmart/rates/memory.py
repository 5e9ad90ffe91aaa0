"""Counters of this process alone, in memory that has an end."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from math import floor
from time import time

from limits.aio.storage import MemoryStorage

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
