"""Several requests on one connection, and clients that close their sending side."""

import socket
import struct
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from cloudmart.server.scheduling import READ_AHEAD
from tests.server.conftest import Impatient
from tests.support.echo_app import Echo, echoing
from tests.support.raw_http import PATIENCE, send, until

GET = b"GET %b HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST %b HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"
CROWD = 40
LAST = b"GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


@pytest.fixture
def late() -> Iterator[tuple[Echo, int]]:
    """Provide an application that answers when a test lets it, and the port of its server."""
    echo = Echo()
    with echoing(echo, Impatient) as port:
        yield echo, port
        echo.let.set()


def test_a_body_and_the_beginning_of_the_next_head_in_one_segment(port: int) -> None:
    raw = send(port, POST % b"/first" + LAST[:20], LAST[20:], pause=0.1)

    assert [each.json()["path"] for each in raw.answers] == ["/first", "/last"]


def test_the_first_is_answered_before_the_next_head_is_there(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        connection.sendall(POST % b"/first" + b"GET /second HT")

        assert connection.recv(65_536).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("pause", [0, 0.01])
def test_pipelined_requests_are_answered_in_their_order(pause: float, port: int) -> None:
    paths = [b"/slow", b"/unread", b"/1", b"/2", b"/slow2", b"/3"]

    raw = send(port, *(POST % path for path in paths), LAST, pause=pause)

    answered = [each.json()["path"].encode() for each in raw.answers]
    assert answered == [*paths, b"/last"]


@pytest.mark.parametrize("size", [16_000, 20_000, 40_000, 100_000, 200_000])
@pytest.mark.parametrize("path", [b"/unread", b"/1", b"/slow"])
@pytest.mark.parametrize("pause", [0, 0.01])
def test_requests_behind_a_body_that_is_read_in_parts_are_answered(
    path: bytes, size: int, pause: float, port: int
) -> None:
    head = b"POST %b HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (path, size)

    raw = send(port, head + b"a" * size + GET % b"/2", GET % b"/3", LAST, pause=pause)

    assert [each.json()["path"] for each in raw.answers] == [path.decode(), "/2", "/3", "/last"]


def test_a_broken_request_behind_others_is_refused_in_its_turn(port: int) -> None:
    raw = send(port, GET % b"/slow" + b"nonsense\r\n\r\n" + LAST)

    assert raw.statuses == [200, 400]


def test_requests_behind_a_slow_one_stay_in_the_kernel(late: tuple[Echo, int]) -> None:
    echo, port = late
    with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
        # Until the buffers of both kernels are full.
        connection.sendall(GET % b"/late")
        until(lambda: bool(echo.asked))
        sent = 0
        try:
            while sent < 64 * 1024**2:
                sent += connection.send(GET % b"/next" * 1000)
        except TimeoutError:
            pass

        assert echo.asked == ["/late"]
        assert sent < 64 * 1024**2
        echo.let.set()
        connection.settimeout(PATIENCE)
        answers = b""
        while answers.count(b'"/next"') < 1000 and (piece := connection.recv(65_536)):
            answers += piece

    assert answers.count(b'"/next"') >= 1000


def test_whoever_asks_one_thing_does_not_wait_behind_all_that_others_sent_ahead(
    port: int, echo: Echo
) -> None:
    before = len(echo.asked)
    with ExitStack() as stack:
        one, *crowd = [stack.enter_context(_connected(port)) for _ in range(1 + CROWD)]
        for each in crowd:
            each.sendall(GET % b"/busy" * 100)
        until(lambda: len(echo.asked) > before)

        answered_first = []
        for number in range(20):
            before = len(echo.asked)
            one.sendall(GET % b"/one-%d" % number)
            one.recv(65_536)
            answered_first.append(echo.asked[before:].index(f"/one-{number}"))

    # With turns it is two or three, or more if this thread had to wait, too. If each of the others
    # always had a running request, it would be at least all of them.
    assert min(answered_first) < CROWD / 2


def _connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)


def test_no_more_of_a_body_is_kept_than_is_read_ahead(late: tuple[Echo, int]) -> None:
    _, port = late
    with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        connection.sendall(
            b"POST /unread-late HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n"
        )

        answer = connection.recv(65_536)

    # The body is too long to be read only to keep the connection.
    assert b"connection: close" in answer
    assert READ_AHEAD == 16 * 1024


