"""JSON arrays sent page by page, in memory that does not grow with the list."""

from collections.abc import AsyncIterator, Sequence
from functools import cache
from typing import Any, TypeVar

import structlog
from fastapi import Response
from pydantic import TypeAdapter
from starlette.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from cloudmart.errors import CloudmartError
from cloudmart.http.concurrency import slot_of
from cloudmart.observability.metrics import LISTS_BROKEN_OFF
from cloudmart.values.model import Entity
from cloudmart.values.page import Page, Pages

E = TypeVar("E", bound=Entity)

_log = structlog.stdlib.get_logger(__name__)
_JSON = "application/json"
_NOTHING: Message = {"type": "http.response.body", "body": b"", "more_body": True}


@cache
def _adapter(kind: type[Entity]) -> TypeAdapter[list[Any]]:
    return TypeAdapter(list[kind])  # type: ignore[valid-type]


def encode(kind: type[E], items: Sequence[E]) -> bytes:
    """Return entities as a JSON array."""
    return _adapter(kind).dump_json(list(items), by_alias=True)


async def stream(kind: type[E], pages: Pages[E]) -> Response:
    """Answer a whole list.

    The first page is read before the answer begins, so that a store that is away is still a 503.
    """
    first: Page[E] = await anext(pages, Page([], last=True))
    if first.last:
        return Response(encode(kind, first.items), media_type=_JSON)
    return _JsonArray(_chunks(kind, first, pages), media_type=_JSON)


async def _chunks(kind: type[E], first: Page[E], rest: Pages[E]) -> AsyncIterator[bytes]:
    begun = bool(first.items)
    yield _taken(kind, first)[:-1]
    async for page in rest:
        if page.items:
            yield (b"," if begun else b"") + _taken(kind, page)[1:-1]
            begun = True
    yield b"]"


def _taken(kind: type[E], page: Page[E]) -> bytes:
    """Encode a page, and let go of its items: a client may take its time over what is sent."""
    encoded = encode(kind, page.items)
    page.items.clear()
    return encoded


class _JsonArray(StreamingResponse):
    """Sends a list while it is read; without its end if the store fails: half must not parse.

    It is worked on while a page is read and encoded. While the client reads, its slot is free.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer."""
        slot = slot_of(scope)

        async def sent(message: Message) -> None:
            slot.give_back()
            await send(message)
            if message.get("more_body"):
                # A server waits for a slow client before it takes the next message, however small.
                await send(_NOTHING)
                await slot.take_again()

        await super().__call__(scope, receive, sent)

    async def stream_response(self, send: Send) -> None:
        """Send the chunks; leave the answer without its end if one cannot be had."""
        try:
            await super().stream_response(send)
        except CloudmartError as error:
            # The server sees an answer that never ended, and closes the connection.
            LISTS_BROKEN_OFF.inc()
            _log.warning("list_broken_off", cause=repr(error.__cause__ or error))
