"""Each finding fails for one wrong answer, and none fails in a healthy shop."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from cloudmart.findings.finding import CheckStatus
from cloudmart.settings import Settings
from cloudmart.verify.context import VerifyChoices
from cloudmart.verify.credentials import AdminCredentials
from cloudmart.verify.failed_layer import Layer
from cloudmart.verify.run import NOTHING_LEFT, verify_catalogue
from cloudmart.verify.shop_client import ShopClient
from tests.access.conftest import ADMIN, BASIC
from tests.support.breaking_proxy import (
    Break,
    BreakingProxy,
    Broken,
    OtherMembers,
    PodAnswer,
    breaking_proxy,
)
from tests.support.certificates import certified
from tests.support.live_server import served
from tests.support.serve_process import free_port
from tests.verify.conftest import Asked, asked_of, failed, steps_asking, tried

ROLLOUT = "2026-11-28-new"
EVERYTHING = VerifyChoices(admin=True, assistants=True, anonymous_order=True, expect=ROLLOUT)


@dataclass(frozen=True, slots=True)
class WrongAnswer:
    """A wrong answer to some requests, and the layer that it belongs to.

    Only requests with `holding` count. The first `after` of them pass, and then `times` get the
    answer.
    """

    operation: str
    how: Broken
    layer: Layer = Layer.POD
    holding: str = ""
    after: int = 0
    times: float = math.inf


MADE = PodAnswer({"id": "made-by-mistake"}, 201)
DONE = PodAnswer({})
STORE_AWAY = PodAnswer.problem(503, "unavailable")
NOT_READY = PodAnswer({"serviceId": "cloudmart-backend", "status": "fail"}, 503)
ISSUER_AWAY = PodAnswer.problem(503, "unavailable", "Sign-in cannot be checked at the moment.")
UNKNOWN = "verify0unknown0x"

WRONG: Mapping[str, WrongAnswer] = {
    "health-answers": WrongAnswer(
        "GET /api/health", OtherMembers({"serviceId": "other"}), Layer.BALANCER, times=1
    ),
    "rollout-expected": WrongAnswer(
        "GET /api/health", OtherMembers({"rolloutId": "2026-11-27-old"}), after=2, times=1
    ),
    "operations-listed": WrongAnswer("GET /api", PodAnswer({"operations": []})),
    "document-read": WrongAnswer("GET /api/openapi.json", PodAnswer({"swagger": "2.0"})),
    "docs-page-read": WrongAnswer(
        "GET /api/docs/assets/{name}", Break.PAGE, Layer.BALANCER, holding="swagger-ui.css"
    ),
    "problems-listed": WrongAnswer("GET /api/problems", PodAnswer([])),
    "problem-explained": WrongAnswer("GET /api/problems/{code}", DONE, holding="/nope"),
    "page-answers": WrongAnswer("GET /", Break.NO_TARGET, Layer.BALANCER),
    "page-calls-api": WrongAnswer("GET /", Break.PAGE, Layer.BALANCER),
    "page-may-call": WrongAnswer("OPTIONS /api/orders", PodAnswer.problem(403, "forbidden")),
    "probe-health": WrongAnswer("GET /health", NOT_READY),
    "probe-ready": WrongAnswer("GET /ready", NOT_READY),
    "probe-startup": WrongAnswer("GET /startupz", NOT_READY),
    "api-catalog-read": WrongAnswer("GET /.well-known/api-catalog", PodAnswer({"linkset": []})),
    "products-listed": WrongAnswer("GET /api/products", STORE_AWAY, Layer.STORE, times=1),
    "product-read": WrongAnswer("GET /api/products", PodAnswer([]), holding="?q=", times=1),
    "wrong-price-refused": WrongAnswer("POST /api/orders", MADE, holding='"price":'),
    "bad-order-refused": WrongAnswer("POST /api/orders", DONE, holding='"items":'),
    "unknown-product-refused": WrongAnswer("POST /api/orders", MADE, holding=UNKNOWN, times=1),
    "unknown-order-refused": WrongAnswer("GET /api/orders/{order_id}", DONE, holding=UNKNOWN),
    "orders-by-email": WrongAnswer("GET /api/orders/user", PodAnswer([{"id": "1"}]), times=1),
    "bad-ticket-refused": WrongAnswer("POST /api/tickets", MADE, holding='["verify"]'),
    "rights-known": WrongAnswer("GET /api/orders", DONE, holding="?limit=1", times=1),
    "signed-in": WrongAnswer(
        "GET /api/orders", ISSUER_AWAY, Layer.PROVIDER, holding="Basic ", times=1
    ),
    "strangers-refused": WrongAnswer("DELETE /api/products/{product_id}", DONE, times=1),
    "unknown-ids-refused": WrongAnswer(
        "PUT /api/tickets/{ticket_id}", DONE, holding=UNKNOWN, after=1
    ),
    "test-order-refused": WrongAnswer(
        "POST /api/orders", PodAnswer.problem(422, "unknown-product"), holding="@verify.", times=1
    ),
    "anonymous-order-placed": WrongAnswer(
        "POST /api/orders", STORE_AWAY, Layer.STORE, holding="-guest", times=1
    ),
    "orders-listed": WrongAnswer("GET /api/orders", PodAnswer([{"id": 1}]), holding="?limit=5"),
    "tickets-listed": WrongAnswer("GET /api/tickets", STORE_AWAY, Layer.STORE, holding="?limit=5"),
    "open-tickets-listed": WrongAnswer(
        "GET /api/tickets/status", PodAnswer([{"id": "1"}]), holding="&limit=5"
    ),
    "pipeline-told": WrongAnswer("GET /api/pipeline/status", DONE, holding="Basic "),
    "product-added": WrongAnswer(
        "POST /api/products", OtherMembers({"price": 9.99}), holding="please ignore"
    ),
    "product-changed": WrongAnswer(
        "PUT /api/products/{product_id}", OtherMembers({"price": 1.23}), holding="2.34"
    ),
    "order-placed": WrongAnswer(
        "POST /api/orders", OtherMembers({"total": 0.01}), holding='"quantity":2', times=1
    ),
    "order-replayed": WrongAnswer(
        "POST /api/orders", PodAnswer({"id": "another"}, 201), holding='"quantity":3'
    ),
    "order-read": WrongAnswer(
        "GET /api/orders/{order_id}", OtherMembers({"userEmail": "a@b.example"}), after=1, times=1
    ),
    "order-found-by-email": WrongAnswer("GET /api/orders/user", STORE_AWAY, Layer.STORE, after=1),
    "order-changed": WrongAnswer(
        "PUT /api/orders/{order_id}", OtherMembers({"status": "Pending"}), holding="Processing"
    ),
    "ticket-opened": WrongAnswer(
        "POST /api/tickets", OtherMembers({"status": "closed"}), holding="please ignore"
    ),
    "ticket-read": WrongAnswer(
        "GET /api/tickets/{ticket_id}", OtherMembers({"subject": "?"}), after=2, times=1
    ),
    "ticket-changed": WrongAnswer("PUT /api/tickets/{ticket_id}", Break.CUT, after=2),
    "order-removed": WrongAnswer(
        "DELETE /api/orders/{order_id}", Break.BAD_GATEWAY, Layer.BALANCER, after=2, times=1
    ),
    "ticket-removed": WrongAnswer("DELETE /api/tickets/{ticket_id}", Break.CRASH, after=2, times=1),
    "product-removed": WrongAnswer("DELETE /api/products/{product_id}", DONE, after=2, times=1),
    "openai-chat-started": WrongAnswer("POST /api/ai/start", DONE),
    "bedrock-chat-started": WrongAnswer(
        "POST /api/ai/bedrock/start", Break.NO_TARGET, Layer.BALANCER
    ),
    "openai-chat-refused": WrongAnswer("POST /api/ai/message", DONE, holding="unknown"),
    "bedrock-chat-refused": WrongAnswer("POST /api/ai/bedrock/message", DONE, holding="unknown"),
    "bad-chat-refused": WrongAnswer(
        "POST /api/ai/analyze-sentiment", Break.CRASH, holding='"verify"'
    ),
    "openai-answers": WrongAnswer(
        "POST /api/ai/message",
        PodAnswer.problem(503, "ai-misconfigured"),
        Layer.PROVIDER,
        after=1,
    ),
    "bedrock-answers": WrongAnswer(
        "POST /api/ai/bedrock/message",
        PodAnswer.problem(504, "ai-timeout"),
        Layer.PROVIDER,
        after=1,
    ),
    "sentiment-told": WrongAnswer(
        "POST /api/ai/analyze-sentiment",
        PodAnswer.problem(502, "ai-failed"),
        Layer.PROVIDER,
        holding="wonderful",
    ),
}
UNREACHED = {
    "name-resolves": Layer.DNS,
    "address-connects": Layer.BALANCER,
    "certificate-good": Layer.TLS,
}
ELSEWHERE = {"operations-touched", "metrics-out-of-sight", NOTHING_LEFT}
"""Findings that other tests cover."""


@pytest.fixture(scope="module")
def guarded_url(shared_settings: Settings) -> Iterator[str]:
    """Provide the address of a shop whose administrators sign in, and whose page is elsewhere."""
    changed = {
        "access": BASIC,
        "build": shared_settings.build.model_copy(update={"rollout": ROLLOUT}),
        "public_base_url": "https://shop.example.com",
    }
    with served(shared_settings.model_copy(update=changed)) as url:
        yield url


@pytest.fixture(scope="module")
def proxied(
    guarded_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[BreakingProxy, Path]]:
    """Provide a proxy with a certificate, and the authority that signed it."""
    folder = tmp_path_factory.mktemp("certificate")
    with breaking_proxy(guarded_url, certified(folder)) as proxy:
        # In local mode a shop has its metrics on the port on which it serves.
        proxy.pages["/metrics"] = "text/html", b"<!doctype html>"
        yield proxy, folder / "authority.pem"


@pytest.fixture
def proxy(
    proxied: tuple[BreakingProxy, Path], monkeypatch: pytest.MonkeyPatch
) -> Iterator[BreakingProxy]:
    """Provide the proxy without faults; clients trust its authority."""
    proxy, authority = proxied
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    yield proxy
    proxy.heal()


def shop_at(url: str) -> ShopClient:
    """Return a client that signs in."""
    return ShopClient(url, 30, AdminCredentials(*ADMIN))


@pytest.fixture(scope="module")
def asked(guarded_url: str) -> Asked:
    """Provide the requests of each step in a healthy shop."""
    return asked_of(shop_at(guarded_url), EVERYTHING)


def test_every_finding_has_a_test_here() -> None:
    assert sorted([*WRONG, *UNREACHED, *ELSEWHERE]) == sorted(
        each.id for each in verify_catalogue()
    )


def test_of_a_shop_that_is_well_every_step_passes(proxy: BreakingProxy) -> None:
    findings = tried(shop_at(proxy.url), EVERYTHING)

    assert {key: each.observed for key, each in findings.items() if each.status != "pass"} == {}


@pytest.mark.parametrize("key", sorted(WRONG))
def test_one_wrong_answer_is_one_finding_with_its_layer(
    proxy: BreakingProxy, asked: Asked, key: str
) -> None:
    wrong = WRONG[key]
    method, _, template = wrong.operation.partition(" ")
    proxy.break_operation(
        method,
        template,
        wrong.how,
        holding=wrong.holding.encode(),
        after=wrong.after,
        times=wrong.times,
    )
    # The other steps send no request that gets a wrong answer.
    steps = steps_asking(asked, method, template, key)

    findings = failed(tried(shop_at(proxy.url), EVERYTHING, steps))

    assert {each.id: each.layer for each in findings.values()} == {key: wrong.layer}
    assert findings[key].status is CheckStatus.FAIL
    assert findings[key].fix


@pytest.mark.parametrize("key", sorted(UNREACHED))
def test_a_shop_that_is_not_reached_is_one_finding_with_its_layer(
    proxy: BreakingProxy, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    port = urlsplit(proxy.url).port
    url = {
        "name-resolves": f"https://shop.invalid:{port}",
        "address-connects": f"https://127.0.0.1:{free_port()}",
        "certificate-good": proxy.url,
    }[key]

    findings = failed(tried(shop_at(url), EVERYTHING))

    assert {each.id: each.layer for each in findings.values()} == {key: UNREACHED[key]}


def test_an_operation_of_another_release_is_reported_as_a_warning(proxy: BreakingProxy) -> None:
    document = PodAnswer({"openapi": "3.1.0", "paths": {"/api/returns": {"get": {}}}})
    proxy.break_operation("GET", "/api/openapi.json", document)

    findings = tried(shop_at(proxy.url), EVERYTHING)

    told = {key: each.observed for key, each in findings.items() if each.status != "pass"}
    assert told == {"operations-touched": "nothing called GET /api/returns"}
    assert findings["operations-touched"].status is CheckStatus.WARN


def test_what_cannot_be_removed_at_the_end_is_reported(proxy: BreakingProxy, asked: Asked) -> None:
    # By then only the guest's order is left.
    proxy.break_operation("DELETE", "/api/orders/{order_id}", Break.CRASH, after=3)
    steps = steps_asking(asked, "DELETE", "/api/orders/{order_id}") + steps_asking(
        asked, "POST", "/api/orders"
    )

    findings = tried(shop_at(proxy.url), EVERYTHING, tuple(dict.fromkeys(steps)))

    assert set(failed(findings)) == {NOTHING_LEFT}
    assert "DELETE /api/orders/" in findings[NOTHING_LEFT].fix
