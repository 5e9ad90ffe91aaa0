"""Clients that send slowly, and that do not read their answers."""

import socket
import threading
import time

import httpx2
import pytest

from cloudmart.server.protocol import BoundedProtocol
from tests.support.metric_samples import sample
from tests.support.raw_http import PATIENCE, Raw, send

HEAD = b"GET /api/products HTTP/1.1\r\nHost: x\r\n"
BODY = b"POST /api/tickets HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


class Hasty(BoundedProtocol):
    """The server's protocol with shorter time-outs, for tests that wait for them."""

    head_within = 0.5
    read_within = 0.5


@pytest.fixture(scope="module")
def protocol() -> type[BoundedProtocol]:
    """Provide that protocol."""
    return Hasty


@pytest.mark.parametrize("begun", [b"G", b"GET / HTTP/1.1", HEAD, HEAD + b"X-A: b"])
def test_headers_that_do_not_end_are_given_up(begun: bytes, port: int) -> None:
    answer = send(port, begun)

    assert answer.statuses == [408]
    assert b"application/problem+json" in answer.data


@pytest.mark.parametrize("begun", [b"", b"\r\n", b"\r\n" * 100])
def test_a_connection_on_which_nothing_comes_is_closed(begun: bytes, port: int) -> None:
    assert send(port, begun) == Raw(b"")


def test_headers_that_trickle_are_given_up_all_the_same(port: int) -> None:
    give_up = time.monotonic() + PATIENCE
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        connection.sendall(HEAD)
        answer = b""
        try:
            while not answer and time.monotonic() < give_up:
                connection.sendall(b"X-A: b\r\n")
                connection.settimeout(0.05)
                try:
                    answer = connection.recv(1000)
                except TimeoutError:
                    continue
        except OSError:
            pass

    assert answer == b"" or answer.startswith(b"HTTP/1.1 408 ")
    assert time.monotonic() < give_up


def test_a_second_request_that_does_not_end_is_given_up_too(port: int) -> None:
    answer = send(port, HEAD + b"\r\n", HEAD)

    assert answer.statuses == [200, 408]


@pytest.mark.parametrize(
    ("asked", "status", "then"),
    [
        (HEAD + b"\r\n", b"200", b"\r\n"),
        (BODY + b"Content-Length: 99999999\r\n\r\n", b"413", b" " * 100),
    ],
)
def test_bytes_after_an_answer_that_are_no_request_do_not_hold_a_connection(
    asked: bytes, status: bytes, then: bytes, port: int
) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        connection.sendall(asked)
        answer = connection.recv(65_536)
        # The end of the answer must be sent before the next answer can begin.
        time.sleep(0.1)
        connection.sendall(then)
        rest = connection.recv(65_536)
        while rest:
            rest = connection.recv(65_536)

    assert answer.startswith(b"HTTP/1.1 " + status)


def test_slow_senders_keep_nobody_waiting(port: int, client: httpx2.Client) -> None:
    # More requests than a process works on, or lets wait.
    slow = [socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) for _ in range(700)]
    try:
        for connection in slow:
            connection.sendall(BODY + b"Content-Length: 20\r\n\r\n{")

        answers = [client.post("/api/tickets", json={}) for _ in range(3)]
        assert [each.status_code for each in answers] == [201] * 3
        for each in answers:
            client.delete(each.headers["Location"])
    finally:
        for connection in slow:
            connection.close()


def test_a_client_that_reads_nothing_of_its_answer_is_disconnected(
    port: int, client: httpx2.Client
) -> None:
    before = sample("answers_cut_off_total")
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(PATIENCE)
        connection.connect(("127.0.0.1", port))
        # Many answers at the same time, and the client reads none.
        ask = threading.Thread(target=_pour, args=(connection,), daemon=True)
        ask.start()
        ask.join(PATIENCE)

    assert not ask.is_alive()
    assert Hasty.read_within < 1
    assert sample("answers_cut_off_total") == before + 1
    assert client.get("/health").status_code == 200


def _pour(connection: socket.socket) -> None:
    """Send requests until the other side closes the connection."""
    try:
        while True:
            connection.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 100)
    except OSError:
        pass
