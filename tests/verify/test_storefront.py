"""The storefront beside the pods: which API its page calls, and whether a browser allows it."""

from collections.abc import Iterator

import pytest

from cloudmart.findings.finding import CheckStatus
from cloudmart.settings import Settings
from cloudmart.verify.shop_client import ShopClient
from tests.support.breaking_proxy import Break, BreakingProxy, breaking_proxy
from tests.support.live_server import served
from tests.verify.conftest import failed, tried

INDEX = (
    b'<!doctype html><div id="root"></div><script type="module" src="/assets/index-1.js"></script>'
)
HTML, SCRIPT = "text/html", "application/javascript"


@pytest.fixture
def proxy(shop_url: str) -> Iterator[BreakingProxy]:
    """Provide a proxy that sends /api to the pods, and everything else to a storefront."""
    with breaking_proxy(shop_url) as proxy:
        beside = ("/health", "/ready", "/startupz", "/.well-known/api-catalog", "/metrics")
        for path in ("/", *beside):
            proxy.pages[path] = HTML, INDEX
        yield proxy


@pytest.mark.parametrize(
    "script",
    [
        b'const a="/api";fetch(`${a}/products`)',
        b'fetch("/api/products")',
        b'const a=e.VITE_API_BASE_URL||"http://localhost:5000/api",b="/api"',
    ],
)
def test_a_storefront_that_calls_this_api_is_well_and_answers_for_its_own_paths(
    proxy: BreakingProxy, script: bytes
) -> None:
    proxy.pages["/assets/index-1.js"] = SCRIPT, script

    findings = tried(ShopClient(proxy.url, 30))

    assert failed(findings) == {}
    assert findings["page-calls-api"].observed == "a page that calls this API; 1 scripts were read"
    assert findings["probe-ready"].observed == "the load balancer leads only /api to the pods"
    assert findings["api-catalog-read"].status is CheckStatus.SKIP


@pytest.mark.parametrize(
    ("kind", "script", "why"),
    [
        (SCRIPT, b'fetch("http://localhost:5000/api")', "another API than this one"),
        (SCRIPT, b'fetch("https://old.example.com/api/x")', "https://old.example.com"),
        (SCRIPT, b"const rapid='/apiary'", "calls no API: neither it nor 1 scripts name /api"),
        (HTML, INDEX, "is no script, but a page: the storefront's build is not whole"),
    ],
)
def test_a_storefront_that_calls_something_else_is_reported(
    proxy: BreakingProxy, kind: str, script: bytes, why: str
) -> None:
    proxy.pages["/assets/index-1.js"] = kind, script

    findings = tried(ShopClient(proxy.url, 30))

    assert set(failed(findings)) == {"page-calls-api"}
    assert why in findings["page-calls-api"].observed
    assert "VITE_API_BASE_URL=/api" in findings["page-calls-api"].fix


@pytest.mark.parametrize("path", ["/", "/metrics"])
def test_metrics_that_customers_can_read_are_reported(proxy: BreakingProxy, path: str) -> None:
    proxy.pages["/assets/index-1.js"] = SCRIPT, b'fetch("/api/products")'
    proxy.pages["/metrics"] = "text/plain", b"# HELP cloudmart_build_info\n"
    if path == "/":
        # A load balancer that sends everything to the pods.
        del proxy.pages["/"]

    finding = tried(ShopClient(proxy.url, 30))["metrics-out-of-sight"]

    assert (finding.status, finding.layer) == (CheckStatus.FAIL, "balancer")
    assert "GET /metrics shows the metrics to everybody" in finding.observed


@pytest.mark.parametrize(
    ("public", "told"),
    [
        ("https://shop.example.com", "pages of https://shop.example.com may call it"),
        (None, "call their own origin"),
    ],
)
def test_a_page_of_the_shops_own_origin_may_call_it_where_others_may_not(
    shared_settings: Settings, public: str | None, told: str
) -> None:
    cors = shared_settings.cors.model_copy(update={"allowed_origins": ("https://a.example.com",)})
    settings = shared_settings.model_copy(update={"cors": cors, "public_base_url": public})

    with served(settings) as url:
        findings = tried(ShopClient(url, 30))

    assert failed(findings) == {}
    assert told in findings["page-may-call"].observed


def test_a_page_that_a_browser_forbids_to_call_is_reported(shop_url: str) -> None:
    with breaking_proxy(shop_url) as proxy:
        proxy.break_operation("OPTIONS", "/api/orders", Break.NO_TARGET)
        proxy.break_operation("POST", "/api/orders", Break.PAGE, holding=b"{}")
        finding = tried(ShopClient(proxy.url, 30))["page-may-call"]

    assert finding.status is CheckStatus.FAIL
    assert "CORS_ALLOWED_ORIGINS" in finding.fix
