"""Limits how much of a provider's answer is read.

None of the SDKs bounds what it reads: a provider, or whatever stands in its place, could fill the
memory with one line, or with a small body that was compressed.
"""

import re
from collections.abc import AsyncIterator
from typing import Any

from aiohttp.streams import StreamReader

from cloudmart.aws_redirects import DirectResponse, RedirectedError

LONGEST_BODY = 4 * 1024**2
"""Bytes of one answer: some 15,000 events, where a step has at most 4,000 tokens."""

LONGEST_LINE = 1024**2
"""Bytes of one event: the last one repeats the whole answer."""

MOST_LINES = 200_000
"""Line ends of one answer, ten for each event: lines without an event also cost time."""

UNCOMPRESSED = {"Accept-Encoding": "identity"}
"""Requests uncompressed answers."""


# It matches at the first digit only, so the time it takes grows with the answer and no faster.
_LONG_NUMBER = re.compile(rb"(?<!\d)(\d{100})\d+")

TOO_LARGE = "it is too large"
ELSEWHERE = "it redirects its callers to another address"


class TooLargeError(ValueError):
    """An answer is larger than any that makes sense, or was compressed although nobody asked."""


class Bounds:
    """Counts what is read of one answer."""

    def __init__(self, longest_line: int | None = None) -> None:
        self._longest_line = longest_line
        self._read = 0
        self._line = 0
        self._lines = 0

    def count(self, chunk: bytes) -> bytes:
        """Return a chunk, or raise TooLargeError where it is too much."""
        self._read += len(chunk)
        if self._read > LONGEST_BODY:
            raise TooLargeError("the answer does not end")
        if self._longest_line:
            self._lines += chunk.count(b"\n") + chunk.count(b"\r")
            if self._lines > MOST_LINES:
                raise TooLargeError("the lines of the answer do not end")
            self._count_lines(chunk, self._longest_line)
        return chunk

    def _count_lines(self, chunk: bytes, longest: int) -> None:
        # Most chunks are short: no line of one can be too long.
        if self._line + len(chunk) > longest:
            first, *others = chunk.split(b"\n")
            if max(self._line + len(first), *map(len, others), 0) > longest:
                raise TooLargeError("a line of the answer does not end")
        begins = chunk.rfind(b"\n") + 1
        self._line = len(chunk) - begins if begins else self._line + len(chunk)


def refuse_compressed(encoding: str | None) -> None:
    """Raise TooLargeError where a body's size says nothing of what it holds."""
    if (encoding or "identity").strip().lower() != "identity":
        raise TooLargeError("the answer is compressed, which was not asked for")


def shorten_numbers(body: bytes) -> bytes:
    """Return a body of JSON whose numbers Python reads: it refuses those of thousands of digits."""
    return _LONG_NUMBER.sub(rb"\1", body)


def why_refused(error: BaseException | None) -> str | None:
    """Return why an answer was not taken, however the SDK has wrapped that, or None."""
    # Bounded: a chain of causes may be a circle.
    for _ in range(10):
        if error is None:
            break
        if isinstance(error, TooLargeError):
            return TOO_LARGE
        if isinstance(error, RedirectedError):
            return ELSEWHERE
        error = error.__cause__ or error.__context__
    return None


class BoundedResponse(DirectResponse):
    """An answer of aiohttp's that is read up to its bounds and leads nowhere else."""

    async def start(self, connection: Any) -> "BoundedResponse":  # noqa: ANN401 - aiohttp's own
        """Read the head of the answer."""
        await super().start(connection)
        refuse_compressed(self.headers.get("Content-Encoding"))
        self.content = BoundedReader(self.content)  # type: ignore[assignment]
        return self


class BoundedReader:
    """Reads a stream up to its bounds; all else is the stream's own."""

    def __init__(self, stream: StreamReader, longest_line: int | None = None) -> None:
        self._stream = stream
        self._bounds = Bounds(longest_line)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the stream has
        return getattr(self._stream, name)

    async def read(self, size: int = -1) -> bytes:
        if size >= 0:
            return self._bounds.count(await self._stream.read(size))
        return shorten_numbers(b"".join([chunk async for chunk in self._chunks()]))

    async def readany(self) -> bytes:
        return self._bounds.count(await self._stream.readany())

    async def readchunk(self) -> tuple[bytes, bool]:
        chunk, ends = await self._stream.readchunk()
        return self._bounds.count(chunk), ends

    async def iter_chunks(self) -> AsyncIterator[tuple[bytes, bool]]:
        while (chunk := await self.readchunk()) != (b"", False):
            yield chunk

    async def _chunks(self) -> AsyncIterator[bytes]:
        while chunk := await self.readany():
            yield chunk
