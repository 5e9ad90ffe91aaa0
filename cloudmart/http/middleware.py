"""One pass around every request: its id, its metrics, and a last word for what nobody expected."""

import asyncio
import re
import time
from collections.abc import Mapping
from http import HTTPMethod
from uuid import uuid4

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cloudmart.http.client import Clients
from cloudmart.http.last_words import say_last_words
from cloudmart.http.problem import UNEXPECTED, problem, too_large
from cloudmart.observability.metrics import REQUESTS

MAX_BODY = 1024 * 1024
"""Bytes a request's body may have, where its path does not say otherwise."""

REQUEST_ID = "X-Request-ID"

_METHODS = frozenset(HTTPMethod)
_GOOD_ID = re.compile(r"[A-Za-z0-9._\-]{1,128}")
_log = structlog.stdlib.get_logger(__name__)


class RequestContext:
    """Names, measures and guards each request; `larger` bodies are for the paths it names."""

    def __init__(
        self,
        app: ASGIApp,
        larger: Mapping[str, int] | None = None,
        clients: Clients | None = None,
    ) -> None:
        self.app = app
        self._clients = clients or Clients()
        self._larger = larger or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        request_id = _request_id(headers)
        state = scope.setdefault("state", {})
        state["request_id"] = request_id
        state["client"] = self._clients.name(scope)
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        started = time.perf_counter()
        status = 0
        kind: str | None = None

        async def named(message: Message) -> None:
            nonlocal status, kind
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers[REQUEST_ID] = request_id
                kind = headers.get("content-type", "")
            await send(message)

        try:
            most = self._larger.get(scope["path"], MAX_BODY)
            if _declares_more(headers, most):
                await problem(scope, 413, too_large(most))(scope, receive, named)
            else:
                await self.app(scope, receive, named)
        except ClientDisconnect:
            _log.info("client_gone", method=scope["method"], route=_route(scope))
        except asyncio.CancelledError:
            # Only a server that stops cancels a request.
            await say_last_words(scope, named, kind)
        except Exception:
            _log.exception("request_failed", method=scope["method"], route=_route(scope))
            if status:
                raise
            await problem(scope, 500, UNEXPECTED)(scope, receive, named)
        finally:
            # A caller may send any word as its method; a metric's labels must stay few.
            method = scope["method"] if scope["method"] in _METHODS else "other"
            REQUESTS.labels(method, _route(scope), str(status or 499)).observe(
                time.perf_counter() - started
            )


def _request_id(headers: Headers) -> str:
    given = headers.get(REQUEST_ID, "")
    return given if _GOOD_ID.fullmatch(given) else uuid4().hex


def _declares_more(headers: Headers, most: int) -> bool:
    # FastAPI's own limit answers plain text where the length is known before the body.
    length = headers.get("content-length", "")
    return length.isdecimal() and int(length[:20]) > most


def _route(scope: Scope) -> str:
    return getattr(scope.get("route"), "path", "unknown")
