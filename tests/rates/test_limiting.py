"""The limits as a client of the whole application sees them."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from fastapi.testclient import TestClient
from prometheus_client import REGISTRY

from cloudmart.app import create_app
from cloudmart.settings import Environment, LimitSettings, Settings
from tests.support.problems import is_problem
from tests.support.ready_app import serving, still
from tests.support.redis_server import redis_server

OPEN = Callable[..., TestClient]
BALANCER = "10.0.3.7"
LAMP = {"name": "Lamp", "description": "", "price": 1, "image": ""}


@pytest.fixture
def open_(shared_settings: Settings) -> Iterator[OPEN]:
    """Provide a function that opens a shop with some limits."""
    with ExitStack() as stack:

        def open_shop(peer: str = BALANCER, **limits: object) -> TestClient:
            changes = {"limits": LimitSettings.model_validate(limits)}
            settings = shared_settings.model_copy(update=changes)
            app = create_app(settings, process=still(settings))
            return stack.enter_context(serving(app, peer=peer))

        yield open_shop


def test_a_client_above_its_limit_is_refused_with_retry_after(open_: OPEN) -> None:
    shop = open_(read=2)

    first, second, third = (shop.get("/api/products") for _ in range(3))

    assert [each.status_code for each in (first, second, third)] == [200, 200, 429]
    assert [each.headers["RateLimit-Remaining"] for each in (first, second, third)] == [*"100"]
    assert {each.headers["RateLimit-Limit"] for each in (first, second, third)} == {"2"}
    wait = third.headers["Retry-After"]
    assert 1 <= int(wait) <= 60
    assert third.headers["RateLimit-Reset"] == wait
    assert third.headers["Content-Type"] == "application/problem+json"
    problem = third.json()
    assert problem["type"] == "/api/problems/too-many-requests"
    assert problem["requestId"] == third.headers["X-Request-ID"]
    assert problem["error"] == f"You have asked for this too often. Please try again in {wait} s."


def test_each_class_is_counted_by_itself(open_: OPEN) -> None:
    shop = open_(read=1, write=1, chat=1, email=1)

    def ask() -> list[int]:
        return [
            shop.get("/api/products").status_code,
            shop.post("/api/tickets", json={}).status_code,
            shop.post("/api/ai/message", json={}).status_code,
            shop.get("/api/orders/user", params={"email": "a@b.org"}).status_code,
        ]

    assert ask() == [200, 201, 422, 200]
    assert ask() == [429, 429, 429, 429]
    assert shop.get("/api/products/1").status_code == 429
    assert shop.delete("/api/products/1").status_code == 429


def test_every_answer_counts_and_says_so(open_: OPEN) -> None:
    shop = open_(read=9, write=9)
    json = {"Content-Type": "application/json"}

    answers = [
        shop.get("/api/nowhere"),
        shop.patch("/api/products/1"),
        shop.post("/api/products", content=b"{", headers=json),
        shop.post("/api/products", content=b" " * 2**21, headers=json),
        shop.post("/api/products", content=b"{}"),
    ]

    assert [each.status_code for each in answers] == [404, 405, 400, 413, 415]
    assert all(each.headers["RateLimit-Limit"] == "9" for each in answers)
    assert [each.headers["RateLimit-Remaining"] for each in answers] == [*"88765"]


def test_probes_metrics_and_documentation_are_never_refused(open_: OPEN) -> None:
    shop = open_(read=1, write=1, chat=1, email=1)
    paths = ["/health", "/api/health", "/ready", "/startupz", "/metrics", "/docs", "/openapi.json"]
    paths += ["/docs/assets/start-swagger.js", "/api"]

    answers = [shop.get(path) for path in paths * 2]

    assert {each.status_code for each in answers} == {200}
    assert not [each for each in answers if "RateLimit-Limit" in each.headers]


def test_clients_are_distinguished_behind_a_trusted_proxy_and_cannot_choose_who_they_are(
    open_: OPEN,
) -> None:
    shop = open_(read=1, trusted_proxies="10.0.0.0/16")

    def ask(forwarded: str) -> int:
        return shop.get("/api/products", headers={"X-Forwarded-For": forwarded}).status_code

    assert ask("203.0.113.9") == 200
    assert ask("203.0.113.10") == 200
    assert ask("203.0.113.9") == 429
    assert [ask(f"198.51.100.{number}, 203.0.113.9") for number in range(20)] == [429] * 20
    # All addresses of a /64 are one client.
    assert ask("2001:db8:0:1::1") == 200
    assert ask("2001:db8:0:1:ffff::2") == 429


def test_a_header_changes_nothing_where_no_proxy_is_trusted(open_: OPEN) -> None:
    shop = open_(read=1)
    headers = [{"X-Forwarded-For": f"203.0.113.{number}"} for number in range(3)]

    codes = [shop.get("/api/products", headers=each).status_code for each in headers]

    assert codes == [200, 429, 429]


def test_local_mode_has_no_limits_but_those_that_are_set(open_: OPEN) -> None:
    shop = open_(write=1)

    assert "RateLimit-Limit" not in shop.get("/api/products").headers
    assert "RateLimit-Limit" in shop.post("/api/tickets", json={}).headers
    assert "RateLimit-Limit" not in open_(read=0, write=0).get("/api/products").headers


def test_production_has_limits_and_says_that_each_process_counts(
    shared_settings: Settings,
) -> None:
    settings = shared_settings.model_copy(update={"environment": Environment.PRODUCTION})
    with serving(create_app(settings, process=still(settings))) as shop:
        assert shop.get("/api/products").headers["RateLimit-Limit"] == "3000"
        assert shop.post("/api/tickets", json={}).headers["RateLimit-Limit"] == "120"
        assert shop.post("/api/ai/message", json={}).headers["RateLimit-Limit"] == "10"
        assert shop.get("/api/orders/user").headers["RateLimit-Limit"] == "60"
        notes = shop.get("/health").json()["notes"]

    assert "rate limits are counted by each process for itself" in notes


def test_replicas_count_together_and_health_warns_when_they_cannot(open_: OPEN) -> None:
    with redis_server() as url:
        one, other = (open_(read=2, storage=url) for _ in range(2))
        codes = [each.get("/api/products").status_code for each in (one, other, one, other)]
        assert codes == [200, 200, 429, 429]
        assert _counting(one) == [("pass", None)]

    assert one.get("/api/products").status_code == 200
    ((status, output),) = _counting(one)
    assert status == "warn"
    assert output == (
        "The Redis of the rate limits does not answer: each process counts clients on its own."
    )


def test_refusals_are_measured_by_class(open_: OPEN) -> None:
    shop = open_(read=1)
    before = REGISTRY.get_sample_value("cloudmart_rate_limited_total", {"kind": "read"}) or 0

    for _ in range(3):
        shop.get("/api/products")

    after = REGISTRY.get_sample_value("cloudmart_rate_limited_total", {"kind": "read"})
    assert after == before + 2


def test_the_refusal_is_explained(open_: OPEN) -> None:
    shop = open_(write=1)
    shop.post("/api/products", json=LAMP)

    problem = is_problem(shop.post("/api/products", json=LAMP), 429)

    assert shop.get(problem["type"]).json()["status"] == 429


def _counting(shop: TestClient) -> list[tuple[str, str | None]]:
    checks = shop.get("/health").json()["checks"]["rate-limits:storage"]
    return [(check["status"], check.get("output")) for check in checks]
