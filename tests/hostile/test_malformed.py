"""Requests that are too large, or that can be read in two ways."""

import json

import httpx2
import pytest

from cloudmart.server.head import LARGEST_HEAD
from tests.support.problems import is_problem
from tests.support.raw_http import send

END = b"Connection: close\r\n\r\n"
JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nX-A: " + b"a" * LARGEST_HEAD * 8,
        b"GET / HTTP/1.1\r\n" + b"X-A: b\r\n" * LARGEST_HEAD,
        b"GET /" + b"a" * LARGEST_HEAD * 8,
        b"GET /?" + b"a=b&" * LARGEST_HEAD,
    ],
)
def test_headers_without_an_end_are_too_large(head: bytes, port: int) -> None:
    answer = send(port, head)

    # If the connection closes while the client still sends, the answer may be lost.
    assert answer.statuses in ([414], [431], [])
    assert len(answer.data) < 1000


@pytest.mark.parametrize(
    "request_",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\nX-A: b\nX-Evil: 1\n\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX-A: b\r\r\nX-Evil: 1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n X-Folded: 1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX-A : b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX-A: \x00\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX\x00-A: b\r\n\r\n",
        b"GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 9\r\n\r\na",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0x1\r\n\r\na",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +1\r\n\r\na",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1;\n\r\na\r\n0\r\n\r\n",
    ],
)
def test_an_ambiguous_request_is_refused(request_: bytes, port: int) -> None:
    follows = b"GET /api/orders HTTP/1.1\r\nHost: x\r\n" + END

    answer = send(port, request_ + follows)

    # There is one refusal, and the rest of the bytes is not read as a request.
    assert len(answer.statuses) <= 1
    assert set(answer.statuses) <= {400, 404, 405, 408}
    assert b"X-Evil" not in answer.data


@pytest.mark.parametrize("header", ["X-Request-ID", "Idempotency-Key", "Origin", "Accept", "Host"])
@pytest.mark.parametrize(
    "value", ["a%0d%0aX-Evil:%201", "a\\r\\nX-Evil: 1", "a\u010d\u010aX-Evil: 1"]
)
def test_no_value_of_a_header_ends_a_line_of_the_answer(header: str, value: str, port: int) -> None:
    line = f"{header}: {value}\r\n".encode()

    answer = send(port, b"GET /api/products HTTP/1.1\r\nHost: x\r\n" + line + END)

    assert len(answer.statuses) == 1
    assert b"\nX-Evil" not in answer.data
    assert b"\nx-evil" not in answer.data


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
        b"[" * 200_000,
        b'{"subject": ' + b"[" * 30_000 + b"]" * 30_000 + b"}",
        b'{"subject": "' + b"\\u0000" * 1000 + b'"}',
        b'{"subject": ' + b"9" * 100_000 + b"}",
    ],
)
def test_deep_and_long_json_is_refused(body: bytes, client: httpx2.Client) -> None:
    answer = client.post("/api/tickets", content=body, headers=JSON)

    is_problem(answer, 400, 422)


def test_of_equal_keys_one_counts_for_the_check_and_for_what_is_done(
    client: httpx2.Client,
) -> None:
    body = b'{"productId": "1", "quantity": 1, "price": 0.01, "price": 19.99, "quantity": 2}'
    other = b'{"productId": "1", "quantity": 1, "price": 19.99, "price": 0.01}'

    placed = client.post("/api/orders", content=body, headers=JSON)
    refused = client.post("/api/orders", content=other, headers=JSON)

    assert (placed.status_code, refused.status_code) == (201, 409)
    assert placed.json()["total"] == 39.98
    assert client.get(placed.headers["Location"]).json()["items"][0]["quantity"] == 2
    client.delete(placed.headers["Location"])


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "gzip, gzip", "identity, gzip"])
def test_a_compressed_body_is_not_opened(encoding: str, client: httpx2.Client) -> None:
    bomb = bytes.fromhex("1f8b0800000000000003") + b"\x00" * 1000

    answer = client.post(
        "/api/tickets", content=bomb, headers=JSON | {"Content-Encoding": encoding}
    )

    is_problem(answer, 415)


def test_a_number_that_the_catalogue_cannot_hold_is_not_a_price(client: httpx2.Client) -> None:
    for price in ("1e400", "-1", "0.001", '"1e9"', "true"):
        body = json.loads('{"name": "x", "description": "", "image": ""}')
        text = json.dumps(body)[:-1] + f', "price": {price}}}'
        is_problem(client.post("/api/products", content=text, headers=JSON), 400, 422)
