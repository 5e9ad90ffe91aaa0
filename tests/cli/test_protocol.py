"""Connections beyond what a process may have open."""

import resource
import socket
from collections.abc import Iterator

import pytest

from cloudmart.cli.listen import allow_connections
from cloudmart.cli.protocol import MOST_CONNECTIONS, BoundedProtocol
from cloudmart.settings import Settings
from tests.support.live import served


class Narrow(BoundedProtocol):
    """The server's protocol for five connections."""

    most_connections = 5


@pytest.fixture(scope="module")
def port(shared_settings: Settings) -> Iterator[int]:
    """Give the port of a shop with room for five connections."""
    with served(shared_settings, Narrow) as url:
        yield int(url.rpartition(":")[2])


def test_who_asks_nothing_makes_room_for_who_does(port: int) -> None:
    for _ in range(3):
        idle = [socket.create_connection(("127.0.0.1", port), timeout=30) for _ in range(20)]
        with socket.create_connection(("127.0.0.1", port), timeout=30) as asking:
            asking.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            answer = asking.recv(65_536)
        for each in idle:
            each.close()

        assert answer.startswith(b"HTTP/1.1 200 ")


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
