"""A storage for the `limits` library on a test clock, to compare with our own counter."""

from collections import defaultdict
from collections.abc import Callable
from math import floor

from limits.aio.storage import MemoryStorage


class ClockedStorage(MemoryStorage):
    """Keeps how often each key came in each window."""

    STORAGE_SCHEME = ["async+clocked"]

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__()
        self._clock = clock
        self._came: dict[tuple[str, int], int] = defaultdict(int)

    async def acquire_sliding_window_entry(
        self, key: str, limit: int, expiry: int, amount: int = 1
    ) -> bool:
        """Count and return True if that stays within a limit."""
        previous, left, current, _ = await self.get_sliding_window(key, expiry)
        if floor(previous * left / expiry) + current + amount > limit:
            return False
        self._came[key, int(self._clock() // expiry)] += amount
        return True

    async def get_sliding_window(self, key: str, expiry: int) -> tuple[int, float, int, float]:
        """Return the counts of the last and the present window, each with its seconds to live."""
        number, gone = divmod(self._clock(), expiry)
        left = expiry - gone
        came = self._came
        return came[key, int(number) - 1], left, came[key, int(number)], left + expiry
