"""Methods, headers and bytes that no client should send, and the form of every problem."""

import socket

import httpx2
import pytest

from tests.support.problems import is_problem

JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize("method", ["PATCH", "TRACE", "OPTIONS", "PROPFIND"])
def test_a_method_that_a_route_does_not_have_is_refused(method: str, shop: httpx2.Client) -> None:
    answer = shop.request(method, "/api/products/1")

    assert answer.status_code == 405
    assert {"GET", "PUT", "DELETE"} <= set(answer.headers["Allow"].replace(",", " ").split())


@pytest.mark.parametrize("given", ["a", "x" * 128, "6f9619ff-8b86-d011-b42d-00c04fc964ff", "A.b_c"])
def test_a_request_id_is_taken_and_returned(given: str, shop: httpx2.Client) -> None:
    answer = shop.get("/api/products/nope", headers={"X-Request-ID": given})

    assert answer.headers["X-Request-ID"] == answer.json()["requestId"] == given


@pytest.mark.parametrize("given", ["", "x" * 129, "a b", "é", "<b>", '"', "a\tb", "{}"])
def test_an_invalid_request_id_is_replaced(given: str, shop: httpx2.Client) -> None:
    headers = {b"x-request-id": given.encode("latin-1")}

    answer = shop.get("/api/products/nope", headers=headers)

    made = answer.headers["X-Request-ID"]
    assert made != given
    assert len(made) == 32
    assert answer.json()["requestId"] == made


RAW = [
    b"GET /api/products/\xff HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /api/products/\xed\xa0\x80 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /api/products/\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /api/orders HTTP/1.1\r\nHost: x\r\nX-Request-ID: a\rb\r\n\r\n",
    b"GET /api/orders HTTP/1.1\r\nHost: x\r\nX-Request-ID: a\x00b\r\n\r\n",
    b"GET /api/orders HTTP/1.1\r\nHost: x\r\nIdempotency-Key: a\n b\r\n\r\n",
    b"POST /api/orders HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    b"POST /api/orders HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n",
    b"POST /api/orders HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
    b"POST /api/orders HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"FOO /api/orders HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET http://elsewhere/api/orders HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET //api/orders HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET api/orders HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /api/orders?%zz=%&=&&limit HTTP/1.1\r\nHost: x\r\n\r\n",
]


@pytest.mark.parametrize("request_", RAW)
def test_odd_bytes_give_no_500(request_: bytes, shop: httpx2.Client) -> None:
    with socket.create_connection((shop.base_url.host, shop.base_url.port or 0), 10) as raw:
        raw.sendall(request_)
        raw.shutdown(socket.SHUT_WR)
        answer = raw.makefile("rb").read()

    assert answer == b"" or answer.split(b" ")[1][:1] in {b"2", b"4"}
    assert shop.get("/api/orders").status_code == 200


def test_every_type_of_problem_is_explained(shop: httpx2.Client) -> None:
    kinds = shop.get("/api/problems").json()

    for kind in kinds:
        assert shop.get(kind["type"]).json() == kind
        assert len(kind["explanation"]) > 20
    explained = {kind["type"] for kind in kinds}
    seen = [
        shop.get("/api/nowhere"),
        shop.get("/api/products/nope"),
        shop.patch("/api/products/nope"),
        shop.get("/api/orders?limit=0"),
        shop.post("/api/orders", content=b"{"),
        shop.post("/api/orders", content=b"{", headers=JSON),
        shop.post("/api/orders", content=b" " * 2**21, headers=JSON),
        shop.post("/api/orders", json={"productId": "nope", "quantity": 1}),
        shop.post("/api/orders", json={"productId": "1", "quantity": 1, "total": 1}),
    ]
    assert {is_problem(one, one.status_code)["type"] for one in seen} <= explained
