"""One pass around every request: its id, its metrics, and a last word for what nobody expected."""

import asyncio
import re
import time
from http import HTTPMethod
from uuid import uuid4

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cloudmart.errors import UnavailableError
from cloudmart.http.client_address import Clients
from cloudmart.http.problem import UNEXPECTED, failure_response, problem_response
from cloudmart.observability.metrics import REQUESTS

_log = structlog.stdlib.get_logger(__name__)


class HeadRequests:
    """Lets every route that answers GET answer HEAD; the server sends no body for it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http" and scope["method"] == "HEAD":
            # A copy: by its own scope the server knows that it is to leave out the body.
            scope = {**scope, "method": "GET"}
        await self.app(scope, receive, send)


_SENTENCE = "The service is being restarted and could not finish in time. Please try again."


async def end_answer(scope: Scope, send: Send, kind: str | None) -> None:
    """End an answer in the way its kind can be ended; None has not begun.

    One that has not begun is a 503; a stream of events gets an event; anything else is broken off,
    for half an array must not look like a whole one.
    """
    if task := asyncio.current_task():
        task.uncancel()
    answer = failure_response(scope, UnavailableError(_SENTENCE))
    if kind is None:
        await answer(scope, _gone, send)
    elif kind.startswith("text/event-stream"):
        event = b"event: error\ndata: " + bytes(answer.body) + b"\n\n"
        await send({"type": "http.response.body", "body": event, "more_body": False})


async def _gone() -> Message:
    return {"type": "http.disconnect"}


REQUEST_ID = "X-Request-ID"

MOST_PARAMETERS = 100
"""Parameters that a query may have; none of ours takes more than three."""

_MANY_PARAMETERS = (
    f"The query has more than {MOST_PARAMETERS} parameters: leave out what is not asked for."
)

_METHODS = frozenset(HTTPMethod)
_GOOD_ID = re.compile(r"[A-Za-z0-9._\-]{1,128}")


class RequestContext:
    """Names, measures and guards each request."""

    def __init__(self, app: ASGIApp, clients: Clients | None = None) -> None:
        self.app = app
        self._clients = clients or Clients()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        # No route reads cookies, but FastAPI takes them apart: 64 KiB of them in 2 ms.
        scope["headers"] = [header for header in scope["headers"] if header[0] != b"cookie"]
        request_id = _request_id(Headers(scope=scope))
        state = scope.setdefault("state", {})
        state["request_id"] = request_id
        state["client"] = client = self._clients.name(scope)
        state["crowd"] = self._clients.is_shared_address(client)
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
            if scope["query_string"].count(b"&") < MOST_PARAMETERS:
                await self.app(scope, receive, named)
            else:
                await problem_response(scope, 422, _MANY_PARAMETERS)(scope, receive, named)
        except ClientDisconnect:
            _log.info("client_gone", method=scope["method"], route=_route(scope))
        except asyncio.CancelledError:
            # Only a server that stops cancels a request.
            await end_answer(scope, named, kind)
        except Exception:
            _log.exception("request_failed", method=scope["method"], route=_route(scope))
            if status:
                raise
            await problem_response(scope, 500, UNEXPECTED)(scope, receive, named)
        finally:
            # A caller may send any word as its method; a metric's labels must stay few.
            method = scope["method"] if scope["method"] in _METHODS else "other"
            REQUESTS.labels(method, _route(scope), str(status or 499)).observe(
                time.perf_counter() - started
            )


def _request_id(headers: Headers) -> str:
    given = headers.get(REQUEST_ID, "")
    return given if _GOOD_ID.fullmatch(given) else uuid4().hex


def _route(scope: Scope) -> str:
    return getattr(scope.get("route"), "path", "unknown")
