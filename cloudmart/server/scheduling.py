"""What the connections of an event loop share: a buffer to read to, and whose turn it is."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable

READ_AHEAD = 16 * 1024
"""Bytes of a connection that are kept before the application asks for them."""

MOST_OF_HEADS = 16 * 1024**2
"""Bytes of heads that have begun, over all connections; what was read of them is kept twice."""


class FairTurns:
    """Lets one connection at a time go on to the next of the requests that wait on it.

    Otherwise each would always have a request running, and a client that sends one at a time would
    wait behind all of them.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._waiting: deque[Callable[[], None]] = deque()

    def wait(self, go_on: Callable[[], None]) -> None:
        """Call a function when its turn has come: one in each round of the event loop."""
        if not self._waiting:
            self.loop.call_soon(self._next)
        self._waiting.append(go_on)

    def _next(self) -> None:
        go_on = self._waiting.popleft()
        if self._waiting:
            self.loop.call_soon(self._next)
        go_on()


class UnfinishedHeads:
    """Counts the bytes of heads that have begun, over all connections.

    A head is kept until the last of it has come. Where all of them are too much, the connection
    goes that has been at its head longest: others need a moment for theirs.
    """

    def __init__(self, most: int = MOST_OF_HEADS) -> None:
        self._most = most
        self._begun: dict[asyncio.Transport, int] = {}
        self._bytes = 0

    def note(self, connection: asyncio.Transport, size: int) -> None:
        """Note how much of a connection's next head has come; 0 where none has begun."""
        before = self._begun.get(connection, 0)
        self._bytes += size - before
        if size:
            self._begun[connection] = size
        elif before:
            del self._begun[connection]
        while self._bytes > self._most:
            oldest = next(iter(self._begun))
            self._bytes -= self._begun.pop(oldest)
            oldest.abort()


class LoopResources(threading.local):
    """What the connections of an event loop share; it runs in one thread."""

    turns: FairTurns | None = None

    def __init__(self) -> None:
        # Where all of them read to: each copies at once what is its own.
        self.buffer = memoryview(bytearray(READ_AHEAD))
        self.heads = UnfinishedHeads()

    def turns_of(self, loop: asyncio.AbstractEventLoop) -> FairTurns:
        """Return who waits for a turn in an event loop."""
        if self.turns is None or self.turns.loop is not loop:
            self.turns = FairTurns(loop)
        return self.turns


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
