"""Bodies that are never complete, in number and size."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import httpx2
import pytest

from cloudmart.http.bodies import GRACE, LARGEST_BODY, MAX_BODY
from tests.support.raw import Raw

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
        # The server may read no further for now.
        with suppress(TimeoutError):
            connection.sendall(f"{head}Content-Length: {size}\r\n\r\n".encode() + body)
        connection.settimeout(30)
        yield connection


def order(client: httpx2.Client) -> None:
    """Place an order, which must be answered at once."""
    began = time.monotonic()
    placed = client.post("/api/orders", json=ORDER)
    assert placed.status_code == 201
    assert time.monotonic() - began < 2
    client.delete(placed.headers["Location"])


@pytest.mark.parametrize("path", ["/health", "/api/products", "/nowhere", "/docs"])
def test_where_no_body_is_taken_nobody_waits_for_one(
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
    with ExitStack() as stack:
        for _ in range(18):
            stack.enter_context(unfinished(port, CHAT))

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
    with unfinished(port, ("POST", "/api/tickets", MAX_BODY), less=less) as connection:
        began = time.monotonic()
        answer = Raw(connection.recv(65_536))

    assert answer.statuses == [408]
    assert GRACE - 1 < time.monotonic() - began < GRACE + 4
