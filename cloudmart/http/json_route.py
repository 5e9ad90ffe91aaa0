"""Routes that read a body as JSON, and refuse any other Content-Type."""

import json
import re
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn, cast

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.routing import Match
from starlette.types import Scope

from cloudmart.http.body_limits import MAX_BODY, Bodies, Body
from cloudmart.http.concurrency import slot_of
from cloudmart.http.dependencies import read_directly
from cloudmart.http.json_decoder import DEEPEST, Shape, decode_json, is_too_deep, shape_of

_JSON = re.compile(r"application/(?:[a-z0-9.+_-]+\+)?json")
_NEEDED = "The body must be JSON: send the header `Content-Type: application/json`."
_GZIP = b"\x1f\x8b"
_PLAIN = {"", "identity"}
_UNCOMPRESSED = {"Accept-Encoding": "identity"}
_COMPRESSED = (
    "The body is compressed, and only plain JSON is taken: send it as it is, without "
    "`Content-Encoding`."
)
_TOO_DEEP = f"The body nests lists and objects more than {DEEPEST} deep: send it flatter."

PLAIN = 4 * 1024
"""Bytes up to which a body is decoded whole: it cannot become large."""

LARGE = 64 * 1024
"""Bodies of more bytes are decoded one at a time."""


class JsonRequest(Request):
    """A request whose body is JSON as its standard has it (RFC 8259), which knows no NaN."""

    def __init__(self, request: Request, body: Body, shape: Shape) -> None:
        super().__init__(request.scope, request.receive)
        self._content = body
        self._shape = shape

    async def body(self) -> bytes:
        """Return the body, which is let go once it has been decoded."""
        return cast("bytes", self._content.content)

    async def json(self) -> Any:  # noqa: ANN401 - any JSON
        """Return what the body holds, as far as its route knows it, or raise ValueError."""
        if len(self._content.content) <= LARGE:
            value = await self._decode(self._content.content)
        else:
            # One at a time, for each may need several times its size.
            async with self._content.bodies.decoding:
                value = await self._decode(self._content.content)
        self._content.release()
        return value

    async def _decode(self, content: bytearray) -> Any:  # noqa: ANN401 - any JSON
        if content.startswith(_GZIP):
            raise HTTPException(415, _COMPRESSED, _UNCOMPRESSED)
        if await is_too_deep(content):
            raise HTTPException(400, _TOO_DEEP)
        if len(content) <= PLAIN:
            return _load(content)
        return await decode_json(content, self._shape, _load)


class JsonRoute(APIRoute):
    """A route that answers 415 to a body, or a declared body, of any other type.

    A page of another origin can send the three "simple" types without asking first; JSON it
    cannot (Fetch standard, CORS-safelisted request headers).

    A body is read by a route that takes one, up to `max_body_size` bytes. The request gets its slot
    when the body is there: a slow client blocks nobody.
    """

    def __init__(
        self,
        path: str,
        endpoint: Callable[..., Any],
        *,
        max_body_size: int | None = None,
        **options: Any,  # noqa: ANN401 - FastAPI's
    ) -> None:
        self._most = max_body_size or MAX_BODY
        # The framework's own limit would count the same bytes again, and answers plain text.
        super().__init__(path, read_directly(endpoint), **options)
        self._beginning = self.path.partition("{")[0]

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Return whether a request is for this route; most that are not begin with another path."""
        if not (scope.get("root_path") or scope["path"].startswith(self._beginning)):
            return Match.NONE, {}
        return super().matches(scope)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return FastAPI's handler behind what is asked of a request and its body."""
        handler = super().get_route_handler()
        shape = shape_of(self.body_field.field_info.annotation) if self.body_field else None

        async def checked(request: Request) -> Response:
            if request.method in {"POST", "PUT", "PATCH"}:
                if request.headers.get("content-encoding", "").strip().lower() not in _PLAIN:
                    raise HTTPException(415, _COMPRESSED, _UNCOMPRESSED)
                if not _is_json(request):
                    raise HTTPException(status_code=415, detail=_NEEDED)
            slot = slot_of(request.scope)
            if shape is None:
                await slot.take()
                return await handler(request)
            bodies: Bodies = request.state.bodies
            body = await bodies.read(request.scope, request.receive, self._most)
            try:
                await slot.take()
                return await handler(JsonRequest(request, body, shape))
            finally:
                body.release()

        return checked


def _load(content: bytes | bytearray) -> Any:  # noqa: ANN401 - any JSON
    return json.loads(content, parse_constant=_refuse)


def _refuse(constant: str) -> NoReturn:
    msg = f"{constant} is not JSON"
    raise ValueError(msg)


def _is_json(request: Request) -> bool:
    declared = request.headers.get("content-type")
    if declared is None or not _JSON.fullmatch(declared.partition(";")[0].strip().lower()):
        # No body is of no type; some clients name one nevertheless.
        empty = request.headers.get("content-length", "0") == "0"
        return empty and "transfer-encoding" not in request.headers
    return True
