"""Where a request's body ends: after a length that was named, or after its last chunk."""

import re

from cloudmart.server.refusal import FieldsTooLargeError, MalformedError

_LONGEST_LINE = 8 * 1024
_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_SIZE = re.compile(
    rb"([0-9A-Fa-f]{1,16})((?:;"
    + _TOKEN
    + rb"(?:=(?:"
    + _TOKEN
    + rb'|"[^"\\\x00-\x08\x0a-\x1f\x7f]*"))?)*)'
)
_TRAILER = re.compile(_TOKEN + rb":[^\x00-\x08\x0a-\x1f\x7f]*")
_AROUND = len(b"\r\n" * 2)
_LINES_AT_ONCE = 512
_TOO_MUCH = "What the request has beside its body is too large."


class SizedBody:
    """A body of a length that its head names; 0 where it names none."""

    more_waits = False

    def __init__(self, length: int) -> None:
        self.left = length
        self.complete = length == 0

    def take(self, received: bytearray) -> bytes:
        """Take the body's bytes out of the received ones."""
        piece = bytes(received[: self.left])
        del received[: len(piece)]
        self.left -= len(piece)
        self.complete = self.left == 0
        return piece


class ChunkedBody:
    """A body in chunks, each with its size before it (RFC 9112, 7.1).

    Extensions of chunks and the trailers are read and left out: a trailer must not become a header.
    They count, and so do chunks that hold next to nothing.

    Args:
        room: Bytes that all of this may have together.
    """

    left: int | None = None

    def __init__(self, room: int) -> None:
        self.complete = False
        self.more_waits = False
        """There is more to take at once: others should have their turn first."""
        self._room = room
        self._in_chunk = 0
        self._chunk_ends = False
        self._in_trailers = False

    def take(self, received: bytearray) -> bytes:
        """Take the body's bytes out of the received ones, or raise RefusedError."""
        pieces = []
        at = lines = 0
        while not (self.complete or lines == _LINES_AT_ONCE):
            if self._in_chunk:
                piece = received[at : at + self._in_chunk]
                if not piece:
                    break
                pieces.append(piece)
                at += len(piece)
                self._in_chunk -= len(piece)
                self._chunk_ends = self._in_chunk == 0
                continue
            line = self._line(received, at)
            if line is None:
                break
            at += len(line) + 2
            lines += 1
            self._read(line)
        del received[:at]
        self.more_waits = lines == _LINES_AT_ONCE and not self.complete and bool(received)
        return b"".join(pieces)

    def _line(self, received: bytearray, at: int) -> bytes | None:
        end = received.find(b"\n", at, at + _LONGEST_LINE)
        if end < 0:
            if len(received) - at >= _LONGEST_LINE:
                raise FieldsTooLargeError(_TOO_MUCH)
            return None
        if end == at or received[end - 1] != ord("\r"):
            raise MalformedError
        return bytes(received[at : end - 1])

    def _read(self, line: bytes) -> None:
        if self._chunk_ends:
            if line:
                raise MalformedError
            self._chunk_ends = False
        elif self._in_trailers:
            self._count(len(line) + 2)
            if not line:
                self.complete = True
            elif not _TRAILER.fullmatch(line):
                raise MalformedError
        else:
            match = _SIZE.fullmatch(line)
            if match is None:
                raise MalformedError
            size = int(match[1], 16)
            # Tiny chunks are work for us and none for their client: what is around one counts
            # as far as it is more than an eighth of what is in it.
            self._count(max(len(match[2]), len(line) + _AROUND - size // 8))
            self._in_chunk = size
            self._in_trailers = self._in_chunk == 0

    def _count(self, size: int) -> None:
        self._room -= size
        if self._room < 0:
            raise FieldsTooLargeError(_TOO_MUCH)
