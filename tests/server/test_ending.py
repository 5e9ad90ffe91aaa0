"""Connections that end: with the process, by the client, and by a fault of the client."""

import asyncio
import re
import socket
import threading
from typing import ClassVar

import pytest
from fastapi import FastAPI

from cloudmart.cli.serve import StartingApp
from cloudmart.health.state import Health, Lifecycle
from cloudmart.observability.exposition import metrics_app
from cloudmart.server.protocol import BoundedProtocol
from tests.support.echo_app import LARGE, Echo, echoing
from tests.support.raw_http import PATIENCE, Raw, is_cut, send, until

GET = b"GET %b HTTP/1.1\r\nHost: x\r\n\r\n"
LAST = b"GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
OFFER = b"Host: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n"


class Told(BoundedProtocol):
    """The server's protocol, which reports when the process begins to end."""

    told: ClassVar[threading.Event]

    def dismiss(self) -> None:
        """Report it."""
        super().dismiss()
        self.told.set()


@pytest.mark.parametrize("behind", [b"", GET % b"/next", GET % b"/next" * 10_000, b"GET /nex"])
def test_the_end_of_the_process_comes_after_the_answer_that_is_given(behind: bytes) -> None:
    echo, lifecycle = Echo(), Lifecycle()
    Told.told = threading.Event()
    with (
        echoing(echo, Told, lifecycle=lifecycle) as port,
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection,
    ):
        connection.sendall(GET % b"/late" + behind)
        until(lambda: bool(echo.asked))

        lifecycle.end_now()
        assert Told.told.wait(PATIENCE)
        echo.let.set()

        received = b""
        while piece := connection.recv(65_536):
            received += piece
    (answer,) = Raw(received).answers
    assert (answer.json()["path"], answer.headers["connection"]) == ("/late", "close")
    assert echo.asked == ["/late"]


def test_the_application_hears_of_a_client_that_went_away(impatient: int, echo: Echo) -> None:
    connection = socket.create_connection(("127.0.0.1", impatient), timeout=PATIENCE)
    connection.sendall(GET % b"/gone")
    until(lambda: "/gone" in echo.asked)
    connection.close()

    until(lambda: echo.asked[-1] == "/gone: it is")


@pytest.mark.parametrize("ending", [b"", b"Connection: close\r\n"])
def test_who_does_not_read_an_answer_does_not_keep_it(ending: bytes, impatient: int) -> None:
    with socket.create_connection(("127.0.0.1", impatient), timeout=PATIENCE) as connection:
        connection.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n" + ending + b"\r\n")
        until(lambda: is_cut(connection))
        received = 0
        try:
            while piece := connection.recv(1024**2):
                received += len(piece)
        except ConnectionResetError:
            pass

    assert received < LARGE


def test_what_answers_while_the_process_starts_reads_requests_as_the_shop_does() -> None:
    async def prepare() -> FastAPI | None:
        await asyncio.Event().wait()
        return None

    with echoing(StartingApp(Health(), prepare)) as port:
        posted = b"POST /api/orders HTTP/1.1\r\n" + OFFER + b"Content-Length: 5\r\n\r\nhello"
        offered = send(port, posted + LAST)
        trailers = b"0\r\n" + b"X-A: b\r\n" * 100_000
        chunked = b"POST /livez HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        trailed = send(port, chunked, trailers)
        long = send(port, b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n")

    assert offered.statuses == [503, 503]
    assert trailed.statuses in ([405], [431])
    assert long.statuses == [414]


def test_the_metrics_are_read_as_the_shop_is() -> None:
    with echoing(metrics_app()) as port:
        offered = send(port, b"GET /metrics HTTP/1.1\r\n" + OFFER + b"\r\n" + LAST)
        broken = send(port, b"GET /metrics HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n")

    assert re.findall(rb"HTTP/1.1 (\d+)", offered.data) == [b"200", b"404"]
    assert broken.statuses == [400]
