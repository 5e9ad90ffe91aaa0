"""Findings of the edge, and of things that reach their end of life."""

from pathlib import Path

import httpx2
import pytest

from cloudmart.doctor.lifecycle import upstream_ends
from cloudmart.doctor.registry import catalogue
from cloudmart.doctor.target import addresses_of, certificate_of, http_client
from cloudmart.findings.finding import CheckStatus
from tests.doctor.healthy import NOW, HealthyShop, told
from tests.doctor.shop_edge import HOST, URL
from tests.support.aws_commands import commands_in
from tests.support.breaking_proxy import breaking_proxy
from tests.support.certificates import certified

FAIL, WARN = CheckStatus.FAIL, CheckStatus.WARN
SKIP, PASS = CheckStatus.SKIP, CheckStatus.PASS


async def test_a_name_that_nobody_knows_is_reported(shop: HealthyShop) -> None:
    del shop.edge.addresses[HOST]

    found = await shop.look("edge")

    assert told(found, "dns-resolves", FAIL).startswith(f"{HOST}: ")
    assert told(found, "certificate-days", SKIP) == "dns-resolves failed"


async def test_a_name_that_leads_elsewhere_is_reported(shop: HealthyShop) -> None:
    shop.edge.addresses[HOST] = ["198.51.100.1"]

    found = await shop.look("dns-leads-to-balancer")

    assert "leads to 198.51.100.1" in told(found, "dns-leads-to-balancer", FAIL)
    assert shop.edge.name in found["dns-leads-to-balancer"].fix


async def test_a_certificate_that_ends_soon_is_reported(shop: HealthyShop) -> None:
    shop.edge.not_after = "Dec  5 08:00:00 2026 GMT"

    found = await shop.look("certificate-days")

    assert told(found, "certificate-days", WARN) == "7 days left, until 2026-12-05"


async def test_a_certificate_that_nobody_believes_is_reported(shop: HealthyShop) -> None:
    def refuse(host: str, port: int) -> dict[str, str]:
        raise OSError(f"certificate verify failed for {host}:{port}")

    shop.parts["certificate"] = refuse

    found = await shop.look("certificate-trusted", "certificate-days")

    assert "certificate verify failed" in told(found, "certificate-trusted", FAIL)
    assert told(found, "certificate-days", SKIP) == "certificate-trusted failed"


