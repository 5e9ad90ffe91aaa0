"""`ETag`, `If-Match` and `If-None-Match` (RFC 9110, 8.8.3 and 13.1), and documents in gzip."""

import asyncio
import gzip
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Annotated

from fastapi import Depends, Header, Request
from pydantic.json_schema import SkipJsonSchema
from starlette.responses import Response

from cloudmart.errors import PreconditionFailedError
from cloudmart.http.dependencies import accept_weights

_TAGS = re.compile(r'(W/)?("[\x21\x23-\x7e\x80-\xff]*")')

_ALWAYS = [(b"cache-control", b"no-cache"), (b"vary", b"Accept-Encoding")]
"""Browsers ask again each time; mostly the answer is that nothing has changed."""

_LONGEST_REMEMBERED = 200
"""Characters of an `Accept-Encoding` whose meaning is remembered."""

_LEVEL = 6


@dataclass(frozen=True, slots=True)
class Precondition:
    """The condition of a change: the value of `If-Match`, or none."""

    condition: str | None = None

    @property
    def is_given(self) -> bool:
        """Return whether anything depends on the present state."""
        return self.condition is not None and self.condition.strip() != "*"

    def check(self, etag: str, *others: str) -> None:
        """Raise PreconditionFailedError if what has a tag must not change.

        `others` are those of the same state as other clients see it.
        """
        # A weak tag says that two states are alike, which is not enough for a change.
        strong = {tag for weak, tag in _TAGS.findall(self.condition or "") if not weak}
        if self.is_given and strong.isdisjoint({etag, *others}):
            raise PreconditionFailedError(etag)


def is_seen(condition: str, etag: str) -> bool:
    """Return whether `If-None-Match` names what has a tag (weak comparison, RFC 9110, 13.1.2)."""
    if condition == etag:
        return True
    return condition.strip() == "*" or any(tag == etag for _, tag in _TAGS.findall(condition))


UNCONDITIONAL = Precondition()


async def _sent(request: Request) -> Precondition:
    lines = request.headers.getlist("if-match")
    return Precondition(", ".join(lines) if lines else None)


_Sent = Annotated[Precondition, Depends(_sent)]


async def _documented(
    sent: _Sent,
    if_match: Annotated[
        str | SkipJsonSchema[None],
        Header(
            alias="If-Match",
            description=(
                "The `ETag` of what you read. If it has changed since, nothing is changed, and the "
                "answer is 412."
            ),
            examples=["*"],
        ),
    ] = None,
) -> Precondition:
    del if_match  # the last of several lines
    return sent


IfMatch = Annotated[Precondition, Depends(_documented)]
"""What an endpoint that changes something can depend on."""

IfMatchToDelete = _Sent
"""The same for one that deletes, without an example: it could be tried only once."""


_Headers = Iterable[tuple[bytes, bytes]]


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
    """Return whether an `Accept-Encoding` allows gzip, and likes it no less than no coding."""
    told = accept_weights(accepted)
    other = told.get("*", 0.0)
    compressed = max(told.get("gzip", 0.0), told.get("x-gzip", 0.0))
    if not told.keys() & {"gzip", "x-gzip"}:
        compressed = other
    return compressed > 0 and compressed >= told.get("identity", 0.0)


_prefers_gzip = lru_cache(maxsize=256)(prefers_gzip)
