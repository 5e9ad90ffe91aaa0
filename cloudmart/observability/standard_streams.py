"""Standard input, output and error of a process that must continue even if nobody reads them."""

import errno
import io
import os
import select
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr

MOST_WAITING = 1024 * 1024
"""Bytes of standard error that wait for a reader; what does not fit is left out and counted."""

LAST_LINES_WITHIN = 1.0
"""Seconds that the end of a process waits for a reader to take the last lines."""

TOGETHER = 0.01
"""Seconds within which the lines that follow another are written together."""

_OUT, _ERROR = 1, 2


def open_closed_streams() -> None:
    """Open whichever of descriptors 0 to 2 the process was started without.

    Otherwise the first sockets get these numbers, and what is printed goes to a client. Without
    standard error, messages go to standard output.
    """
    for descriptor in range(3):
        if not _is_open(descriptor):
            # The lowest free number is the one that is given, and that is this one.
            if descriptor == _ERROR and sys.stdout is not None:
                os.dup2(_OUT, _ERROR)
            else:
                os.open(os.devnull, os.O_RDWR)
            os.set_inheritable(descriptor, True)  # noqa: FBT003 - the standard library's form
    if sys.stdin is None:
        sys.stdin = open(0, closefd=False)  # noqa: SIM115 - a descriptor, for good
    if sys.stdout is None:
        sys.stdout = open(_OUT, "w", closefd=False)  # noqa: SIM115 - a descriptor, for good
    if sys.stderr is None:
        sys.stderr = open(  # noqa: SIM115 - a descriptor, for good
            _ERROR, "w", buffering=1, errors="backslashreplace", closefd=False
        )


@contextmanager
def stderr_that_never_blocks(
    dropped: Callable[[int], None], most_waiting: int = MOST_WAITING
) -> Iterator[None]:
    """Let a thread write standard error while the context lasts.

    A pipe that nobody reads is full after 64 KiB, and then blocks its writer. `dropped`
    is called with the number of lines that were left out, once there is room to tell it.
    """
    sys.stderr.flush()
    stream = _QueuedStream(sys.stderr.fileno(), dropped, most_waiting)
    stream.start()
    try:
        with redirect_stderr(stream):
            yield
    finally:
        stream.finish()


class _QueuedStream(io.TextIOBase):
    """Text that a thread writes to a descriptor."""

    def __init__(self, descriptor: int, dropped: Callable[[int], None], most: int) -> None:
        self._descriptor = descriptor
        self._tell_dropped = dropped
        self._most = most
        self._waiting: deque[bytes] = deque()
        self._size = 0
        self._dropped = 0
        self._idle = False
        self._ending = False
        self._changed = threading.Condition()
        # A daemon: one that waits for a reader must not keep the process from ending.
        self._writer = threading.Thread(target=self._write_on, name="stderr", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._writer.start()

    def finish(self) -> None:
        """Write what waits, unless nobody takes it."""
        with self._changed:
            self._ending = True
            self._changed.notify()
        self._writer.join(LAST_LINES_WITHIN)

    def write(self, text: str, /) -> int:
        """Put text behind what waits, or count its lines where there is no room."""
        data = text.encode(errors="backslashreplace")
        with self._changed:
            if self._size + len(data) > self._most:
                self._dropped += max(1, text.count("\n"))
            else:
                self._waiting.append(data)
                self._size += len(data)
                # To wake a thread costs as much as to make the line.
                if self._idle:
                    self._changed.notify()
        return len(text)

    def flush(self) -> None:
        """Do nothing: a thread writes what waits."""

    def writable(self) -> bool:
        """Return that it can be written to."""
        return True

    def isatty(self) -> bool:
        """Return whether a person reads it on a terminal."""
        return os.isatty(self._descriptor)

    def fileno(self) -> int:
        """Return the descriptor behind it."""
        return self._descriptor

    def _write_on(self) -> None:
        while True:
            with self._changed:
                self._idle = True
                self._changed.wait_for(lambda: self._waiting or self._dropped or self._ending)
                self._idle = False
                data = b"".join(self._waiting)
                self._waiting.clear()
                # Lines that are being written are waiting as well, or twice as much is held.
                self._size = len(data)
                dropped = 0 if data else self._dropped
                self._dropped -= dropped
                ended = self._ending and not data
            if dropped:
                self._tell_dropped(dropped)
            elif ended or not self._wrote(data):
                return
            with self._changed:
                self._size -= len(data) if data else 0
                if not self._ending:
                    self._changed.wait(TOGETHER)

    def _wrote(self, data: bytes) -> bool:
        """Return whether there is still something to write to."""
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[os.write(self._descriptor, rest) :]
            except BlockingIOError:
                # Another process that shares the descriptor has made it so.
                select.select([], [self._descriptor], [])
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    return False
                time.sleep(1)
        return True


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True