async def test_an_expired_certificate_is_reported_once_with_one_remedy(
    shop: HealthyShop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = certified(tmp_path, days=-1)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    with breaking_proxy("http://127.0.0.1:9", context) as proxy:
        shop.parts |= {
            "url": proxy.url,
            "resolve": addresses_of,
            "certificate": certificate_of,
            "client": http_client,
        }
        found = await shop.look("certificate-trusted", "api-answers")

    expired = "TLS fails: certificate has expired"
    assert told(found, "certificate-trusted", FAIL) == f"127.0.0.1: {expired}"
    assert told(found, "api-answers", FAIL) == f"{proxy.url}: TLS: {expired}"
    assert found["api-answers"].fix == found["certificate-trusted"].fix


@pytest.mark.parametrize(
    ("url", "status"), [("http://127.0.0.1:5000", SKIP), ("http://shop.cloudmart.dev", FAIL)]
)
async def test_a_public_shop_without_tls_is_reported(
    shop: HealthyShop, url: str, status: CheckStatus
) -> None:
    shop.edge.addresses["127.0.0.1"] = ["127.0.0.1"]
    shop.parts["url"] = url

    found = await shop.look("certificate-trusted", "certificate-days")

    assert f"{url} is not https" in told(found, "certificate-trusted", status)
    assert found["certificate-days"].status is SKIP


async def test_a_balancer_without_a_target_is_reported(shop: HealthyShop) -> None:
    targets = [{"Id": "10.20.0.9", "Port": 5000}]
    shop.aws.client("elbv2").deregister_targets(
        TargetGroupArn=shop.edge.target_group, Targets=targets
    )

    found = await shop.look("balancer-targets")

    assert "0 of 0 are healthy" in told(found, "balancer-targets", FAIL)


async def test_headers_that_the_balancer_lets_through_are_named(shop: HealthyShop) -> None:
    elb = shop.aws.client("elbv2")
    keep = {"Key": "routing.http.drop_invalid_header_fields.enabled", "Value": "false"}
    elb.modify_load_balancer_attributes(LoadBalancerArn=shop.edge.arn, Attributes=[keep])

    found = await shop.look("headers-removed")
    observed = told(found, "headers-removed", WARN)
    assert observed == "X_Forwarded_For, X_Forwarded_Proto, Content_Length, Transfer_Encoding pass"

    (command,) = commands_in(found["headers-removed"].fix)
    attributes = [
        dict(pair.split("=") for pair in word.split(","))
        for word in command.split("--attributes ")[1].split()
    ]
    elb.modify_load_balancer_attributes(LoadBalancerArn=shop.edge.arn, Attributes=attributes)
    assert (await shop.look("headers-removed"))["headers-removed"].status is PASS


@pytest.mark.parametrize(
    ("key", "path", "answer", "observed"),
    [
        ("api-answers", "/api/health", httpx2.Response(503), f"GET {URL}/api/health answers 503"),
        (
            *("page-is-storefront", "/", httpx2.Response(200, json={})),
            f"GET {URL}/ answers 200 with application/json",
        ),
        (
            *("metrics-hidden", "/metrics", httpx2.Response(200, text="cloudmart_build 1")),
            f"GET {URL}/metrics shows them",
        ),
    ],
)
async def test_what_is_answered_wrongly_outside_is_reported(
    shop: HealthyShop, key: str, path: str, answer: httpx2.Response, observed: str
) -> None:
    shop.edge.pages[path] = answer

    found = await shop.look(key)

    assert told(found, key, FAIL) == observed
    assert "<url>" not in found[key].fix


async def test_a_shop_without_an_address_is_skipped(shop: HealthyShop) -> None:
    shop.parts["url"] = None

    found = await shop.look("api-answers")

    assert told(found, "api-answers", SKIP) == "PUBLIC_BASE_URL is not set, and no --url was given"


@pytest.mark.parametrize(
    ("key", "name", "value", "observed"),
    [
        ("assistants-api-ended", "OPENAI_ASSISTANT_ID", "asst_1", "ended on 2026-08-26"),
        ("prompt-objects-end", "OPENAI_ASSISTANT_ID", "pmpt_1", "ends on 2026-11-30"),
    ],
)
async def test_a_setting_of_a_feature_that_ends_is_reported(
    shop: HealthyShop, key: str, name: str, value: str, observed: str
) -> None:
    shop.environ[name] = value

    found = await shop.look(key)

    assert observed in told(found, key, WARN)


async def test_an_agent_of_the_classic_kind_is_reported(shop: HealthyShop) -> None:
    shop.with_an_agent()

    found = await shop.look("bedrock-agents-classic")

    assert "ended on 2026-07-30" in told(found, "bedrock-agents-classic", WARN)


async def test_a_release_of_kubernetes_that_ends_is_reported(shop: HealthyShop) -> None:
    shop.cluster.scenario.raw["/version"] = '{"major": "1", "minor": "34+"}'

    found = await shop.look("kubernetes-supported")

    assert "ends on 2026-12-02" in told(found, "kubernetes-supported", WARN)


async def test_a_runtime_that_ends_is_reported(shop: HealthyShop) -> None:
    assert shop.providers.function
    shop.providers.function["Runtime"] = "python3.11"
    shop.parts["now"] = lambda: NOW.replace(year=2027, month=5)

    found = await shop.look("lambda-runtime-supported")

    assert "ends on 2027-06-30" in told(found, "lambda-runtime-supported", WARN)


async def test_a_python_that_ends_is_reported(shop: HealthyShop) -> None:
    shop.parts["now"] = lambda: NOW.replace(year=2030)

    found = await shop.look("python-supported")

    assert "ended on" in told(found, "python-supported", WARN)


def test_every_end_has_its_finding_and_its_source() -> None:
    for end in upstream_ends():
        assert end.finding in catalogue()
        assert end.source.startswith("https://")
