"""Bodies are JSON and say so."""

import json
import re
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

_JSON = re.compile(r"application/(?:[a-z0-9.+_-]+\+)?json")
_NEEDED = "The body must be JSON: send the header `Content-Type: application/json`."
_GZIP = b"\x1f\x8b"
_PLAIN = {"", "identity"}
_UNCOMPRESSED = {"Accept-Encoding": "identity"}
_COMPRESSED = (
    "The body is compressed, and only plain JSON is taken: send it as it is, without "
    "`Content-Encoding`."
)


class JsonRequest(Request):
    """A request whose body is JSON as its standard has it (RFC 8259), which knows no NaN."""

    async def json(self) -> Any:  # noqa: ANN401 - any JSON
        """Return what the body holds, or raise ValueError."""
        body = await self.body()
        if body.startswith(_GZIP):
            raise HTTPException(415, _COMPRESSED, _UNCOMPRESSED)
        return json.loads(body, parse_constant=_refuse)


class JsonRoute(APIRoute):
    """A route that answers 415 to a body, or a declared body, of any other type.

    A page of another origin can send the three "simple" types without asking first; JSON it
    cannot (Fetch standard, CORS-safelisted request headers).
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return FastAPI's handler behind the check."""
        handler = super().get_route_handler()

        async def checked(request: Request) -> Response:
            if request.method in {"POST", "PUT", "PATCH"}:
                if request.headers.get("content-encoding", "").strip().lower() not in _PLAIN:
                    raise HTTPException(415, _COMPRESSED, _UNCOMPRESSED)
                if not _is_json(request):
                    raise HTTPException(status_code=415, detail=_NEEDED)
            return await handler(JsonRequest(request.scope, request.receive))

        return checked


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
