"""A clock that only moves when a test moves it."""

import asyncio
from datetime import UTC, datetime, timedelta

from cloudmart.health.state import Timing

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


class Clock:
    """Sleeps and clocks for a process; a test decides how much time passes."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []
        self._fallen_asleep = asyncio.Condition()

    @property
    def rhythm(self) -> Timing:
        """Return timings that use this clock.

        Checks take real time, and a busy machine needs more of it than production allows.
        """
        return Timing(
            sleep=self.sleep, monotonic=lambda: self.seconds, now=self.now, probe_within=8
        )

    def now(self) -> datetime:
        """Return the time of day."""
        return NOON + timedelta(seconds=self.seconds)

    async def sleep(self, seconds: float) -> None:
        """Sleep until the test has moved the clock far enough."""
        waker: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append((self.seconds + seconds, waker))
        async with self._fallen_asleep:
            self._fallen_asleep.notify_all()
        await waker

    @property
    def sleeping(self) -> int:
        """Return how many tasks are sleeping."""
        return len(self._sleepers)

    async def all_asleep(self, number: int = 1) -> None:
        """Wait, in real time, until this many tasks sleep: they have nothing left to do."""
        async with asyncio.timeout(10), self._fallen_asleep:
            await self._fallen_asleep.wait_for(lambda: len(self._sleepers) >= number)

    def advance(self, seconds: float) -> None:
        """Move the clock, and wake the tasks whose time has come."""
        self.seconds += seconds
        due = [waker for at, waker in self._sleepers if at <= self.seconds]
        self._sleepers = [sleeper for sleeper in self._sleepers if sleeper[0] > self.seconds]
        for waker in due:
            if not waker.done():
                waker.set_result(None)
