"""Answers as server-sent events, for clients that ask for them by `Accept`."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, TypeVar

import structlog
from fastapi import Request, Response
from fastapi.sse import EventSourceResponse, format_sse_event
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from cloudmart.errors import CloudmartError
from cloudmart.http.dependencies import accept_quality
from cloudmart.http.problem import UNEXPECTED, failure_response, problem_response

_log = structlog.stdlib.get_logger(__name__)

T = TypeVar("T")

MEDIA_TYPE = EventSourceResponse.media_type
_HEADERS = {
    "Cache-Control": "no-store",
    "Vary": "Accept",
    # nginx would gather the events and hand them on in one piece.
    "X-Accel-Buffering": "no",
}


async def while_connected(receive: Receive, work: Coroutine[Any, Any, T]) -> T:
    """Return what the work returns; stop it and raise ClientDisconnect if the client goes away.

    The request's body must have been read before.
    """
    doing = asyncio.create_task(work)
    gone = asyncio.create_task(_gone(receive))
    try:
        await asyncio.wait({doing, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not doing.done():
            raise ClientDisconnect
        return doing.result()
    finally:
        gone.cancel()
        if not doing.done():
            doing.cancel()
            # Stopping takes a moment: a lock is released, a connection closed.
            await asyncio.gather(doing, gone, return_exceptions=True)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def wants_events(request: Request) -> bool:
    """Return whether a client asks for events, and would not rather have JSON."""
    accept = request.headers.get("accept", "")
    events = accept_quality(accept, MEDIA_TYPE)
    return events > 0 and events >= accept_quality(accept, "application/json")


class EventChannel:
    """Where events are sent. The answer begins with the first that is no comment."""

    def __init__(self, send: Send, start: Mapping[str, Any]) -> None:
        self.begun = False
        self._send = send
        self._start = start
        self._held: list[bytes] = []

    async def comment(self, text: str) -> None:
        """Send what clients do not see; before the first event it is held back."""
        self._held.append(format_sse_event(comment=text))
        if self.begun:
            await self._flush()

    async def event(self, name: str, content: Mapping[str, Any]) -> None:
        """Send an event."""
        text = json.dumps(content, ensure_ascii=False)
        self._held.append(format_sse_event(event=name, data_str=text))
        if not self.begun:
            self.begun = True
            await self._send(dict(self._start))
        await self._flush()

    async def end(self) -> None:
        """End the answer."""
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _flush(self) -> None:
        body = b"".join(self._held)
        self._held.clear()
        await self._send({"type": "http.response.body", "body": body, "more_body": True})


class EventStream(Response):
    """An answer that is sent while it is made, and stopped when nobody waits for it any more.

    What fails before the first event is answered as if it had not been a stream; what fails later
    becomes its last event, `error`, which holds the problem.
    """

    media_type = MEDIA_TYPE

    def __init__(self, produce: Callable[[EventChannel], Awaitable[None]]) -> None:
        # Not the parent's: it would state a length.
        self.status_code = 200
        self.background = None
        self.init_headers(_HEADERS)
        self._produce = produce

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer."""
        start = {
            "type": "http.response.start",
            "status": self.status_code,
            "headers": self.raw_headers,
        }
        await while_connected(receive, self._answer(scope, EventChannel(send, start)))

    async def _answer(self, scope: Scope, channel: EventChannel) -> None:
        try:
            await self._produce(channel)
        except Exception as error:
            if not channel.begun:
                raise
            await channel.event("error", json.loads(bytes(_told(scope, error).body)))
        await channel.end()


def _told(scope: Scope, error: Exception) -> Response:
    if isinstance(error, CloudmartError):
        return failure_response(scope, error)
    # Too late for the middleware that answers bugs.
    _log.exception("request_failed", method=scope["method"], route=scope["route"].path)
    return problem_response(scope, 500, UNEXPECTED)


async def run_to_completion(work: Coroutine[Any, Any, T]) -> T:
    """Return what work returns; if its caller is cancelled, the work ends first.

    For writes: nobody knows whether a cancelled write was made.
    """
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is None:
        return task.result()
    if not task.cancelled() and (failure := task.exception()):
        raise cancelled from failure
    raise cancelled
