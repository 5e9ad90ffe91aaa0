"""How an answer is written: in one call if it is complete, otherwise its head first."""

import asyncio
import socket
import threading
from collections.abc import Iterable
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from cloudmart.server.protocol import BoundedProtocol
from tests.support.echo_app import Echo, echoing
from tests.support.raw_http import PATIENCE

GET = b"GET %b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
START = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]}


class Recording:
    """A transport that keeps what is written, call by call."""

    def __init__(self, transport: asyncio.Transport, calls: list[bytes]) -> None:
        self._transport = transport
        self._calls = calls

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever a transport has
        return getattr(self._transport, name)

    def write(self, piece: bytes) -> None:
        """Write a part."""
        self._calls.append(piece)
        self._transport.write(piece)

    def writelines(self, pieces: Iterable[bytes]) -> None:
        """Write several parts."""
        self._calls.append(b"".join(pieces))
        self._transport.write(self._calls[-1])


def _recorded(calls: list[bytes]) -> type[BoundedProtocol]:
    class Recorded(BoundedProtocol):
        """The server's protocol, which keeps what it writes."""

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(Recording(transport, calls))  # type: ignore[arg-type]

    return Recorded


class Halting:
    """Sends the head of an answer, and later its body, or fails."""

    def __init__(self) -> None:
        self.let = threading.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        del receive
        await send(START)
        if scope["path"] == "/fails":
            raise RuntimeError
        await asyncio.to_thread(self.let.wait, PATIENCE)
        await send({"type": "http.response.body", "body": b"last"})


def _ask(port: int, path: bytes) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
    connection.sendall(GET % path)
    return connection


def _read_all(connection: socket.socket) -> bytes:
    received = b""
    while piece := connection.recv(65_536):
        received += piece
    return received


@pytest.mark.parametrize("path", [b"/now", b"/soon"])
def test_head_and_body_of_an_answer_that_is_there_are_written_together(path: bytes) -> None:
    calls: list[bytes] = []
    with echoing(Echo(), _recorded(calls)) as port, _ask(port, path) as connection:
        received = _read_all(connection)

    assert calls == [received]
    assert received.startswith(b"HTTP/1.1 200 OK\r\n")


def test_the_head_of_an_answer_whose_body_is_not_there_yet_goes_first() -> None:
    application = Halting()
    with echoing(application) as port, _ask(port, b"/waits") as connection:
        head = connection.recv(65_536)
        application.let.set()
        rest = _read_all(connection)

    assert head.endswith(b"\r\n\r\n")
    assert rest == b"last"


def test_an_answer_that_fails_behind_its_head_shows_the_head_alone() -> None:
    with echoing(Halting()) as port, _ask(port, b"/fails") as connection:
        received = _read_all(connection)

    assert received.startswith(b"HTTP/1.1 200 OK\r\n")
    assert received.endswith(b"\r\n\r\n")
