"""Bodies as a whole: who sends one slowly keeps nobody waiting but themselves."""

import asyncio
from collections.abc import Mapping

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cloudmart.errors import OverloadedError, SlowBodyError
from cloudmart.http.problem import expected, problem, too_large

MAX_BODY = 1024 * 1024
"""Bytes a body may have, where its path does not say otherwise."""

WITHIN = 60.0
"""Seconds a body may take: no page waits for an answer longer than that."""

MOST_HELD = 128 * 1024**2
"""Bytes of bodies that a process holds at once; more are sent away."""


class WholeBodies:
    """Hands on a request when its body is there, so that what follows works and never waits.

    A body that turns out larger than its path takes is handed on as far as it came, to be refused.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        larger: Mapping[str, int],
        within: float = WITHIN,
        held: int = MOST_HELD,
    ) -> None:
        self.app = app
        self._larger = larger
        self._within = within
        self._room = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        length = _length(scope) if scope["type"] == "http" else 0
        if length == 0:
            await self.app(scope, receive, send)
            return
        most = self._larger.get(scope["path"], MAX_BODY)
        if length and length > most:
            # The framework's own limit answers plain text where the length is known before.
            await problem(scope, 413, too_large(most))(scope, receive, send)
            return
        body = bytearray()
        try:
            last = await self._read(receive, body, most)
        except (SlowBodyError, OverloadedError) as error:
            await expected(scope, error)(scope, receive, send)
        else:
            whole: list[Message] = [
                {"type": "http.request", "body": bytes(body), "more_body": not last}
            ]

            async def replay() -> Message:
                return whole.pop() if whole else await receive()

            await self.app(scope, replay, send)
        finally:
            self._room += len(body)

    async def _read(self, receive: Receive, body: bytearray, most: int) -> bool:
        """Read a body, and return whether that is all of it."""
        try:
            async with asyncio.timeout(self._within):
                while len(body) <= most:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise ClientDisconnect
                    chunk = message.get("body", b"")
                    self._room -= len(chunk)
                    body += chunk
                    if self._room < 0:
                        raise OverloadedError
                    if not message.get("more_body", False):
                        return True
        except TimeoutError:
            raise SlowBodyError from None
        return False


def _length(scope: Scope) -> int | None:
    """Return how long a body says it is; None if that shows when it is there."""
    length = 0
    for name, value in scope["headers"]:
        if name == b"transfer-encoding":
            return None
        if name == b"content-length" and value.isdigit():
            length = int(value[:20])
    return length
