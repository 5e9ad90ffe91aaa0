"""Answers that their clients do not read: what is held for them has an end."""

import asyncio
import fcntl
import socket
import struct
import termios
from collections import Counter
from contextlib import suppress

from cloudmart.observability.metrics import UNREAD_ANSWERS

LEAST_READ = 16 * 1024
"""Bytes a second of an answer that a client must read."""

MOST_UNREAD = 16
"""Answers that one client may leave unread at once."""

KERNEL_HOLDS = 64 * 1024
"""Bytes of an answer that the kernel takes before the client has read what went before."""

_EVERY = 1.0
_NOTSENT_LOWAT = getattr(socket, "TCP_NOTSENT_LOWAT", None)
_UNREAD_BY_KERNEL = struct.Struct("i")
_RESET = struct.pack("ii", 1, 0)


def hold_little(listener: socket.socket) -> None:
    """Have the kernel take little of an answer ahead, on each connection of a listener.

    Linux would take some megabytes, which count as the pod's memory.
    """
    if _NOTSENT_LOWAT is not None:
        listener.setsockopt(socket.IPPROTO_TCP, _NOTSENT_LOWAT, KERNEL_HOLDS)


class UnreadAnswers:
    """Counts, by client, the answers that are not being read."""

    def __init__(self, most: int = MOST_UNREAD) -> None:
        self._most = most
        self._by_client: Counter[str] = Counter()

    def add(self, client: str) -> bool:
        """Count one more, and tell whether the client may have as many."""
        self._by_client[client] += 1
        return self._by_client[client] <= self._most

    def remove(self, client: str) -> None:
        """Count one less."""
        self._by_client[client] -= 1
        if not self._by_client[client]:
            del self._by_client[client]


class ReadingRate:
    """Watches how fast the client of one connection reads, while an answer waits for it.

    It resets the connection of a client that reads too slowly or leaves too many answers unread.
    The client may read nothing for `grace` seconds. What it reads faster than it must earns that
    time back, never more.

    Args:
        transport: The connection.
        unread: Counts the answers that are not being read, over all connections.
        grace: Seconds.
    """

    def __init__(
        self,
        transport: asyncio.Transport,
        unread: UnreadAnswers,
        *,
        grace: float,
    ) -> None:
        self._transport = transport
        self._client: str | None = None
        self._unread = unread
        self._grace = self._left = grace
        self._loop = asyncio.get_running_loop()
        self._clock: asyncio.TimerHandle | None = None
        self._looked_at = 0.0
        self._waiting = 0
        self._counted: str | None = None

    @property
    def watching(self) -> bool:
        """Tell whether an answer waits for its client."""
        return self._clock is not None

    def pause(self, client: str | None) -> None:
        """Begin to watch: an answer waits for its client; None where that is one of many."""
        if self._clock is None:
            self._client = client
            self._looked_at, self._waiting = self._loop.time(), self._waits()
            self._schedule()

    def resume(self) -> None:
        """Watch no longer: the client has read."""
        if self._clock is not None:
            self._measure()
        self.stop()

    def stop(self) -> None:
        """End all clocks."""
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None
        self._count(None)

    def _schedule(self) -> None:
        # A moment more: a clock may ring a little early.
        self._clock = self._loop.call_later(min(_EVERY, self._left + 0.001), self._look)

    def _look(self) -> None:
        reads = self._measure()
        allowed = self._count(None if reads else self._client)
        if self._left <= 0 or not allowed:
            self.stop()
            self._reset()
        else:
            self._schedule()

    def _measure(self) -> bool:
        """Take into account what was read since the last time; tell whether that was enough."""
        now, waiting = self._loop.time(), self._waits()
        earned = (self._waiting - waiting) / LEAST_READ - (now - self._looked_at)
        self._left = min(self._grace, self._left + earned)
        self._looked_at, self._waiting = now, waiting
        return earned >= 0

    def _count(self, client: str | None) -> bool:
        if client == self._counted:
            return True
        if self._counted is not None:
            self._unread.remove(self._counted)
        self._counted = client
        return client is None or self._unread.add(client)

    def _reset(self) -> None:
        UNREAD_ANSWERS.inc()
        with suppress(OSError, ValueError):
            # Or the kernel would keep for minutes what the client does not read.
            self._transport.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, _RESET
            )
        self._transport.abort()

    def _waits(self) -> int:
        """Return the bytes that the client has not read: ours, and what the kernel holds."""
        waits = self._transport.get_write_buffer_size()
        # Not every kernel tells. A connection that is being lost has no file any more.
        with suppress(OSError, ValueError):
            file = self._transport.get_extra_info("socket").fileno()
            told = fcntl.ioctl(file, termios.TIOCOUTQ, b"\0" * _UNREAD_BY_KERNEL.size)
            waits += _UNREAD_BY_KERNEL.unpack(told)[0]
        return waits
