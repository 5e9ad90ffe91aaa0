"""uvicorn's server, with our own shutdown."""

import asyncio
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import cast

import structlog
import uvicorn
from starlette.types import ASGIApp

from cloudmart.health.state import Lifecycle
from cloudmart.server.protocol import BoundedProtocol
from cloudmart.server.slow_readers import limit_send_buffer

_log = structlog.stdlib.get_logger(__name__)

LAST_WORDS = 2.0
"""Seconds that requests which are cut short get to say so."""

_TICK = 0.05
_CLOSE = (b"connection", b"close")
_NEVER = float("inf")


class Server(uvicorn.Server):
    """Serves until the lifecycle ends, then lets the requests that run finish.

    uvicorn by itself would stop listening at once, cancel without waiting for the end of what it
    cancels, and die of the signal it was sent.
    """

    def __init__(
        self,
        app: ASGIApp,
        lifecycle: Lifecycle,
        *,
        grace: float = 0.0,
        announce: Callable[[], None] | None = None,
        protocol: type[BoundedProtocol] = BoundedProtocol,
    ) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=cast("type[asyncio.Protocol]", protocol),
                ws="none",
                log_config=None,
                access_log=False,
                server_header=False,
                # TRUSTED_PROXIES decides which client a request has; uvicorn would trust loopback.
                proxy_headers=False,
                # Longer than a load balancer keeps an idle connection (60 s), or it meets a
                # closed one.
                timeout_keep_alive=75,
                timeout_graceful_shutdown=1,
            )
        )
        self._lifecycle = lifecycle
        self._grace = grace
        self._announce = announce
        self._hurried = False

    def dismiss(self) -> None:
        """Send clients elsewhere: each answer from here on is the last of its connection."""
        if _CLOSE not in self.config.encoded_headers:
            self.config.encoded_headers.append(_CLOSE)
            # uvicorn renews these ten times a second, which is too late for some.
            self.server_state.default_headers = [*self.server_state.default_headers, _CLOSE]
        # An answer that has begun said nothing of it.
        for connection in cast("set[BoundedProtocol]", self.server_state.connections):
            connection.dismiss()

    def hasten(self) -> None:
        """Cut short what still runs."""
        self._hurried = True

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the process: it may run more than one server."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Open the application and listen."""
        for each in sockets or ():
            limit_send_buffer(each)
        await super().startup(sockets)
        for each in sockets or ():
            host, port = each.getsockname()[:2]
            _log.info("listening", host=host, port=port)

    async def on_tick(self, counter: int) -> bool:
        """Do what is to be done ten times a second, and tell whether to stop."""
        if self._announce and self._lifecycle.started:
            self._announce()
            self._announce = None
        return await super().on_tick(counter) or self._lifecycle.ending

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Finish what runs, cut short what does not finish in time, and close."""
        loop = asyncio.get_running_loop()
        self.dismiss()
        began = loop.time()
        await self._until(lambda: loop.time() >= began + self._lifecycle.linger, _NEVER)
        deadline = loop.time() + self._grace
        # New requests are still answered while older ones finish: a load balancer learns late.
        running = frozenset(self.server_state.tasks)
        await self._until(lambda: all(task.done() for task in running), deadline)
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        await self._until(lambda: not self.server_state.tasks, deadline)
        await self._cut_short()
        await super().shutdown(sockets)

    async def _cut_short(self) -> None:
        tasks = list(self.server_state.tasks)
        if tasks:
            _log.warning("requests_cut_short", number=len(tasks))
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=LAST_WORDS)

    async def _until(self, done: Callable[[], bool], deadline: float) -> None:
        counter = 0
        while not (done() or self._hurried) and asyncio.get_running_loop().time() < deadline:
            # Keeps the Date header true.
            await super().on_tick(counter)
            await asyncio.sleep(_TICK)
            counter += 1


@contextmanager
def handle_signals(lifecycle: Lifecycle, *servers: Server) -> Iterator[None]:
    """End the lifecycle at the first SIGTERM or Ctrl-C, hurry its end at the next."""
    loop = asyncio.get_running_loop()
    heard: list[str] = []

    def heed(name: str) -> None:
        _log.info("told_to_stop", signal=name, again=bool(heard))
        for server in servers:
            server.hasten() if heard else server.dismiss()
        heard.append(name)
        lifecycle.end_now()

    signals = (signal.SIGTERM, signal.SIGINT)
    for number in signals:
        loop.add_signal_handler(number, heed, number.name)
    try:
        yield
    finally:
        for number in signals:
            loop.remove_signal_handler(number)
