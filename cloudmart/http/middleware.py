"""One pass around every request: its id, its metrics, and a 500 for what nobody expected."""

import re
import time
from uuid import uuid4

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cloudmart.http.problem import problem
from cloudmart.observability.metrics import REQUESTS

MAX_BODY = 1024 * 1024
"""Bytes a request's body may have."""

REQUEST_ID = "X-Request-ID"

_GOOD_ID = re.compile(r"[A-Za-z0-9._\-]{1,128}")
_log = structlog.stdlib.get_logger(__name__)


class RequestContext:
    """Names, measures and guards each request."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        request_id = _request_id(headers)
        scope.setdefault("state", {})["request_id"] = request_id
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        started = time.perf_counter()
        status = 0

        async def named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[REQUEST_ID] = request_id
            await send(message)

        try:
            if _declares_too_much(headers):
                sentence = "The body is larger than 1 MiB."
                await problem(scope, 413, sentence)(scope, receive, named)
            else:
                await self.app(scope, receive, named)
        except Exception:
            _log.exception("request_failed", method=scope["method"], route=_route(scope))
            if status:
                raise
            sentence = "Something went wrong on our side. The request id helps us find it."
            await problem(scope, 500, sentence)(scope, receive, named)
        finally:
            REQUESTS.labels(scope["method"], _route(scope), str(status or 499)).observe(
                time.perf_counter() - started
            )


def _request_id(headers: Headers) -> str:
    given = headers.get(REQUEST_ID, "")
    return given if _GOOD_ID.fullmatch(given) else uuid4().hex


def _declares_too_much(headers: Headers) -> bool:
    # FastAPI's own limit answers plain text where the length is known before the body.
    length = headers.get("content-length", "")
    return length.isdecimal() and int(length[:20]) > MAX_BODY


def _route(scope: Scope) -> str:
    return getattr(scope.get("route"), "path", "unknown")
