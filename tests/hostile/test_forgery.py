"""Headers, cursors, keys and paths that claim to be something else."""

import base64
import json
from itertools import pairwise
from urllib.parse import quote

import httpx2
import pytest

from tests.support.problems import is_problem
from tests.support.raw_http import send

EMAIL = "/api/orders/user?email=ann@example.org"
ORDER = {"productId": "1", "quantity": 1}


def _cursor(*parts: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-For": "{}.0.113.9, 198.51.100.7"},
        {"X-Forwarded-For": "127.0.0.{}, 198.51.100.8"},
        {"X-Forwarded-For": "198.51.100.9", "X-Real-IP": "203.0.113.{}"},
        {"X-Forwarded-For": "198.51.100.10", "Forwarded": "for=203.0.113.{}"},
        {"X-Forwarded-For": "198.51.100.11", "True-Client-IP": "203.0.113.{}"},
        {"X-Forwarded-For": "198.51.100.12", "CF-Connecting-IP": "203.0.113.{}"},
        {"X-Forwarded-For": "198.51.100.13", "X-Forwarded-Host": "evil{}.example"},
        {"X-Forwarded-For": "2001:db8:0:1::{}"},
        {"X-Forwarded-For": "::ffff:198.51.100.14", "X-Client-IP": "203.0.113.{}"},
        {"X-Forwarded-For": "'{}' OR 1=1, 198.51.100.15"},
    ],
)
def test_nobody_gets_more_by_taking_another_address(
    headers: dict[str, str], client: httpx2.Client
) -> None:
    codes = [
        client.get(
            EMAIL, headers={name: value.format(number) for name, value in headers.items()}
        ).status_code
        for number in range(1, 7)
    ]

    assert codes == [200] * 3 + [429] * 3


def test_nobody_gets_more_by_spelling_a_path_differently(client: httpx2.Client, port: int) -> None:
    headers = {"X-Forwarded-For": "198.51.100.77"}
    for _ in range(3):
        client.get(EMAIL, headers=headers)

    for path in (
        "/api/orders/%75ser",
        "/api/orders/user%0A",
        "/api/%6frders/user",
        "/api/orders/user?",
    ):
        query = "&email=a@b.org" if "?" in path else "?email=a@b.org"
        asked = f"GET {path}{query} HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 198.51.100.77\r\n"
        assert send(port, f"{asked}Connection: close\r\n\r\n".encode()).statuses == [429]


@pytest.mark.parametrize(
    "cursor",
    [
        *(_cursor("1", "tickets", "a"), _cursor("2", "orders", "a"), _cursor("1", "orders")),
        *(
            _cursor("1", "orders", ""),
            _cursor("1", "orders", {"S": "a"}),
            _cursor("1", "orders", 1),
        ),
        *(
            _cursor("1", "orders", "a" * 3000),
            _cursor("1", "orders", "a\0"),
            _cursor("1", "orders", None),
        ),
        *("a", "====", "..", "%00", "null", "1", "' OR 1=1", "[" * 2500, _cursor(*["x"] * 100)),
        base64.urlsafe_b64encode(b"[" * 3000).decode(),
    ],
)
def test_a_cursor_that_is_not_of_its_list_is_refused(cursor: str, client: httpx2.Client) -> None:
    answer = client.get(f"/api/orders?limit=1&cursor={quote(cursor)}")

    assert "cursor" in is_problem(answer, 422)["error"]


def test_a_forged_cursor_shows_nothing_but_a_part_of_its_own_list(client: httpx2.Client) -> None:
    shown = client.get(f"/api/products?limit=9&cursor={_cursor('1', 'products', 'nobody')}")

    whole = client.get("/api/products").json()
    assert shown.status_code in {200, 422}
    assert shown.status_code == 422 or all(each in whole for each in shown.json())


def test_anothers_idempotency_key_shows_nothing_of_their_order(client: httpx2.Client) -> None:
    key = {"Idempotency-Key": "a8098c1a-f86e-11da-bd1a-00112444be1e"}
    theirs = client.post("/api/orders", json=ORDER | {"userEmail": "ann@example.org"}, headers=key)

    forged = client.post("/api/orders", json=ORDER, headers=key)

    problem = is_problem(forged, 422)
    assert problem["type"] == "/api/problems/idempotency-key-reused"
    assert "ann@example.org" not in forged.text
    assert theirs.json()["id"] not in forged.text
    client.delete(theirs.headers["Location"])


@pytest.mark.parametrize("key", ["", "\u00e4", "a" * 256, "a\tb" * 100])
def test_an_invalid_key_makes_no_order(key: str, client: httpx2.Client) -> None:
    headers = {b"idempotency-key": key.encode("latin-1")}

    answer = client.post("/api/orders", json=ORDER, headers=headers)

    is_problem(answer, 422)


PATHS = [
    *("//api/orders", "///api/orders", "/api//orders", "/api/./orders", "/./api/orders"),
    *("/x/../api/orders", "/%2e%2e/api/orders", "/api/%2e%2e/api/orders", "/api%2forders"),
    *("/api/orders/", "/api/orders%2f", "/api/orders;x=1", "/API/orders", "/api/orders%00"),
    *("/api/orders%20", "/api\\orders", "/api/orders/..;/", "/.%2e/%2e./etc/passwd"),
    *("/docs/assets/../../settings/load.py", "/docs/assets/%2e%2e/pages.py", "/docs/assets//etc"),
    *("/docs/assets/..%2f..%2f..%2fetc%2fpasswd", "/docs/assets/%00", "/api/docs/assets/../x"),
    *("/metrics/", "//metrics", "/health%00", "http://x/api/orders", "*", "/?/api/orders"),
]


@pytest.mark.parametrize("path", PATHS)
def test_no_spelling_of_a_path_gives_other_rights(path: str, port: int) -> None:
    head = f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()

    answer = send(port, head)

    # By HTTP, a server reads an absolute address as its path. It decodes an encoded slash: it leads
    # to the same route, and so to the same rights and limits.
    same = {"http://x/api/orders", "/api%2forders", "/?/api/orders"}
    allowed = {200} if path in same else {400, 404, 422}
    assert len(answer.statuses) == 1
    assert set(answer.statuses) <= allowed
    assert b"root:" not in answer.data
    assert b"def load_settings" not in answer.data


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
@pytest.mark.parametrize("path", ["//api/products/1", "/api/products/1/", "/api/products/%2e/1"])
def test_no_spelling_of_a_path_changes_anything(
    method: str, path: str, port: int, client: httpx2.Client
) -> None:
    body = b'{"name": "x", "description": "", "price": 1, "image": ""}'
    head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    before = client.get("/api/products/1").json()

    answer = send(
        port, f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode(), body
    )

    assert answer.statuses in ([404], [405])
    assert client.get("/api/products/1").json() == before


def test_ids_of_new_orders_do_not_reveal_the_next(client: httpx2.Client) -> None:
    placed = [client.post("/api/orders", json=ORDER).json()["id"] for _ in range(10)]

    for first, second in pairwise(placed):
        same = sum(one == other for one, other in zip(first, second, strict=True))
        assert same < 8
    for each in placed:
        client.delete(f"/api/orders/{each}")
