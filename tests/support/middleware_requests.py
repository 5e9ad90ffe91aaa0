"""Requests that go directly to one piece of middleware, each in its own task."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

from starlette.types import ASGIApp, Message


@dataclass
class Asked:
    """A running request: what it sends, and the answer so far."""

    incoming: asyncio.Queue[Message] = field(default_factory=asyncio.Queue)
    messages: list[Message] = field(default_factory=list)

    @property
    def status(self) -> int | None:
        """Return the status, if the answer has begun."""
        return self.messages[0]["status"] if self.messages else None

    @property
    def headers(self) -> dict[bytes, bytes]:
        """Return the headers of the answer."""
        return dict(self.messages[0]["headers"])

    @property
    def json(self) -> Any:  # noqa: ANN401 - any JSON
        """Return the body of the answer."""
        return json.loads(b"".join(each.get("body", b"") for each in self.messages))

    def send(self, body: bytes = b"", *, more: bool = False) -> None:
        """Send a part of the body."""
        self.incoming.put_nowait({"type": "http.request", "body": body, "more_body": more})

    def go(self) -> None:
        """Disconnect."""
        self.incoming.put_nowait({"type": "http.disconnect"})


def ask(
    app: ASGIApp, path: str, method: str = "GET", **headers: str
) -> tuple[Asked, asyncio.Task[None]]:
    """Begin a request, and return it with the task that ends when it is answered."""
    current = Asked()

    async def send(message: Message) -> None:
        current.messages.append(message)

    named = {name.replace("_", "-"): value for name, value in headers.items()}
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in named.items()],
        "client": ("203.0.113.9", 50_000),
        "state": {},
    }
    return current, asyncio.create_task(app(scope, current.incoming.get, send))  # type: ignore[arg-type]
