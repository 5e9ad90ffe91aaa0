"""A JSON document that many ask for: its bytes, its tags and its gzip are made once."""

import asyncio
import gzip
from collections.abc import Callable, Iterable
from functools import lru_cache, partial

from starlette.responses import Response

from cloudmart.http.dependencies import accept_weights
from cloudmart.http.etag import is_seen

_Headers = Iterable[tuple[bytes, bytes]]

_ALWAYS = [(b"cache-control", b"no-cache"), (b"vary", b"Accept-Encoding")]
"""Browsers ask again each time; mostly they are told that nothing has changed."""

_LONGEST_REMEMBERED = 200
"""Characters of an `Accept-Encoding` whose meaning is remembered."""

_LEVEL = 6


class Representation:
    """A document in both of its codings, each with a strong validator (RFC 9110, 8.8.3).

    Args:
        version: What tells it from every other version; the tags are made of it.
        content: Called once, when its bytes are first asked for.
    """

    __slots__ = ("_content", "_gzip", "_heads", "_making", "_plain", "tag", "tag_of_gzip")

    def __init__(self, version: str, content: Callable[[], bytes]) -> None:
        self.tag = f'"{version}"'
        self.tag_of_gzip = f'"{version}-gzip"'
        self._content = content
        self._plain: bytes | None = None
        self._gzip: bytes | None = None
        self._making: asyncio.Task[bytes] | None = None
        self._heads: dict[bool, list[tuple[bytes, bytes]]] = {}

    @property
    def plain(self) -> bytes:
        """Return its bytes without a coding."""
        if self._plain is None:
            self._plain = self._content()
        return self._plain

    def ready_answer(self, headers: _Headers) -> Response | None:
        """Return the answer to a request, or None where a coding has to be made first."""
        condition, compressed = _asked(headers)
        if condition and is_seen(condition, self.tag_of_gzip if compressed else self.tag):
            return _Made(304, b"", self._head(compressed=compressed))
        if compressed and self._gzip is None:
            return None
        return self._whole(compressed=compressed)

    async def answer(self, headers: _Headers, age: int | None = None) -> Response:
        """Return the answer to a request; with its age in seconds where it is an old one."""
        response = self.ready_answer(headers)
        if response is None:
            await self._compress()
            response = self._whole(compressed=True)
        if age is not None:
            response.raw_headers.append((b"age", str(age).encode()))
        return response

    def _whole(self, *, compressed: bool) -> Response:
        body = self._gzip if compressed else self.plain
        assert body is not None  # noqa: S101 - it has just been made
        head = self._head(compressed=compressed)
        length = (b"content-length", str(len(body)).encode())
        return _Made(200, body, [(b"content-type", b"application/json"), length, *head])

    def _head(self, *, compressed: bool) -> list[tuple[bytes, bytes]]:
        if compressed not in self._heads:
            tag = self.tag_of_gzip if compressed else self.tag
            coding = [(b"content-encoding", b"gzip")] if compressed else []
            self._heads[compressed] = [*_ALWAYS, (b"etag", tag.encode()), *coding]
        return self._heads[compressed].copy()

    async def _compress(self) -> None:
        """Make the gzip in a thread, once for all who wait for it."""
        if self._making is None:
            make = partial(gzip.compress, self.plain, _LEVEL, mtime=0)
            self._making = asyncio.create_task(asyncio.to_thread(make))
        self._gzip = await asyncio.shield(self._making)


class _Made(Response):
    """An answer whose headers are ready."""

    def __init__(self, status: int, body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
        self.status_code = status
        self.body = body
        self.raw_headers = headers
        self.background = None


def _asked(headers: _Headers) -> tuple[str, bool]:
    """Return the value of `If-None-Match`, and whether gzip is preferred."""
    condition, accepted = b"", b""
    for name, value in headers:
        if name == b"if-none-match":
            condition = condition + b", " + value if condition else value
        elif name == b"accept-encoding":
            accepted = accepted + b", " + value if accepted else value
    text = accepted.decode("latin-1")
    compressed = _prefers_gzip(text) if len(text) <= _LONGEST_REMEMBERED else prefers_gzip(text)
    return condition.decode("latin-1"), compressed


def prefers_gzip(accepted: str) -> bool:
    """Tell whether an `Accept-Encoding` allows gzip, and likes it no less than no coding."""
    told = accept_weights(accepted)
    other = told.get("*", 0.0)
    compressed = max(told.get("gzip", 0.0), told.get("x-gzip", 0.0))
    if not told.keys() & {"gzip", "x-gzip"}:
        compressed = other
    return compressed > 0 and compressed >= told.get("identity", 0.0)


_prefers_gzip = lru_cache(maxsize=256)(prefers_gzip)
