"""Bodies that never end, in number and size."""

import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress

import httpx2
import pytest

from cloudmart.http.body_limits import GRACE, LARGEST_BODY, LEAST_SENT, MAX_BODY
from tests.support.raw_http import Raw

CHAT = ("POST", "/api/ai/analyze-sentiment", LARGEST_BODY)
ORDER = {"productId": "1", "quantity": 1}


@contextmanager
def unfinished(
    port: int, request: tuple[str, str, int], *, source: str = "127.0.0.2", less: int = 1
) -> Iterator[socket.socket]:
    """Send a request whose body lacks some bytes."""
    method, path, size = request
    head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    with socket.socket() as connection:
        connection.bind((source, 0))
        connection.settimeout(0.1)
        connection.connect(("127.0.0.1", port))
        body = b" " * (size - less)
        # The server may have stopped reading for now.
        with suppress(TimeoutError):
            connection.sendall(f"{head}Content-Length: {size}\r\n\r\n".encode() + body)
        connection.settimeout(50)
        yield connection


@contextmanager
def going_on(connections: Sequence[socket.socket]) -> Iterator[None]:
    """Continue each body at a rate at which the server gives none up for a minute."""
    ended = threading.Event()

    def go_on() -> None:
        while not ended.wait(0.5):
            for each in connections:
                with suppress(OSError):
                    each.send(b" " * LEAST_SENT * 4, socket.MSG_DONTWAIT)

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def order(client: httpx2.Client) -> None:
    """Place an order."""
    placed = client.post("/api/orders", json=ORDER)
    assert placed.status_code == 201
    client.delete(placed.headers["Location"])


@pytest.mark.parametrize("path", ["/health", "/api/products", "/nowhere", "/docs"])
def test_a_route_without_a_body_does_not_wait_for_one(
    path: str, port: int, client: httpx2.Client
) -> None:
    with ExitStack() as stack:
        for _ in range(40):
            request = ("GET", path, MAX_BODY)
            connection = stack.enter_context(unfinished(port, request))
            assert Raw(connection.recv(65_536)).statuses[0] in {200, 404}

        order(client)


def test_large_bodies_that_do_not_end_keep_no_other_client_out(
    port: int, client: httpx2.Client
) -> None:
    half = LARGEST_BODY // 2
    with ExitStack() as stack:
        bodies = [stack.enter_context(unfinished(port, CHAT, less=half)) for _ in range(18)]
        stack.enter_context(going_on(bodies))

        # A body that waits for room is refused after some seconds.
        order(client)
        ended = client.post(
            "/api/ai/analyze-sentiment",
            content=b'{"thread": {"messages": []}}' + b" " * (LARGEST_BODY - 28),
            headers={"Content-Type": "application/json"},
        )
        assert ended.status_code == 200
        client.delete(f"/api/tickets/{ended.json()['ticketId']}")


@pytest.mark.parametrize("less", [1, MAX_BODY])
def test_a_body_of_which_no_more_comes_is_given_up(less: int, port: int) -> None:
    began = time.monotonic()
    with unfinished(port, ("POST", "/api/tickets", MAX_BODY), less=less) as connection:
        answer = Raw(connection.recv(65_536))

    assert answer.statuses == [408]
    # And before the minute that any body may take, which is longer than this client waits.
    assert time.monotonic() - began > GRACE - 0.1
