"""Trailers and chunk extensions count with the head, and never become headers (RFC 9110, 6.5.1)."""

import pytest

from cloudmart.server.head import LARGEST_HEAD
from tests.support.echo_app import Echo
from tests.support.raw_http import send

HEAD = b"POST %b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n%b\r\n"
LAST = b"GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
NAMES = [b"X-Forwarded-For", b"Authorization", b"Content-Type", b"Content-Length", b"Host", b"X-A"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("path", [b"/first", b"/unread", b"/slow"])
def test_a_trailer_is_not_a_header(name: bytes, path: bytes, port: int) -> None:
    trailer = name + b": 5\r\n"

    raw = send(port, HEAD % (path, b"") + b"5\r\nhello\r\n0\r\n" + trailer * 3 + b"\r\n" + LAST)

    first, last = raw.answers
    assert first.json()["names"] == ["host", "transfer-encoding"]
    assert first.json()["body"] == ("" if path == b"/unread" else "hello")
    assert last.json()["names"] == ["host", "connection"]


@pytest.mark.parametrize(
    "behind",
    [
        b"0\r\n" + b"X-A: b\r\n" * (LARGEST_HEAD // 8),
        b"0\r\nX-A: " + b"a" * LARGEST_HEAD,
        b"0\r\n" + b"a:\r\n" * LARGEST_HEAD,
        b"1;a=" + b"b" * LARGEST_HEAD + b"\r\na\r\n0\r\n\r\n",
        b"1;%b\r\na\r\n" % (b"a=b;" * 100 + b"a") * 200,
    ],
)
def test_what_is_beside_a_body_is_counted_with_the_head(behind: bytes, port: int) -> None:
    raw = send(port, HEAD % (b"/first", b""), behind)

    assert raw.statuses == [431]


@pytest.mark.parametrize("path", [b"/first", b"/unread"])
def test_chunks_that_hold_next_to_nothing_are_counted(path: bytes, port: int) -> None:
    few, many = b"1\r\na\r\n" * 250, b"1\r\na\r\n" * 14_000
    few *= 1 if path == b"/unread" else 40

    answered = send(port, HEAD % (path, b"") + few + b"0\r\n\r\n" + LAST)
    refused = send(port, HEAD % (path, b"") + many + b"0\r\n\r\n" + LAST)

    assert answered.statuses == [200, 200]
    # An answer that has begun is the last one of its connection.
    assert refused.statuses == ([200] if path == b"/unread" else [431])


def test_small_trailers_are_read_to_their_end(port: int) -> None:
    trailers = b"0\r\n" + b"a:\r\n" * 2_000 + b"\r\n"

    raw = send(port, HEAD % (b"/first", b"") + trailers + LAST)

    assert raw.statuses == [200, 200]


def test_chunks_of_a_usual_size_do_not_count(port: int) -> None:
    chunks = b"40\r\n" + b"a" * 64 + b"\r\n"

    raw = send(port, HEAD % (b"/first", b"") + chunks * 20_000 + b"0\r\n\r\n" + LAST)

    assert raw.statuses == [200, 200]


def test_a_large_head_leaves_less_room_for_trailers(port: int) -> None:
    trailers = b"0\r\n" + b"X-A: b\r\n" * (LARGEST_HEAD // 16) + b"\r\n"
    large = b"X-B: " + b"b" * (LARGEST_HEAD // 2) + b"\r\n"

    small = send(port, HEAD % (b"/first", b"") + trailers + LAST)
    full = send(port, HEAD % (b"/first", large) + trailers + LAST)

    assert (small.statuses, full.statuses) == ([200, 200], [431])


@pytest.mark.parametrize(
    "endless",
    [b"0\r\n" + b"X-A: b\r\n" * 100_000, b"1\r\na\r\n" * 1_000_000, b"1;a=b\r\na\r\n" * 99999],
)
def test_a_body_that_its_route_ignores_is_not_read_to_its_end(endless: bytes, port: int) -> None:
    raw = send(port, HEAD % (b"/unread", b""), endless, LAST)

    # The answer comes before the end of the request, and is the last one of the connection.
    assert raw.statuses == [200]


def test_trailers_of_a_request_that_is_refused_by_the_application_are_left_out(port: int) -> None:
    behind = b"5\r\nhello\r\n0\r\nAuthorization: x\r\n\r\n"

    raw = send(port, HEAD % (b"/unread", b""), behind, LAST, pause=0.05)

    assert [each.json()["path"] for each in raw.answers] == ["/unread", "/last"]


@pytest.mark.parametrize(
    "behind",
    [
        *(
            b"-1\r\na\r\n",
            b"+1\r\na\r\n",
            b" 1\r\na\r\n",
            b"1 \r\na\r\n",
            b"0x1\r\na\r\n",
            b"g\r\n",
        ),
        *(b"\r\n", b"1\r\nab\r\n", b"1\r\na\n0\r\n\r\n", b"1\na\r\n0\r\n\r\n", b"1\r\na0\r\n\r\n"),
        *(b"10000000000000000\r\n", b"fffffffffffffffff\r\n", b"1;\n\r\na\r\n", b"1; a\r\na\r\n"),
        *(
            b'1;a="\n"\r\na\r\n',
            b"1;=b\r\na\r\n",
            b";a\r\n",
            b"0\r\nX-A\r\n\r\n",
            b"0\r\n X: a\r\n\r\n",
        ),
        *(b"0\r\nX-A : b\r\n\r\n", b"0\r\nX-A: \x00\r\n\r\n", b"0\r\nX-A: b\nX-B: c\r\n\r\n"),
        *(b"0\r\nX-A: b\r\n c\r\n\r\n", b"0\r\nX-A: b\r\r\n\r\n", b"0\r\n: b\r\n\r\n", b"0\n\n"),
    ],
)
@pytest.mark.parametrize("pause", [0, 0.02])
def test_a_broken_chunk_is_a_bad_request(
    behind: bytes, pause: float, port: int, echo: Echo
) -> None:
    echo.asked.clear()

    raw = send(port, HEAD % (b"/first", b""), b"1\r\na\r\n", behind + LAST, pause=pause)

    # There is one refusal, and the rest of the bytes is not read as a request.
    assert raw.statuses == [400]
    assert echo.asked == ["/first"]


def test_a_broken_chunk_does_not_break_an_answer_that_has_begun(port: int) -> None:
    raw = send(port, HEAD % (b"/unread", b""), b"nonsense\r\n" + LAST, pause=0.05)

    assert raw.statuses == [200]
    assert raw.answers[0].json()["path"] == "/unread"
