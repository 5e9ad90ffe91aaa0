"""Answers that their clients do not read: the memory held for them is bounded."""

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

MOST_HELD = 64 * 1024**2
"""Bytes of answers that a process holds for clients which do not take them."""

HELD_UNCOUNTED = 16 * 1024
"""Bytes of an answer that may wait on any connection without being counted."""

KERNEL_HOLDS = 64 * 1024
"""Bytes of an answer that the kernel takes before the client has read what went before."""

_EVERY = 1.0
_NOTSENT_LOWAT = getattr(socket, "TCP_NOTSENT_LOWAT", None)
_UNREAD_BY_KERNEL = struct.Struct("i")
_RESET = struct.pack("ii", 1, 0)


def limit_send_buffer(listener: socket.socket) -> None:
    """Have the kernel take little of an answer ahead, on each connection of a listener.

    Linux would take some megabytes, which count as the pod's memory.
    """
    if _NOTSENT_LOWAT is not None:
        listener.setsockopt(socket.IPPROTO_TCP, _NOTSENT_LOWAT, KERNEL_HOLDS)


class UnreadAnswers:
    """Counts the answers that are not being read, by client, and the bytes of all that wait.

    If these are too many, the clients that read least are disconnected.

    Args:
        most: Answers that one client may leave unread.
        held: Bytes, over all clients.
    """

    def __init__(self, most: int = MOST_UNREAD, held: int = MOST_HELD) -> None:
        self._most = most
        self._room = held
        self._by_client: Counter[str] = Counter()
        self._waiting: dict[ReadingRate, int] = {}
        self._held = 0
        self._making_room = False

    def add(self, client: str) -> bool:
        """Count one more, and tell whether the client may have as many."""
        self._by_client[client] += 1
        return self._by_client[client] <= self._most

    def remove(self, client: str) -> None:
        """Count one less."""
        self._by_client[client] -= 1
        if not self._by_client[client]:
            del self._by_client[client]

    def hold(self, answer: "ReadingRate") -> None:
        """Count the bytes of an answer that waits, and make room where these are too many."""
        self._waiting[answer] = answer.waits
        self._held += answer.waits
        if self._held > self._room and not self._making_room:
            # Not at once: this is called while something is being written.
            self._making_room = True
            asyncio.get_running_loop().call_soon(self._make_room)

    def let_go(self, answer: "ReadingRate") -> None:
        """Count the bytes of an answer no more."""
        self._held -= self._waiting.pop(answer, 0)

    def _make_room(self) -> None:
        self._making_room = False
        # Some may have been read meanwhile.
        for each in self._waiting:
            each.measure()
            self._waiting[each] = each.waits
        self._held = sum(self._waiting.values())
        # A client that has just begun to wait may have had no time to read: what it has taken
        # decides.
        for each in sorted(self._waiting, key=lambda each: (not each.is_late, each.taken)):
            # Of those that read too little more go than must: to look at all takes a while.
            if self._held <= (self._room * 3 // 4 if each.is_late else self._room):
                return
            each.reset()


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
        self._loop = asyncio.get_running_loop()
        self._grace = self._left = grace
        self.waits = 0
        """Bytes that waited for the client when they were last counted."""
        self.taken = 0
        """Bytes that it has taken of those that waited."""
        self._clock: asyncio.TimerHandle | None = None
        self._looked_at = 0.0
        self._counted: str | None = None

    @property
    def watching(self) -> bool:
        """Return whether an answer waits for its client."""
        return self._clock is not None

    @property
    def is_late(self) -> bool:
        """Return whether the client has read too little for some time."""
        return self._left < self._grace - _EVERY

    def pause(self, client: str | None) -> None:
        """Begin to watch: an answer waits for its client; None where that is one of many."""
        if self._clock is None:
            self._client = client
            self._looked_at, self.waits = self._loop.time(), self._bytes()
            self._schedule()
            self._unread.hold(self)

    def resume(self) -> None:
        """Watch no longer: the client has read."""
        if self._clock is not None:
            self.measure()
        self.stop()

    def stop(self) -> None:
        """End all clocks."""
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None
            self._unread.let_go(self)
        self._count(None)

    def measure(self) -> bool:
        """Take into account what was read since the last time; tell whether that was enough."""
        now, waits = self._loop.time(), self._bytes()
        taken = self.waits - waits
        self.taken += taken
        earned = taken / LEAST_READ - (now - self._looked_at)
        self._left = min(self._grace, self._left + earned)
        self._looked_at, self.waits = now, waits
        return earned >= 0

    def reset(self) -> None:
        """Break the connection off."""
        self.stop()
        UNREAD_ANSWERS.inc()
        with suppress(OSError, ValueError):
            # Or the kernel would keep for minutes what the client does not read.
            self._transport.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, _RESET
            )
        self._transport.abort()

    def _schedule(self) -> None:
        # A moment more: a clock may ring a little early.
        self._clock = self._loop.call_later(min(_EVERY, self._left + 0.001), self._look)

    def _look(self) -> None:
        reads = self.measure()
        allowed = self._count(None if reads else self._client)
        if self._left <= 0 or not allowed:
            self.reset()
        else:
            self._schedule()

    def _count(self, client: str | None) -> bool:
        if client == self._counted:
            return True
        if self._counted is not None:
            self._unread.remove(self._counted)
        self._counted = client
        return client is None or self._unread.add(client)

    def _bytes(self) -> int:
        """Return the bytes that the client has not read: ours, and what the kernel holds."""
        waits = self._transport.get_write_buffer_size()
        # Not every kernel tells. A connection that is being lost has no file any more.
        with suppress(OSError, ValueError):
            file = self._transport.get_extra_info("socket").fileno()
            told = fcntl.ioctl(file, termios.TIOCOUTQ, b"\0" * _UNREAD_BY_KERNEL.size)
            waits += _UNREAD_BY_KERNEL.unpack(told)[0]
        return waits
