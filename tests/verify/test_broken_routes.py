"""Each published operation of a healthy shop is broken in turn, and the failure names it."""

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from cloudmart.findings.finding import CheckStatus
from cloudmart.verify.failed_layer import Layer
from cloudmart.verify.shop_client import ShopClient
from tests.support.breaking_proxy import Break, BreakingProxy, breaking_proxy, matches
from tests.verify.conftest import Asked, asked_of, failed, steps_asking, tried

DOCUMENT = Path(__file__).parents[2] / "openapi" / "openapi.json"
OPERATIONS = sorted(
    (method.upper(), path)
    for path, operations in json.loads(DOCUMENT.read_text("utf-8"))["paths"].items()
    for method in operations
)
LAYERS = {
    Break.CRASH: Layer.POD,
    Break.PAGE: Layer.BALANCER,
    Break.CUT: Layer.POD,
    Break.HANG: Layer.POD,
    Break.BAD_GATEWAY: Layer.BALANCER,
    Break.NO_TARGET: Layer.BALANCER,
    Break.TIMEOUT: Layer.BALANCER,
}


@pytest.fixture(scope="module")
def proxied(shop_url: str) -> Iterator[BreakingProxy]:
    """Provide a proxy in front of a shop."""
    with breaking_proxy(shop_url) as proxy:
        yield proxy


@pytest.fixture
def proxy(proxied: BreakingProxy) -> Iterator[BreakingProxy]:
    """Provide the proxy without faults."""
    proxied.seen.clear()
    yield proxied
    proxied.heal()


@pytest.fixture(scope="module")
def asked(shop_url: str) -> Asked:
    """Provide the requests of each step in a healthy shop."""
    return asked_of(ShopClient(shop_url, 30))


def named(
    proxy: BreakingProxy, asked: Asked, method: str, template: str, within: float = 30
) -> set[str]:
    """Run the steps that call an operation. Return the layers of the failures that name it."""
    layers = set()
    steps = steps_asking(asked, method, template)
    for finding in failed(tried(ShopClient(proxy.url, within), steps=steps)).values():
        words = finding.observed.replace(":", " ").replace(";", " ").split()
        if any(a == method and matches(template, b.partition("?")[0]) for a, b in pairwise(words)):
            layers.add(finding.layer)
    return layers


def test_in_a_healthy_shop_every_operation_of_the_document_is_called(
    proxy: BreakingProxy,
) -> None:
    findings = tried(ShopClient(proxy.url, 30))

    assert failed(findings) == {}
    left = [
        f"{method} {template}"
        for method, template in OPERATIONS
        if not any(each == method and matches(template, path) for each, path in proxy.seen)
    ]
    assert left == []
    assert findings["operations-touched"].observed == "each of 30 operations was called"


@pytest.mark.parametrize("how", [Break.CRASH, Break.PAGE, Break.CUT])
@pytest.mark.parametrize(("method", "template"), OPERATIONS)
def test_an_operation_that_answers_something_else_is_named_with_its_layer(
    proxy: BreakingProxy, asked: Asked, method: str, template: str, how: Break
) -> None:
    proxy.break_operation(method, template, how)

    assert named(proxy, asked, method, template) == {LAYERS[how]}


@pytest.mark.parametrize(
    ("method", "template"),
    [("POST", "/api/ai/message"), ("GET", "/ready")],
)
def test_an_operation_that_does_not_answer_is_named(
    proxy: BreakingProxy, asked: Asked, method: str, template: str
) -> None:
    proxy.break_operation(method, template, Break.HANG)

    assert named(proxy, asked, method, template, within=2) == {Layer.POD}


def test_where_one_operation_does_not_answer_the_others_are_tried(proxy: BreakingProxy) -> None:
    proxy.break_operation("GET", "/api/orders/{order_id}", Break.HANG, times=1)

    findings = tried(ShopClient(proxy.url, 3))

    assert set(failed(findings)) == {"unknown-order-refused"}
    assert findings["order-read"].status is CheckStatus.PASS


@pytest.mark.parametrize("how", [Break.BAD_GATEWAY, Break.NO_TARGET, Break.TIMEOUT])
def test_a_load_balancers_own_answer_is_distinguished_from_a_pods(
    proxy: BreakingProxy, asked: Asked, how: Break
) -> None:
    proxy.break_operation("GET", "/api/products", how)
    steps = steps_asking(asked, "GET", "/api/products")

    finding = tried(ShopClient(proxy.url, 30), steps=steps)["products-listed"]

    assert finding.layer == "balancer"
    assert f"GET /api/products answered {how.value}, and the load balancer did" in finding.observed
    assert "kubectl describe ingress" in finding.fix
