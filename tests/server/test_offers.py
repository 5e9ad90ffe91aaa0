"""Offers of another protocol, which the server ignores (RFC 9110, 7.8)."""

import json
import shutil
import subprocess
from pathlib import Path

import httpx2
import pytest

from tests.support.raw_http import send

OFFERS = ["h2c", "websocket", "TLS/1.0", "HTTP/2.0, SHTTP/1.3, IRC/6.9, RTA/x11", "foo/2", ""]
ORDER = b'{"productId": "1", "quantity": 1}'
CHUNKED = b"%x\r\n%b\r\n0\r\n\r\n" % (len(ORDER), ORDER)
HEAD = "POST {} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
LAST = b"GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
JAVA = Path(__file__).with_name("PlaceOrder.java")


def _offer(path: str, offer: str, framing: str) -> bytes:
    lines = (
        f"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: {offer}\r\nHTTP2-Settings: AAEAAEAA\r\n"
    )
    return f"{HEAD.format(path)}{lines}{framing}\r\n\r\n".encode()


@pytest.mark.parametrize("offer", OFFERS)
@pytest.mark.parametrize(
    ("framing", "body"),
    [(f"Content-Length: {len(ORDER)}", ORDER), ("Transfer-Encoding: chunked", CHUNKED)],
)
@pytest.mark.parametrize("pause", [0, 0.05])
def test_a_body_behind_an_offer_is_that_requests_body(
    offer: str, framing: str, body: bytes, pause: float, port: int
) -> None:
    raw = send(port, _offer("/first", offer, framing), body, LAST, pause=pause)

    assert [(each.status, each.json()["path"]) for each in raw.answers] == [
        (200, "/first"),
        (200, "/last"),
    ]
    assert raw.answers[0].json()["body"] == ORDER.decode()


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH"])
@pytest.mark.parametrize(
    "lines", ["Connection: Upgrade\r\nUpgrade: h2c\r\n", "Connection: upgrade\r\n"]
)
@pytest.mark.parametrize("body", [b"", b"hello"])
def test_every_method_may_make_an_offer(method: str, lines: str, body: bytes, port: int) -> None:
    head = f"{method} /first HTTP/1.1\r\nHost: x\r\n{lines}Content-Length: {len(body)}\r\n\r\n"

    raw = send(port, head.encode(), body, LAST, pause=0.01)

    # An answer to HEAD names a length and has no body.
    assert raw.statuses == [200, 200]
    assert raw.data.count(b'"path"') == (1 if method == "HEAD" else 2)
    assert raw.data.endswith(b"]}") or b'"/last"' in raw.data


def test_an_unfinished_body_behind_an_offer_takes_nothing_of_the_next_request(port: int) -> None:
    head = _offer("/first", "h2c", "Content-Length: 20")

    raw = send(port, head, b"0123456789", b"abcdefghij" + LAST, pause=0.05)

    assert [each.json()["path"] for each in raw.answers] == ["/first", "/last"]
    assert raw.answers[0].json()["body"] == "0123456789abcdefghij"


@pytest.mark.parametrize("offer", OFFERS)
@pytest.mark.parametrize("pause", [0, 0.05])
def test_an_order_with_an_offer_is_placed(offer: str, pause: float, shop: httpx2.Client) -> None:
    port = shop.base_url.port
    assert port
    framing = f"Content-Length: {len(ORDER)}\r\nConnection: close, Upgrade"

    raw = send(port, _offer("/api/orders", offer, framing), ORDER, pause=pause)

    assert raw.statuses == [201]


@pytest.mark.skipif(not shutil.which("java"), reason="needs Java, 11 or newer")
def test_javas_own_client_places_orders_as_it_comes(shop: httpx2.Client) -> None:
    ran = subprocess.run(  # noqa: S603 - our own program
        [shutil.which("java") or "", str(JAVA), f"{shop.base_url}/api/orders", ORDER.decode()],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert ran.stdout.split() == ["201"] * 6, ran.stderr


@pytest.mark.skipif(not shutil.which("curl"), reason="needs curl")
@pytest.mark.parametrize(
    "more", [(), ("-H", "Transfer-Encoding: chunked"), ("-H", "Expect: 100-continue")]
)
def test_curl_places_orders_whatever_protocol_it_prefers(
    more: tuple[str, ...], shop: httpx2.Client
) -> None:
    url = f"{shop.base_url}/api/orders"
    asked = ["--http2", "--silent", "--max-time", "30", "--json", ORDER.decode(), *more]

    # Twice over one connection.
    ran = subprocess.run(  # noqa: S603 - our own program
        [shutil.which("curl") or "", *asked, url, url], capture_output=True, check=False, timeout=60
    )

    placed = [json.loads(each) for each in ran.stdout.replace(b"}{", b"}\n{").splitlines()]
    assert [each["status"] for each in placed] == ["Pending"] * 2
    assert len({each["id"] for each in placed}) == 2
