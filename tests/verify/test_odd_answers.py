"""Answers that are nearly right: late, unreadable, redirected in a circle, refused on the way."""

import json
import time
from collections.abc import Iterator

import pytest

from cloudmart.findings.finding import CheckStatus
from cloudmart.verify.run import STEPS
from cloudmart.verify.shop_client import ShopAnswer, ShopClient
from cloudmart.verify.step import StepFailedError
from tests.support.scripted_server import Reply, Request, loopback
from tests.verify.conftest import tried

JSON = {"content-type": "application/json"}
HEALTH = {"serviceId": "cloudmart-backend", "releaseId": "1.0.0", "status": "pass"}


def asked(reply: Reply, path: str = "/api/products") -> ShopAnswer:
    """Return the answer of a server that has one."""
    with loopback() as server:
        server.answer = lambda _: reply
        shop = ShopClient(server.url, 30)
        try:
            return shop.get(path)
        finally:
            shop.close()


@pytest.mark.parametrize("body", [b'[{"price": NaN}]', b"[" * 200_000, b'["\xe9"]', b'[{"id"'])
def test_what_browsers_cannot_read_is_not_json(body: bytes) -> None:
    with pytest.raises(StepFailedError, match="answered what is no whole JSON"):
        asked(Reply(200, JSON, [body])).expect_list()


def test_a_coding_that_is_not_what_it_says_cannot_be_read() -> None:
    with pytest.raises(StepFailedError, match="the answer cannot be read"):
        asked(Reply(200, {**JSON, "content-encoding": "gzip"}, [b"no gzip"]))


@pytest.mark.parametrize(
    ("leads", "advice"),
    [
        ("/api/products", "That is this same address: a rule for redirects is wrong."),
        ("https://shop.example.com/", "Verify that address."),
    ],
)
def test_a_redirect_is_reported_with_what_it_means(leads: str, advice: str) -> None:
    answer = asked(Reply(302, {"location": leads}, [b""]))

    with pytest.raises(StepFailedError, match=advice):
        answer.expect_list()


@pytest.mark.parametrize(
    ("status", "nothing"),
    [(403, True), (404, True), (302, True), (408, False), (200, False), (502, False)],
)
def test_a_request_that_a_proxy_refuses_has_created_nothing(status: int, *, nothing: bool) -> None:
    assert asked(Reply(status, {}, [b""])).is_refusal is nothing


def test_an_answer_that_customers_wait_for_is_named_with_its_layer() -> None:
    def late() -> Iterator[bytes]:
        time.sleep(1)
        yield json.dumps(HEALTH).encode()

    def answer(request: Request) -> Reply:
        return Reply(200, {**JSON, "x-request-id": request.headers["x-request-id"]}, late())

    (step,) = (each for each in STEPS if each.id == "health-answers")
    with loopback() as server:
        server.answer = answer
        finding = tried(ShopClient(server.url, 3), steps=(step,))["health-answers"]

    assert (finding.status, finding.layer) == (CheckStatus.WARN, "pod")
    assert "pod: GET /api/health took 1." in finding.observed
    assert finding.why == "Customers wait for it."
    assert "kubectl logs" in finding.fix
