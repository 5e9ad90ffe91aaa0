"""The shop's own answers, with more requests on the same connection."""

import httpx2
import pytest

from tests.support.raw_http import send

LAST = b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
CHUNKED = b"Host: x\r\nTransfer-Encoding: chunked\r\n"
JSON = b"Content-Type: application/json\r\n"
TRAILED = b"\r\n2\r\n{}\r\n0\r\nContent-Type: application/json\r\nAuthorization: Basic YTpi\r\n\r\n"


@pytest.fixture
def port(shop: httpx2.Client) -> int:
    """Provide the shop's port."""
    assert shop.base_url.port
    return shop.base_url.port


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"POST /nowhere HTTP/1.1\r\n" + CHUNKED + JSON, 404),
        (b"POST /livez HTTP/1.1\r\n" + CHUNKED + JSON, 405),
        (b"POST /api/orders HTTP/1.1\r\n" + CHUNKED + JSON, 422),
        # The trailer says that the body is JSON. It must not count.
        (b"POST /api/tickets HTTP/1.1\r\n" + CHUNKED + b"Content-Type: text/plain\r\n", 415),
        (b"GET /livez HTTP/1.1\r\n" + CHUNKED, 200),
        (b"GET /health HTTP/1.1\r\n" + CHUNKED, 200),
        (b"DELETE /api/products/nope HTTP/1.1\r\n" + CHUNKED, 404),
    ],
)
@pytest.mark.parametrize("pause", [0, 0.05])
def test_a_request_behind_one_that_is_refused_early_is_answered(
    request_: bytes, status: int, pause: float, port: int
) -> None:
    raw = send(port, request_, TRAILED[:9], TRAILED[9:] + LAST, pause=pause)

    assert raw.statuses == [status, 200]


@pytest.mark.parametrize("pause", [0, 0.05])
def test_a_request_behind_a_streamed_answer_is_answered(pause: float, port: int) -> None:
    lists = [b"GET /api/products HTTP/1.1\r\nHost: x\r\n\r\n"] * 3

    raw = send(port, *lists, LAST, pause=pause)

    assert raw.statuses == [200] * 4
    assert raw.data.count(b"Desk lamp") == 3


@pytest.mark.parametrize("size", [1024**2 + 1, 9 * 1024**2])
@pytest.mark.parametrize("path", [b"/api/tickets", b"/api/orders"])
@pytest.mark.parametrize("chunked", [True, False])
def test_a_body_that_is_too_large_does_not_cost_its_client_the_answer(
    *, size: int, path: bytes, chunked: bool, port: int
) -> None:
    body = b" " * size
    framing = b"Content-Length: %d\r\n" % size
    if chunked:
        framing, body = b"Transfer-Encoding: chunked\r\n", b"%x\r\n%b\r\n0\r\n\r\n" % (size, body)

    head = b"POST %b HTTP/1.1\r\nHost: x\r\n" % path + JSON + framing + b"\r\n"
    raw = send(port, head, body, LAST)

    # The rest of a body of unknown length may be short enough to be read.
    assert raw.statuses in ([413], [413, 200])


def test_a_client_of_http_1_0_gets_a_list_that_ends_with_its_connection(port: int) -> None:
    head = b"GET /api/products HTTP/1.0\r\nExpect: 100-continue\r\nConnection: keep-alive\r\n\r\n"

    raw = send(port, head)

    assert raw.statuses == [200]
    assert b"transfer-encoding" not in raw.data.lower()
    assert raw.data.rstrip().endswith(b"]")