def test_a_client_that_closes_leaves_no_one_behind(late: tuple[Echo, int]) -> None:
    echo, port = late
    for _ in range(20):
        connection = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        connection.sendall(GET % b"/late" + GET % b"/next" * 1000)
        # With a reset, because nobody is left to answer.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
    echo.let.set()

    assert send(port, LAST).statuses == [200]
    # The server notices when it writes the first answers.
    assert echo.asked.count("/next") < 100


@pytest.mark.parametrize("asked", [GET % b"/slow", POST % b"/slow", POST % b"/1" + GET % b"/slow"])
def test_a_client_that_half_closes_is_answered(asked: bytes, port: int) -> None:
    raw = send(port, asked, half_close=True)

    assert raw.statuses == [200] * asked.count(b"HTTP/1.1")


def test_what_was_pipelined_before_a_half_close_is_answered(port: int) -> None:
    raw = send(
        port, GET % b"/slow" + b"".join(GET % b"/%d" % n for n in range(50)), half_close=True
    )

    assert [each.json()["path"] for each in raw.answers] == ["/slow", *(f"/{n}" for n in range(50))]


@pytest.mark.parametrize(
    "asked",
    [
        *(b"GET", b"GET / HTTP/1.1\r\nHost: x\r\n", POST[:-1] % b"/1"),
        *(
            b"POST /1 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + end
            for end in (b"", b"5\r\nhel", b"5\r\nhello\r\n0\r\n", b"0\r\nX-A: b\r\n")
        ),
    ],
)
def test_a_request_that_ends_in_the_middle_is_a_bad_one(asked: bytes, port: int) -> None:
    raw = send(port, asked, half_close=True)

    # Without the client's half-close, which says so, it would be a 408.
    assert raw.statuses == [400]


@pytest.mark.parametrize("asked", [b"", b"\r\n", GET % b"/1" + b"\r\n"])
def test_a_client_that_closed_its_side_is_disconnected(asked: bytes, port: int) -> None:
    raw = send(port, asked, half_close=True)

    assert raw.statuses == [200] * asked.count(b"HTTP/1.1")


def test_a_client_of_http_1_0_is_answered_once(port: int) -> None:
    head = b"GET /1 HTTP/1.0\r\nConnection: keep-alive\r\nUpgrade: h2c\r\n\r\n"

    raw = send(port, head + LAST)

    assert [each.json()["path"] for each in raw.answers] == ["/1"]
    assert raw.answers[0].headers["connection"] == "close"


@pytest.mark.parametrize("method", [b"POST", b"PUT", b"GET"])
@pytest.mark.parametrize("upgrade", [b"", b"Connection: Upgrade\r\nUpgrade: h2c\r\n"])
def test_a_client_that_waits_for_100_gets_it(method: bytes, upgrade: bytes, port: int) -> None:
    head = b" /1 HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n"

    raw = send(port, method + head + upgrade + b"\r\n", b"hello" + LAST, pause=0.1)

    assert raw.statuses == [100, 200, 200]
    assert raw.answers[0].json()["body"] == "hello"


def test_a_client_that_waits_for_100_and_is_refused_starts_again(port: int) -> None:
    head = b"POST /unread HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 99\r\n\r\n"

    raw = send(port, head, LAST, pause=0.1)

    # The client decides whether the body follows, so later bytes are ambiguous.
    assert raw.statuses == [200]
    assert raw.answers[0].headers["connection"] == "close"


def test_empty_lines_before_a_request_are_passed_over(port: int) -> None:
    raw = send(port, b"\r\n\r\n" + POST % b"/1" + b"\r\n\r\n", b"\n" + LAST, pause=0.05)

    assert raw.statuses == [200, 200]


@pytest.mark.parametrize("apart", [False, True])
def test_a_request_behind_an_answer_that_is_not_read_is_not_worked_on(apart: bool) -> None:  # noqa: FBT001 - a parameter
    echo = Echo()
    first, second = GET % b"/large", GET % b"/next" + LAST
    with (
        echoing(echo) as port,
        socket.create_connection(("127.0.0.1", port), timeout=30) as connection,
    ):
        connection.sendall(first if apart else first + second)
        connection.recv(100)
        if apart:
            connection.sendall(second)
        time.sleep(0.3)
        asked = [*echo.asked]
        while connection.recv(1024**2):
            pass

        assert asked == ["/large"]
        assert echo.asked == ["/large", "/next", "/last"]
