"""The headers for browsers, and which pages may send changes."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from cloudmart.app import create_app
from cloudmart.http.browser_security import origin_of
from cloudmart.settings import CorsSettings, Environment, LimitSettings, Settings
from tests.support.fault_proxy import Fault, FaultProxy
from tests.support.ready_app import serving, still

SHOP = "https://shop.example.com"
PARTNER = "https://partner.example.org"
ALLOWED = [SHOP, PARTNER]
STRANGERS = ["https://evil.example", f"{SHOP}.evil.example", "https://shop.example.com:8443"]
STRANGERS += ["http://shop.example.com", "null", "https://SHOP.example.com", ""]
EXPOSED = {"ETag", "Link", "Location", "Retry-After", "X-Request-ID", "WWW-Authenticate"}
EXPOSED |= {"RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"}
JSON = {"Content-Type": "application/json"}


def production(settings: Settings) -> Settings:
    """Return settings as production has them."""
    return settings.model_copy(
        update={
            "environment": Environment.PRODUCTION,
            "public_base_url": f"{SHOP}/",
            "cors": CorsSettings(allowed_origins=(PARTNER,)),
        }
    )


@pytest.fixture(scope="module")
def shop(shared_settings: Settings) -> Iterator[TestClient]:
    """Provide a client of a shop in production."""
    settings = production(shared_settings)
    with serving(create_app(settings, process=still(settings))) as client:
        client.base_url = SHOP
        yield client


@pytest.mark.parametrize("origin", ALLOWED)
def test_pages_of_origins_that_are_named_may_read_every_answer(
    origin: str, faults: FaultProxy, settings: Settings
) -> None:
    changes = {"limits": LimitSettings(email=1)}
    settings = production(settings).model_copy(update=changes)
    headers = {"Origin": origin}
    with serving(create_app(settings, process=still(settings))) as shop:
        answers = [
            shop.get("/api/products", headers=headers),
            shop.get("/api/nowhere", headers=headers),
            shop.patch("/api/products/1", headers=headers),
            shop.post("/api/tickets", content=b"{", headers=headers | JSON),
            shop.post("/api/tickets", content=b" " * 2**21, headers=headers | JSON),
            shop.post("/api/tickets", content=b"{}", headers=headers),
            shop.post("/api/orders", json={}, headers=headers),
            shop.get("/api/orders/user", headers=headers),
            shop.get("/api/orders/user", headers=headers),
        ]
        faults.fail(Fault.DENIED, "Scan")
        answers.append(shop.get("/api/products", headers=headers))
        faults.fail(Fault.UNHEARD_OF, "GetItem")
        answers.append(shop.get("/api/products/1", headers=headers))

    assert [answer.status_code for answer in answers] == [
        *(200, 404, 405, 400, 413, 415, 422, 422, 429, 503, 500)
    ]
    for answer in answers:
        assert answer.headers["Access-Control-Allow-Origin"] == origin
        assert set(answer.headers["Access-Control-Expose-Headers"].split(", ")) == EXPOSED
        assert answer.headers["Vary"] == "Origin"
        assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.parametrize("origin", STRANGERS)
def test_pages_of_other_origins_may_read_nothing(origin: str, shop: TestClient) -> None:
    for path in ("/api/products", "/api/nowhere"):
        answer = shop.get(path, headers={"Origin": origin})

        assert "Access-Control-Allow-Origin" not in answer.headers
        assert answer.headers["Vary"] == "Origin"


@pytest.mark.parametrize("header", ["authorization", "idempotency-key", "content-type"])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_what_pages_send_is_allowed_beforehand(header: str, method: str, shop: TestClient) -> None:
    answer = _preflight(shop, PARTNER, method, header)

    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == PARTNER
    assert method in answer.headers["Access-Control-Allow-Methods"]
    assert header in answer.headers["Access-Control-Allow-Headers"].lower()
    assert "RateLimit-Limit" not in answer.headers


@pytest.mark.parametrize(
    ("origin", "method", "header"),
    [
        *((origin, "POST", "content-type") for origin in STRANGERS if origin),
        (PARTNER, "PATCH", "content-type"),
        (PARTNER, "POST", "x-forwarded-for"),
    ],
)
def test_nothing_else_is(origin: str, method: str, header: str, shop: TestClient) -> None:
    assert _preflight(shop, origin, method, header).status_code == 400


@pytest.mark.parametrize(
    ("headers", "refused"),
    [
        ({}, False),
        ({"Sec-Fetch-Site": "same-origin", "Origin": SHOP}, False),
        ({"Sec-Fetch-Site": "none"}, False),
        ({"Sec-Fetch-Site": "cross-site", "Origin": PARTNER}, False),
        ({"Sec-Fetch-Site": "same-site", "Origin": SHOP}, False),
        ({"Origin": "https://inside.example", "Host": "inside.example"}, False),
        ({"Origin": "http://127.0.0.1:5000", "Host": "127.0.0.1:5000"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, True),
        ({"Sec-Fetch-Site": "same-site"}, True),
        ({"Sec-Fetch-Site": ""}, True),
        *(({"Sec-Fetch-Site": "cross-site", "Origin": origin}, True) for origin in STRANGERS),
        *(({"Origin": origin}, True) for origin in STRANGERS if origin != f"http://{SHOP[8:]}"),
        ({"Origin": "https://inside.example", "Host": "inside.example:8443"}, True),
    ],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/api/ai/start"), ("DELETE", "/api/products/nope"), ("PUT", "/api/orders/nope")],
)
def test_a_page_of_another_origin_changes_nothing(
    method: str,
    path: str,
    headers: dict[str, str],
    refused: bool,  # noqa: FBT001
    shop: TestClient,
) -> None:
    remembered = {"Authorization": "Basic YW5uOnNlY3JldA=="}

    answer = shop.request(method, path, headers=headers | remembered)

    assert (answer.json()["type"] == "/api/problems/cross-origin") is refused
    assert (answer.status_code == 403) is refused
    assert shop.get("/api/products", headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("/api/products", True),
        ("/api/products/nope", False),
        ("/api/orders/nope", False),
        ("/api/orders/user?email=ann@example.org", False),
        ("/api/problems", True),
        ("/api/nowhere", False),
        ("/health", False),
        ("/docs", True),
    ],
)
def test_every_answer_says_what_a_browser_must_not_do_with_it(
    path: str,
    kept: bool,  # noqa: FBT001
    shop: TestClient,
) -> None:
    headers = shop.get(path).headers

    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["Strict-Transport-Security"] == "max-age=31536000"
    assert (headers.get("Cache-Control") == "no-store") is not kept
    for name in ("X-Content-Type-Options", "Content-Security-Policy", "Cache-Control"):
        assert len(headers.get_list(name)) <= 1


@pytest.mark.parametrize("path", ["/", "/docs", "/api/docs"])
def test_a_page_runs_nothing_but_what_is_served_beside_it(path: str, shop: TestClient) -> None:
    policy = shop.get(path, headers={"Accept": "text/html"}).headers["Content-Security-Policy"]

    assert policy.startswith("default-src 'none'")
    for evil in ("unsafe-inline", "unsafe-eval", "*", "https:", "http:"):
        assert evil not in policy.replace(f"connect-src 'self' {SHOP}/", "")


def test_hsts_is_not_sent_without_https(shared_client: TestClient) -> None:
    headers = shared_client.get("/api/products").headers

    assert "Strict-Transport-Security" not in headers


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://shop.example.com/", "https://shop.example.com"),
        ("https://Shop.example.com:443/app", "https://shop.example.com"),
        ("http://localhost:5173", "http://localhost:5173"),
        ("http://[::1]:80", "http://[::1]"),
        ("*", "*"),
    ],
)
def test_an_origin_is_written_as_browsers_write_it(url: str, origin: str) -> None:
    assert origin_of(url) == origin


def _preflight(shop: TestClient, origin: str, method: str, header: str) -> Response:
    asked = {"Access-Control-Request-Method": method, "Access-Control-Request-Headers": header}
    return shop.options("/api/orders/1", headers={"Origin": origin} | asked)
