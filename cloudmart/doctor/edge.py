"""The edge: DNS, the certificate, the load balancer and its targets, what it lets through."""

import ssl
from collections.abc import AsyncIterator
from datetime import UTC, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import httpx2

from cloudmart.doctor.check import CheckResult, DoctorCheck, passed, skipped, trouble
from cloudmart.doctor.inputs import Inputs, NotAskedError
from cloudmart.rollout.release import name_of
from cloudmart.verify.credentials import is_private_host
from cloudmart.verify.failed_layer import WHAT_TO_DO, Layer, layer_of_error

_DAYS = 21
_HTTPS = 443
_HTTPS_FIX = (
    "Serve the shop over https (`certificate` in operator.yaml), and let PUBLIC_BASE_URL begin "
    "with https://."
)
_OFF = ("routing.http.drop_invalid_header_fields.enabled", "true")
_XFF = ("routing.http.xff_header_processing.mode", "preserve")
# What a server may take for another header's name, because CGI wrote dashes as underscores.
REMOVED = ("X_Forwarded_For", "X_Forwarded_Proto", "Content_Length", "Transfer_Encoding")

_SEEN = frozenset({"settings"})


async def dns(inputs: Inputs) -> AsyncIterator[CheckResult]:
    """Check whether the shop's name leads to its load balancer."""
    host = _host(inputs)
    try:
        addresses = await inputs.addresses(host)
    except OSError as error:
        yield trouble("dns-resolves", f"{host}: {error}", host=host)
        yield skipped("dns-leads-to-balancer", "dns-resolves failed")
        return
    yield passed("dns-resolves", f"{host}: {', '.join(addresses)}")
    balancer = await _balancer_name(inputs)
    if balancer is None:
        yield trouble("dns-leads-to-balancer", "no Ingress has a load balancer yet", host=host)
        return
    try:
        behind = await inputs.addresses(balancer)
    except OSError as error:
        yield trouble("dns-leads-to-balancer", f"{balancer}: {error}", host=host)
        return
    if not set(addresses) & set(behind):
        observed = f"{host} leads to {', '.join(addresses)}, and {balancer} is {', '.join(behind)}"
        yield trouble("dns-leads-to-balancer", observed, host=host, balancer=balancer)


async def certificate(inputs: Inputs) -> AsyncIterator[CheckResult]:
    """Check whether browsers believe the certificate, and for how long."""
    host, port = _host(inputs), urlsplit(inputs.url).port or _HTTPS
    now = inputs.now()
    if urlsplit(inputs.url).scheme != "https":
        if is_private_host(host):
            raise NotAskedError(f"{inputs.url} is not https, and leads to no place outside")
        yield trouble("certificate-trusted", f"{inputs.url} is not https", fix=_HTTPS_FIX)
        yield skipped("certificate-days", "certificate-trusted failed")
        return
    try:
        shown = await inputs.certificate(host, port)
    except OSError as error:
        refused = isinstance(error, ssl.SSLError)
        sentence = layer_of_error(error, answered=False)[1] if refused else str(error)
        yield trouble("certificate-trusted", f"{host}: {sentence}")
        yield skipped("certificate-days", "certificate-trusted failed")
        return
    ends = parsedate_to_datetime(str(shown["notAfter"]).replace("GMT", "+0000"))
    left = (ends.astimezone(UTC) - now) // timedelta(days=1)
    observed = f"{left} days left, until {ends:%Y-%m-%d}"
    if left < _DAYS:
        yield trouble("certificate-days", observed)
    else:
        yield passed("certificate-days", observed)


async def balancer(inputs: Inputs) -> AsyncIterator[CheckResult]:
    """Report which targets of the load balancer are not healthy, and what it lets through."""
    name = await _balancer_name(inputs)
    if name is None:
        raise NotAskedError("no Ingress has a load balancer yet")
    arn = await _arn(inputs, name)
    if arn is None:
        raise NotAskedError(f"{name} is no load balancer of this account")
    async for each in _targets(inputs, arn):
        yield each
    told = await inputs.aws("elbv2", "describe_load_balancer_attributes", LoadBalancerArn=arn)
    attributes = {each["Key"]: each["Value"] for each in told["Attributes"]}
    modify = f"aws elbv2 modify-load-balancer-attributes --load-balancer-arn {arn} --attributes"
    wrong = []
    if attributes.get(_OFF[0]) != _OFF[1]:
        wrong.append(f"{', '.join(REMOVED)} pass")
    if attributes.get(_XFF[0]) == _XFF[1]:
        wrong.append("X-Forwarded-For passes as the client wrote it")
    if wrong:
        fix = f"`{modify} Key={_OFF[0]},Value=true Key={_XFF[0]},Value=append`"
        yield trouble("headers-removed", "; ".join(wrong), fix=fix)
    else:
        yield passed("headers-removed", f"{', '.join(REMOVED)} are removed")


