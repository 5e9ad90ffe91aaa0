"""Connections above the limit of a process."""

import asyncio
import resource
import select
import socket
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from typing import ClassVar

import pytest

from cloudmart.observability.exposition import metrics_app
from cloudmart.server.listen import MetricsProtocol, allow_connections
from cloudmart.server.protocol import MOST_CONNECTIONS, BoundedProtocol
from cloudmart.server.scheduling import MOST_OF_HEADS
from cloudmart.settings import Settings
from tests.support.echo_app import Echo, echoing
from tests.support.live_server import served
from tests.support.raw_http import PATIENCE, until


class Narrow(BoundedProtocol):
    """The server's protocol with room for five connections; it counts the open ones."""

    most_connections = 5
    open: ClassVar[Counter[str]] = Counter()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Count one more."""
        self.open["now"] += 1
        super().connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Count one less."""
        self.open["now"] -= 1
        super().connection_lost(exc)


@pytest.fixture(scope="module")
def port(shared_settings: Settings) -> Iterator[int]:
    """Provide the port of a shop with room for five connections."""
    with served(shared_settings, Narrow) as url:
        yield int(url.rpartition(":")[2])


POST = b"POST /api/orders HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
WAITING = {
    "nothing": b"",
    "half a head": b"GET /livez HT",
    "no HTTP": b"BAD\r\n\r\n",
    "half a body": POST + b"Content-Length: 2000\r\n\r\n{",
    "a body that nobody reads": POST.replace(b"/orders", b"/no")
    + b"Content-Length: 900000\r\n\r\n{",
}


@pytest.mark.parametrize("sent", WAITING.values(), ids=WAITING)
def test_a_connection_that_waits_for_its_client_is_closed_for_a_new_one(
    sent: bytes, port: int
) -> None:
    for _ in range(3):
        waiting = [
            socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) for _ in range(20)
        ]
        for each in waiting:
            with suppress(OSError):
                each.sendall(sent)
        time.sleep(0.1)
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as asking:
            asking.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            answer = asking.recv(65_536)
        until(lambda: Narrow.open["now"] <= Narrow.most_connections + 1)
        for each in waiting:
            each.close()

        assert answer.startswith(b"HTTP/1.1 200 ")


def test_the_port_of_metrics_leaves_files_for_the_shop() -> None:
    with echoing(metrics_app(), MetricsProtocol) as port, ExitStack() as stack:
        connections = [stack.enter_context(_connected(port)) for _ in range(130)]
        ended = 130 - MetricsProtocol.most_connections
        # Nothing can be read from the others.
        until(lambda: len(select.select(connections, [], [], 0)[0]) >= ended)


def _connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)


def test_a_process_asks_for_as_many_files_as_it_has_connections() -> None:
    before, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    connections = BoundedProtocol.most_connections
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(1024, most), most))

        allow_connections()

        after, still_most = resource.getrlimit(resource.RLIMIT_NOFILE)
        assert still_most == most
        assert after == min(MOST_CONNECTIONS + 500, most)
        assert BoundedProtocol.most_connections == after - 500
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (before, most))
        BoundedProtocol.most_connections = connections


def test_heads_that_have_begun_have_an_end_together() -> None:
    begun = b"GET / HTTP/1.1\r\n" + (b"X-A: " + b"a" * 500 + b"\r\n") * 120
    with echoing(Echo()) as port, ExitStack() as stack:
        many = range(2 * MOST_OF_HEADS // len(begun))
        connections = [stack.enter_context(_connected(port)) for _ in many]
        for each in connections:
            with suppress(OSError):
                each.sendall(begun)
        first, last = connections[0], connections[-1]
        last.sendall(b"Connection: close\r\n\r\n")

        assert last.recv(100).startswith(b"HTTP/1.1 200 ")
        with suppress(ConnectionResetError):
            assert first.recv(100) == b""
