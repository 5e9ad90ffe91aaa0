"""Calls an application as a server does. Unlike a client library, it can disconnect at any time."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI
from starlette.types import Message

from tests.support.ready_app import PATIENCE, settled


@dataclass
class Exchange:
    """A request, and the answer to it so far."""

    gone: asyncio.Event = field(default_factory=asyncio.Event)
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    messages: list[Message] = field(default_factory=list)

    @property
    def status(self) -> int | None:
        """Return the status, if the answer has begun."""
        return next((one["status"] for one in self.messages if "status" in one), None)

    @property
    def body(self) -> str:
        """Return the part of the body that has arrived."""
        return b"".join(one.get("body", b"") for one in self.messages).decode()


class Server:
    """Sends requests to an application, each in the task of its caller."""

    def __init__(self, app: FastAPI, state: Any) -> None:  # noqa: ANN401 - the lifespan's
        self._app = app
        self._state = state

    async def send(
        self,
        method: str,
        path: str,
        body: Any = None,  # noqa: ANN401 - any JSON
        *,
        accept: str = "*/*",
        exchange: Exchange | None = None,
    ) -> Exchange:
        """Send a request, and return its exchange when the application has finished."""
        current = exchange or Exchange()
        content = b"" if body is None else json.dumps(body).encode()
        incoming = [{"type": "http.request", "body": content, "more_body": False}]

        async def receive() -> Message:
            if incoming:
                return incoming.pop()
            await current.gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            # A real server may let other tasks run while it sends.
            await asyncio.sleep(0)
            current.messages.append(message)
            current.begun.set()

        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [
                (b"content-type", b"application/json"),
                (b"content-length", str(len(content)).encode()),
                (b"accept", accept.encode()),
            ],
            "client": ("127.0.0.1", 50_000),
            "server": ("127.0.0.1", 5000),
            "state": dict(self._state),
        }
        await self._app(scope, receive, send)
        return current


@asynccontextmanager
async def served(app: FastAPI) -> AsyncIterator[Server]:
    """Run the lifespan of an application, and return a server for it."""
    async with app.router.lifespan_context(app) as state:
        async with asyncio.timeout(PATIENCE):
            while not settled(state):  # noqa: ASYNC110 - health tells, it does not call
                await asyncio.sleep(0.005)
        yield Server(app, state)
