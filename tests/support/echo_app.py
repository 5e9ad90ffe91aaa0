"""An application that answers with a description of each request, to test what a server read."""

import asyncio
import json
import logging
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from cloudmart.health.state import Lifecycle
from cloudmart.server.protocol import BoundedProtocol
from cloudmart.server.server import Server

LARGE = 32 * 1024**2
"""More bytes than the kernel accepts at once."""


class Echo:
    """Answers as the path says.

    `/soon…` after 5 ms; `/slow…` after 0.3 s; `/late…` when the test allows it; `/busy…` after
    blocking the event loop for 5 ms; `/unread…` without reading the body; `/large…` with a large
    body. `/gone…` waits until its client has disconnected.
    """

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.let = threading.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        path: str = scope["path"]
        self.asked.append(path)
        body = b""
        more = not path.startswith("/unread")
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message["body"]
            more = message["more_body"]
        await self._dawdle(path)
        if path.startswith("/gone"):
            await receive()
            self.asked.append("/gone: it is")
            return
        told = {
            "method": scope["method"],
            "path": path,
            "query": scope["query_string"].decode(),
            "body": body.decode("latin-1"),
            "names": [name.decode() for name, _ in scope["headers"]],
            "client": scope["client"],
        }
        content = json.dumps(told).encode() + b" " * (LARGE if path.startswith("/large") else 0)
        headers = [(b"content-length", b"%d" % len(content))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    async def _dawdle(self, path: str) -> None:
        if path.startswith("/soon"):
            await asyncio.sleep(0.005)
        elif path.startswith("/busy"):
            time.sleep(0.005)  # noqa: ASYNC251 - it is to keep the event loop busy
        elif path.startswith("/slow"):
            await asyncio.sleep(0.3)
        elif path.startswith("/late"):
            await asyncio.to_thread(self.let.wait, 30)


@contextmanager
def echoing(
    app: ASGIApp,
    protocol: type[BoundedProtocol] = BoundedProtocol,
    listeners: Sequence[socket.socket] = (),
    lifecycle: Lifecycle | None = None,
) -> Iterator[int]:
    """Serve an application with our server, and return the port."""
    lifecycle = lifecycle or Lifecycle()
    server = Server(app, lifecycle, grace=5, protocol=protocol)
    with _running(server, listeners) as port:
        yield port
        lifecycle.end_now()


@contextmanager
def echoing_by_h11(echo: Echo) -> Iterator[int]:
    """Serve an application with uvicorn's own protocol on h11, and return the port."""
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    config = uvicorn.Config(
        echo, http="h11", ws="none", lifespan="off", log_config=None, access_log=False
    )
    server = uvicorn.Server(config)
    with _running(server) as port:
        yield port
        server.should_exit = True
        server.force_exit = True


@contextmanager
def _running(server: uvicorn.Server, listeners: Sequence[socket.socket] = ()) -> Iterator[int]:
    with ExitStack() as stack:
        listeners = listeners or [socket.create_server(("127.0.0.1", 0))]
        for each in listeners:
            stack.enter_context(each)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [*listeners]})
        thread.start()
        while not server.started and thread.is_alive():
            thread.join(0.005)
        try:
            yield listeners[0].getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()
