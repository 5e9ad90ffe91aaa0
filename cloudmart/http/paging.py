"""Lists: complete and streamed, or a page at a time with a link to the next (RFC 8288)."""

from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Annotated, TypeVar

from fastapi import Query, Request, Response
from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from cloudmart.http import cursor as cursors
from cloudmart.http.streaming import encode, stream
from cloudmart.values import samples
from cloudmart.values.model import Entity
from cloudmart.values.page import Pages

E = TypeVar("E", bound=Entity)

Limit = Annotated[
    # A query has no null.
    Annotated[int, Field(ge=1, le=1000)] | SkipJsonSchema[None],
    Query(
        description="Items a page at most; a page ends after 4 MiB. Without it the whole list is "
        "answered.",
        examples=[20],
    ),
]
_LARGE = 4 * 1024**2
"""Bytes after which a page ends, however few its items are."""

_Cursor = Annotated[str, Field(max_length=4096)]


@dataclass(frozen=True, slots=True)
class Paging:
    """What part of a list a request asks for."""

    request: Request
    name: str
    limit: int | None
    after: str | None

    @property
    def page_size(self) -> int | None:
        """Return how many items to read: one more than asked for tells whether there are more."""
        return self.limit + 1 if self.limit else None

    async def answer(self, kind: type[E], pages: Pages[E]) -> Response:
        """Answer the part of the list that was asked for as a JSON array."""
        if self.limit is None:
            return await stream(kind, pages)
        pieces: list[bytes] = []
        size, left, last, more = 0, self.limit, "", False
        async with aclosing(pages):
            async for page in pages:
                items = page.items[:left]
                if items:
                    pieces.append(encode(kind, items)[1:-1])
                    size, left, last = size + len(pieces[-1]), left - len(items), items[-1].id
                # A long answer that nobody reads is held as a whole: the rest is another page.
                more = len(items) < len(page.items) or (size >= _LARGE and not page.last)
                if more:
                    break
        headers = {"Link": f'<{self._next(last)}>; rel="next"'} if more else None
        body = b"[" + b",".join(pieces) + b"]"
        return Response(body, headers=headers, media_type="application/json")

    def _next(self, last: str) -> str:
        url = self.request.url.include_query_params(cursor=cursors.write(self.name, last))
        return f"{url.path}?{url.query}"


def paged(name: str) -> Callable[..., Awaitable[Paging]]:
    """Return the dependency that reads `limit` and `cursor` of the list with a name."""
    description = "Where to go on: take it from the last page's `Link`."
    example = cursors.write(f"{name}?q=", samples.PRODUCT)
    parameter = Query(description=description, examples=[example])

    async def paging(
        request: Request,
        limit: Limit = None,
        cursor: Annotated[_Cursor | SkipJsonSchema[None], parameter] = None,
    ) -> Paging:
        # A cursor belongs to one list: the same filter, asked for in the same words.
        whole = f"{name}?q={request.query_params.get('q', '')}"
        after = cursors.read(whole, cursor) if cursor is not None else None
        return Paging(request, whole, limit, after)

    return paging