async def _arn(inputs: Inputs, name: str) -> str | None:
    marker: dict[str, str] = {}
    while True:
        told = await inputs.aws("elbv2", "describe_load_balancers", **marker)
        for each in told.get("LoadBalancers", []):
            if each["DNSName"].lower() == name.lower():
                return str(each["LoadBalancerArn"])
        if not told.get("NextMarker"):
            return None
        marker = {"Marker": told["NextMarker"]}


async def _targets(inputs: Inputs, arn: str) -> AsyncIterator[CheckResult]:
    groups = await inputs.aws("elbv2", "describe_target_groups", LoadBalancerArn=arn)
    for group in groups.get("TargetGroups", []):
        told = await inputs.aws(
            "elbv2", "describe_target_health", TargetGroupArn=group["TargetGroupArn"]
        )
        states = told.get("TargetHealthDescriptions", [])
        healthy = [each for each in states if _state(each) == "healthy"]
        observed = f"{group['TargetGroupName']}: {len(healthy)} of {len(states)} are healthy"
        if not healthy:
            reasons = {each["TargetHealth"].get("Description", _state(each)) for each in states}
            told_why = f"{observed}: {'; '.join(sorted(reasons)) or 'it has no target'}"
            yield trouble("balancer-targets", told_why)
        else:
            yield passed("balancer-targets", observed)


def _state(target: Any) -> str:  # noqa: ANN401 - as AWS has it
    return str(target["TargetHealth"]["State"])


async def outside(inputs: Inputs) -> AsyncIterator[CheckResult]:
    """Report what is answered from outside: the page, the API, and no metrics."""
    url = inputs.url
    try:
        page = await inputs.fetch(f"{url}/")
        api = await inputs.fetch(f"{url}/api/health")
        hidden = await inputs.fetch(f"{url}/metrics")
    except httpx2.HTTPError as error:
        layer, sentence = layer_of_error(error, answered=False)
        fix = WHAT_TO_DO[layer] if layer is Layer.TLS else ""
        yield trouble("api-answers", f"{url}: {layer}: {sentence}", fix=fix, url=url)
        for key in ("page-is-storefront", "metrics-hidden"):
            yield skipped(key, "api-answers failed")
        return
    if api.status_code != httpx2.codes.OK or "cloudmart-backend" not in api.text:
        observed = f"GET {url}/api/health answers {api.status_code}"
        yield trouble("api-answers", observed, url=url)
    kind = page.headers.get("Content-Type", "").partition(";")[0].strip()
    if page.status_code != httpx2.codes.OK or kind != "text/html":
        observed = f"GET {url}/ answers {page.status_code} with {kind or 'no type'}"
        yield trouble("page-is-storefront", observed)
    if "cloudmart_" in hidden.text:
        yield trouble("metrics-hidden", f"GET {url}/metrics shows them")


def _host(inputs: Inputs) -> str:
    return urlsplit(inputs.url).hostname or ""


async def _balancer_name(inputs: Inputs) -> str | None:
    for ingress in await inputs.every("ingresses"):
        points = ((ingress.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
        if name_of(ingress).startswith("cloudmart") and points:
            return str(points[0].get("hostname") or points[0].get("ip"))
    return None


CHECKS = (
    DoctorCheck(
        ("dns-resolves", "dns-leads-to-balancer"),
        dns,
        _SEEN | {"dns", "kubernetes"},
        settles=600,
    ),
    DoctorCheck(
        ("certificate-trusted", "certificate-days"),
        certificate,
        _SEEN | {"tls", "clock"},
        ("dns-resolves",),
    ),
    DoctorCheck(
        ("balancer-targets", "headers-removed"),
        balancer,
        frozenset({"kubernetes", "aws:elbv2"}),
        ("kubernetes-reachable", "credentials-found"),
        settles=600,
    ),
    DoctorCheck(
        ("api-answers", "page-is-storefront", "metrics-hidden"),
        outside,
        _SEEN | {"http"},
        ("dns-resolves",),
        seconds=18,
        settles=120,
    ),
)
