"""The id of a request, and the answer that carries it."""

import asyncio
import os
import re

from starlette.types import Message, Scope, Send

from cloudmart.errors import UnavailableError
from cloudmart.http.problem import failure_response

REQUEST_ID = "X-Request-ID"

_REQUEST_ID = REQUEST_ID.lower().encode()
_GOOD_ID = re.compile(rb"[A-Za-z0-9._\-]{1,128}")

_SENTENCE = "The service is being restarted and could not finish in time. Please try again."


def take_request_id(scope: Scope) -> str:
    """Return the id that a request's client gave it, or a new one; its cookies are taken away."""
    given = b""
    cookies = False
    for name, value in scope["headers"]:
        if name == _REQUEST_ID:
            given = given or value
        elif name == b"cookie":
            cookies = True
    if cookies:
        # No route reads them, but FastAPI takes them apart: 64 KiB of them in 2 ms.
        scope["headers"] = [header for header in scope["headers"] if header[0] != b"cookie"]
    return given.decode() if _GOOD_ID.fullmatch(given) else os.urandom(16).hex()


class NamedAnswer:
    """An answer that is being sent: its status and kind, and the headers of its request."""

    __slots__ = ("_send", "headers", "kind", "status")

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self.status = 0
        """The status of the answer; 0 until it has begun."""
        self.kind: str | None = None
        """The media type of the answer; None until it has begun."""
        self.headers = [(_REQUEST_ID, request_id.encode())]

    async def send(self, message: Message) -> None:
        """Send a part of it: ASGI's `send`."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = message["headers"]
            kinds = (value for name, value in headers if name == b"content-type")
            self.kind = next(kinds, b"").decode("latin-1")
            message["headers"] = [*headers, *self.headers]
        await self._send(message)

    async def end(self, scope: Scope) -> None:
        """End it in the way its kind can be ended, because the process ends.

        One that has not begun is a 503; a stream of events gets an event; anything else is broken
        off, for half an array must not look like a whole one.
        """
        if task := asyncio.current_task():
            task.uncancel()
        answer = failure_response(scope, UnavailableError(_SENTENCE))
        if self.kind is None:
            await answer(scope, _gone, self.send)
        elif self.kind.startswith("text/event-stream"):
            event = b"event: error\ndata: " + bytes(answer.body) + b"\n\n"
            await self.send({"type": "http.response.body", "body": event, "more_body": False})


async def _gone() -> Message:
    return {"type": "http.disconnect"}
