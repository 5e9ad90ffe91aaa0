"""A moment until which something has to happen."""

import asyncio
from collections.abc import Callable


class Deadline:
    """Calls a function when what was expected did not come in time.

    Most of what is expected comes: a deadline that moves back leaves the event loop's timer alone,
    which sets itself again when it comes too early.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, passed: Callable[[], None]) -> None:
        self._loop = loop
        self._passed: Callable[[], None] | None = passed
        self._moment: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0

    def within(self, seconds: float) -> None:
        """Give what is to come next so many seconds, instead of what came before."""
        self._moment = self._loop.time() + seconds
        if self._timer is None or self._timer_at > self._moment:
            self._set_timer(self._moment)

    def lift(self) -> None:
        """Expect nothing."""
        self._moment = None

    def close(self) -> None:
        """Expect nothing ever again."""
        self._moment = self._passed = None
        if self._timer is not None:
            self._timer.cancel()

    def _set_timer(self, moment: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = moment
        self._timer = self._loop.call_at(moment, self._ring)

    def _ring(self) -> None:
        self._timer = None
        if self._moment is None or self._passed is None:
            return
        if self._loop.time() < self._moment:
            self._set_timer(self._moment)
            return
        self._moment = None
        self._passed()
