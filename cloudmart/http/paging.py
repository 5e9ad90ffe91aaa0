"""Lists: complete and streamed, or a page at a time with a link to the next (RFC 8288)."""

import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import cache, partial
from typing import Annotated, Any, TypeVar

import structlog
from fastapi import Query, Request, Response
from pydantic import Field, TypeAdapter
from pydantic.json_schema import SkipJsonSchema
from starlette.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from cloudmart.errors import CloudmartError, Fault, InvalidRequestError
from cloudmart.http.concurrency import slot_of
from cloudmart.observability.metrics import LISTS_BROKEN_OFF
from cloudmart.values import ids
from cloudmart.values.model import Entity
from cloudmart.values.page import Page, Pages, let_others_go_first

_log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class EncodedEntity:
    """An entity that is JSON already."""

    id: str
    json: bytes


Streamed = TypeVar("Streamed", bound=Entity | EncodedEntity)

_JSON = "application/json"
_BODY = "http.response.body"
_NOTHING: Message = {"type": _BODY, "body": b"", "more_body": True}

_VERSION = "1"
# DynamoDB's longest partition key, in bytes.
_LONGEST_KEY = 2048
_LARGE = 512 * 1024
"""Bytes after which a page ends, however few its items are."""


@cache
def _encoder(kind: type[Entity | EncodedEntity]) -> Callable[[list[Any]], bytes]:
    if issubclass(kind, EncodedEntity):
        return lambda items: b"[%b]" % b",".join([each.json for each in items])
    return partial(TypeAdapter(list[kind]).dump_json, by_alias=True)  # type: ignore[valid-type]


def encode_list(kind: type[Streamed], items: Sequence[Streamed]) -> bytes:
    """Return entities as a JSON array."""
    encode = _encoder(kind)  # type: ignore[arg-type]  # a class is hashable
    return encode(list(items))


async def stream_list(kind: type[Streamed], pages: Pages[Streamed]) -> Response:
    """Answer a whole list.

    The first page is read before the answer begins, so that a store that is away is still a 503.
    """
    first: Page[Streamed] = await anext(pages, Page([], last=True))
    if first.last:
        return Response(encode_list(kind, first.items), media_type=_JSON)
    return _JsonArray(_chunks(kind, first, pages), media_type=_JSON)


async def _chunks(
    kind: type[Streamed], first: Page[Streamed], rest: Pages[Streamed]
) -> AsyncIterator[bytes]:
    begun = bool(first.items)
    yield _taken(kind, first)[:-1]
    async for page in rest:
        if page.items:
            await let_others_go_first(len(page.items))
            yield (b"," if begun else b"") + _taken(kind, page)[1:-1]
            begun = True
    yield b"]"


def _taken(kind: type[Streamed], page: Page[Streamed]) -> bytes:
    """Encode a page, and let go of its items: a client may take its time over what is sent."""
    encoded = encode_list(kind, page.items)
    page.items.clear()
    return encoded


class _JsonArray(StreamingResponse):
    """Sends a list while it is read; without its end if the store fails: half must not parse.

    It is worked on while a page is read and encoded. While the client reads, its slot is free.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer."""
        self._slot = slot_of(scope)
        await super().__call__(scope, receive, send)

    async def stream_response(self, send: Send) -> None:
        """Send the chunks; leave the answer without its end if one cannot be had."""
        slot = self._slot
        start = {"status": self.status_code, "headers": self.raw_headers}
        slot.give_back()
        await send({"type": "http.response.start", **start})
        try:
            async for chunk in self.body_iterator:
                message = {"type": _BODY, "body": chunk, "more_body": True}
                # A slow client's chunk is the server's to hold, and to count: once is enough.
                del chunk
                slot.give_back()
                await send(message)
                del message
                # A server waits for a slow client before it takes the next message, however small.
                await send(_NOTHING)
                await slot.take_again()
            slot.give_back()
            await send({"type": _BODY, "body": b"", "more_body": False})
        except CloudmartError as error:
            # The server sees an answer that never ended, and closes the connection.
            LISTS_BROKEN_OFF.inc()
            _log.warning("list_broken_off", cause=repr(error.__cause__ or error))


def write_cursor(name: str, last: str) -> str:
    """Return the cursor that continues after an item of a list."""
    text = json.dumps([_VERSION, name, last], ensure_ascii=False)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(name: str, cursor: str) -> str:
    """Return the id after which a cursor continues.

    Raises:
        InvalidRequestError: the cursor is broken, or another list's.
    """
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        match json.loads(base64.b64decode(padded, altchars=b"-_", validate=True)):
            case [version, list_name, str(last)] if (version, list_name) == (_VERSION, name):
                if 0 < len(last.encode()) <= _LONGEST_KEY and "\0" not in last:
                    return last
    except (ValueError, RecursionError):
        pass
    sentence = "The cursor does not belong to this list. Start again without one."
    raise InvalidRequestError(
        sentence, faults=[Fault("/query/cursor", "not a cursor of this list")]
    )


Limit = Annotated[
    # A query has no null.
    Annotated[int, Field(ge=1, le=1000)] | SkipJsonSchema[None],
    Query(
        description=(
            "The most items of a page; a page also ends after 512 KiB. Without `limit` the answer "
            "is the whole list."
        ),
        examples=[20],
    ),
]

_Cursor = Annotated[str, Field(max_length=4096)]


@dataclass(frozen=True, slots=True)
class Paging:
    """What part of a list a request asks for."""

    request: Request
    name: str
    limit: int | None
    after: str | None

    @property
    def is_whole(self) -> bool:
        """Return whether the list is asked for from its beginning to its end."""
        return self.limit is None and self.after is None

    @property
    def page_size(self) -> int | None:
        """Return how many items to read: one more than asked for tells whether there are more."""
        return self.limit + 1 if self.limit else None

    async def answer(self, kind: type[Streamed], pages: Pages[Streamed]) -> Response:
        """Answer the part of the list that was asked for as a JSON array."""
        if self.limit is None:
            return await stream_list(kind, pages)
        pieces: list[bytes] = []
        size, left, last, more = 0, self.limit, "", False
        async with aclosing(pages):
            async for page in pages:
                items = page.items[:left]
                if items:
                    pieces.append(encode_list(kind, items)[1:-1])
                    size, left, last = size + len(pieces[-1]), left - len(items), items[-1].id
                # What was read is held while the next page of the store is waited for.
                more = len(items) < len(page.items) or (size >= _LARGE and not page.last)
                if more:
                    break
        headers = {"Link": f'<{self._next(last)}>; rel="next"'} if more else None
        body = b"[" + b",".join(pieces) + b"]"
        return Response(body, headers=headers, media_type="application/json")

    def _next(self, last: str) -> str:
        url = self.request.url.include_query_params(cursor=write_cursor(self.name, last))
        return f"{url.path}?{url.query}"


def paged(name: str) -> Callable[..., Awaitable[Paging]]:
    """Return the dependency that reads `limit` and `cursor` of the list with a name."""
    description = "Where the page begins: take it from the `Link` of the page before."
    example = write_cursor(f"{name}?q=", ids.PRODUCT)
    parameter = Query(description=description, examples=[example])

    async def paging(
        request: Request,
        limit: Limit = None,
        cursor: Annotated[_Cursor | SkipJsonSchema[None], parameter] = None,
    ) -> Paging:
        # A cursor belongs to one list: the same filter, asked for in the same words.
        whole = f"{name}?q={request.query_params.get('q', '')}"
        after = read_cursor(whole, cursor) if cursor is not None else None
        return Paging(request, whole, limit, after)

    return paging
