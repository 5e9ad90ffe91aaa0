"""First lines and headers that the server refuses."""

import pytest

from cloudmart.server.head import LARGEST_ACCEPT, LARGEST_HEAD, LARGEST_LINE, MOST_HEADERS
from tests.support.echo_app import Echo
from tests.support.raw_http import send

HEAD = b"GET /first HTTP/1.1\r\nHost: x\r\n"
LAST = b"GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
LINE = b"GET /%b HTTP/1.1\r\n"
AROUND = len(LINE % b"") - 2


@pytest.mark.parametrize(
    "accept",
    [
        b"Accept: " + b"," * (LARGEST_ACCEPT + 1) + b"\r\n",
        b"Accept: " + b"," * 60_000 + b"\r\n",
        b"Accept: text/html\r\n" + (b"accept: %b\r\n" % (b"," * 4096)) * 2,
    ],
)
def test_an_accept_that_is_long_to_look_through_is_too_large(accept: bytes, port: int) -> None:
    assert send(port, HEAD + accept + b"\r\n" + LAST).statuses == [431]


def test_an_accept_of_the_largest_size_is_read(port: int) -> None:
    accept = b"Accept: " + b"," * LARGEST_ACCEPT + b"\r\n\r\n"

    assert send(port, HEAD + accept + LAST).statuses == [200, 200]


@pytest.mark.parametrize("pause", [0, 0.01])
@pytest.mark.parametrize(
    "start", [b"GET /", b"GET /docs/assets/", b"GET /?a=b&", b"POST http://x/"]
)
@pytest.mark.parametrize("length", [LARGEST_LINE + 1, 60_000])
def test_a_first_line_that_is_too_long_gets_414(
    start: bytes, length: int, pause: float, port: int
) -> None:
    rest = b" HTTP/1.1"
    line = start + b"a" * (length - len(start) - len(rest)) + rest

    raw = send(port, line[:5000], line[5000:] + b"\r\nHost: x\r\n\r\n" + LAST, pause=pause)

    assert raw.statuses == [414]


@pytest.mark.parametrize("pause", [0, 0.01])
def test_a_first_line_of_the_largest_size_is_read(pause: float, port: int) -> None:
    line = LINE % (b"a" * (LARGEST_LINE - AROUND))

    raw = send(port, line[:5000], line[5000:-1], b"\nHost: x\r\n\r\n" + LAST, pause=pause)

    assert raw.statuses == [200, 200]


def test_a_first_line_without_an_end_is_reported(port: int) -> None:
    assert send(port, b"GET /" + b"a" * LARGEST_LINE).statuses == [414]


@pytest.mark.parametrize(
    "headers",
    [
        b"X-A: " + b"a" * LARGEST_HEAD + b"\r\n",
        b"X-A: b\r\n" * (LARGEST_HEAD // 8),
        b"a:\r\n" * (MOST_HEADERS + 1),
    ],
)
@pytest.mark.parametrize("end", [b"", b"\r\n"])
def test_headers_that_are_too_many_or_too_large_get_431(
    headers: bytes, end: bytes, port: int
) -> None:
    assert send(port, HEAD + headers + end).statuses == [431]


def test_as_many_headers_as_there_may_be_are_read(port: int) -> None:
    raw = send(port, HEAD + b"a:\r\n" * (MOST_HEADERS - 1) + b"\r\n" + LAST)

    assert raw.statuses == [200, 200]


@pytest.mark.parametrize(
    "request_",
    [
        *(b"Transfer-Encoding: %b\r\n\r\n0\r\n\r\n" % coding
          for coding in (b"xchunked", b"chunked, identity", b"gzip, chunked", b"chunkedx", b"gzip",
                         b"chunked\r\nTransfer-Encoding: chunked", b"identity", b"chunked,", b"",
                         b"chunked;q=1", b"chunked\r\nContent-Length: 5")),
        *(b"Content-Length: %b\r\n\r\nhello" % length
          for length in (b"-5", b"+5", b"0x5", b"5,5", b"5 5", b"", b"5.0", b"9" * 20, b"\xb2",
                         b"5\r\nContent-Length: 5", b"5\r\nContent-Length: 6")),
        *(b"Host: y\r\n\r\n", b"X-A: b\r\n c\r\n\r\n", b"X-A: b\n\n", b"X-A: \x00\r\n\r\n"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("connection", [b"", b"Connection: Upgrade\r\nUpgrade: h2c\r\n"])
def test_what_could_be_read_in_two_ways_is_refused_and_ends_the_connection(
    request_: bytes, connection: bytes, port: int, echo: Echo
) -> None:
    echo.asked.clear()

    raw = send(port, b"POST /first HTTP/1.1\r\nHost: x\r\n" + connection + request_ + LAST)

    assert raw.statuses == [400]
    assert echo.asked == []


@pytest.mark.parametrize(
    ("line", "status"),
    [
        (b"GET / HTTP/9.9", 400),
        (b"GET / HTTP/2.0", 400),
        (b"GET / HTTP/0.9", 400),
        (b"GET /", 400),
        (b"SOURCE / ICE/1.0", 400),
        (b"DESCRIBE /x RTSP/1.0", 400),
        (b"PRI * HTTP/2.0", 400),
        (b"FOO / HTTP/1.1", 400),
        (b"GET x HTTP/1.1", 400),
        (b"CONNECT x:443 HTTP/1.1", 501),
    ],
)
def test_other_protocols_are_refused(line: bytes, status: int, port: int) -> None:
    raw = send(port, line + b"\r\nHost: x\r\n\r\n" + LAST)

    assert raw.statuses == [status]


@pytest.mark.parametrize("begun", [b"\x16\x03\x01\x02", b"GET / HTTP/1.1\nHost: x\n", b"GET\0"])
def test_bytes_that_are_not_http_are_refused_before_they_end(begun: bytes, port: int) -> None:
    assert send(port, begun).statuses == [400]


def test_a_client_that_waits_for_100_may_say_so_in_a_list(port: int) -> None:
    expects = b"Content-Length: 5\r\nExpect: 100-Continue, other\r\n\r\n"

    (answer,) = send(port, b"POST /unread HTTP/1.1\r\nHost: x\r\n" + expects).answers

    # It is unclear whether the body will follow.
    assert answer.headers["connection"] == "close"
