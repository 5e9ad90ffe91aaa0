"""The service itself: health, probes, its document and pages, what its errors mean."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from cloudmart.verify.connection import REACHED
from cloudmart.verify.context import VerifyContext, VerifyStep
from cloudmart.verify.failed_layer import Layer
from cloudmart.verify.shop_client import ShopAnswer
from cloudmart.verify.step import StepSkippedError, StepWarnedError

SERVICE = "cloudmart-backend"
_ASKED_FOR_ROLLOUT = 3
"""Answers that are looked at: each may be another pod's."""

_ASSETS = ("swagger-ui-bundle.js", "swagger-ui.css", "start-swagger.js")
_METHODS = ("get", "put", "post", "delete", "patch")
_METRIC = b"cloudmart_"
_OUTSIDE_API = "the load balancer leads only /api to the pods"


def ask_health(context: VerifyContext) -> str:
    """Read the service's health."""
    answer = context.shop.get("/api/health")
    told = answer.expect_object(200)
    if told.get("serviceId") != SERVICE:
        raise answer.wrong(f"is no health of {SERVICE}: {answer.shown}", Layer.BALANCER)
    seen = f"release {told.get('releaseId')}, roll-out {told.get('rolloutId') or 'without a name'}"
    if told.get("status") != "pass":
        raise StepWarnedError(f"{seen}; {'; '.join(_not_well(told)) or told.get('output')}")
    return seen


def expect_rollout(context: VerifyContext) -> str:
    """Compare the roll-out that answers with the one that is expected."""
    if (wanted := context.choices.expect) is None:
        raise StepSkippedError("--expect names no roll-out")
    for _ in range(_ASKED_FOR_ROLLOUT):
        answer = context.shop.get("/api/health")
        told = answer.expect_object(200).get("rolloutId")
        if told != wanted:
            raise answer.wrong(
                f"is answered by roll-out {told or 'without a name'}, not by {wanted}"
            )
    return f"{wanted} answered {_ASKED_FOR_ROLLOUT} times in a row"


def ask_probe(path: str, context: VerifyContext) -> str:
    """Ask what the kubelet asks, where it can be asked from outside."""
    answer = context.shop.get(path)
    _need_way_beside_api(context, answer)
    told = answer.expect_object(200)
    if told.get("serviceId") != SERVICE:
        raise answer.wrong(f"is no health of {SERVICE}: {answer.shown}")
    return f"status {told.get('status')}"


def refuse_metrics(context: VerifyContext) -> str:
    """See that nobody outside reads how much is sold."""
    answer = context.shop.ask("GET", "/metrics", headers={"Accept": "*/*"})
    if _METRIC not in answer.body:
        return f"/metrics is answered {answer.status}, without metrics"
    if answer.of_pod and not context.apart:
        raise StepSkippedError("a shop in local mode shows its metrics where it serves")
    raise answer.wrong("shows the metrics to everybody", Layer.BALANCER)


def read_index(context: VerifyContext) -> str:
    """Read the list of operations."""
    answer = context.shop.get("/api")
    listed = answer.expect_object(200).get("operations")
    if not isinstance(listed, list) or not listed:
        raise answer.wrong(f"lists no operations: {answer.shown}")
    return f"{len(listed)} operations"


def read_catalog(context: VerifyContext) -> str:
    """Read the catalogue by which machines find the API."""
    answer = context.shop.get("/.well-known/api-catalog")
    _need_way_beside_api(context, answer)
    if not answer.expect_object(200).get("linkset"):
        raise answer.wrong(f"has no links: {answer.shown}")
    return "it links to the document"


def read_document(context: VerifyContext) -> str:
    """Read the API's document, and check that each of its operations has a step."""
    answer = context.shop.get("/api/openapi.json")
    told = answer.expect_object(200)
    paths = told.get("paths")
    if not str(told.get("openapi", "")).startswith("3.") or not isinstance(paths, dict):
        raise answer.wrong(f"is no OpenAPI document: {answer.shown}")
    context.document = told
    info = told.get("info")
    version = info.get("version") if isinstance(info, dict) else "unknown"
    return f"version {version}, {sum(map(len, paths.values()))} operations"


def read_docs_page(context: VerifyContext) -> str:
    """Read the page of documentation with all that it loads."""
    page = context.shop.ask("GET", "/api/docs", headers={"Accept": "text/html"})
    page.expect(200)
    if page.kind != "text/html" or b"swagger" not in page.body:
        raise page.wrong(f"is no page of documentation: {page.shown}")
    for name in _ASSETS:
        asset = context.shop.ask("GET", f"/api/docs/assets/{name}", headers={"Accept": "*/*"})
        asset.expect(200)
        if asset.kind == "text/html" or not asset.body:
            raise asset.wrong(f"is no part of the page: {asset.shown}")
    return f"the page and {len(_ASSETS)} files that it loads"


def list_problems(context: VerifyContext) -> str:
    """Read which kinds of errors there are."""
    answer = context.shop.get("/api/problems")
    kinds = answer.expect_list()
    if not all(isinstance(each, dict) and each.get("explanation") for each in kinds) or not kinds:
        raise answer.wrong(f"explains nothing: {answer.shown}")
    return f"{len(kinds)} kinds of errors"


def explain_a_problem(context: VerifyContext) -> str:
    """Read what one kind of error means, and that there is no other."""
    answer = context.shop.get("/api/problems/price-changed")
    if not answer.expect_object(200).get("explanation"):
        raise answer.wrong(f"explains nothing: {answer.shown}")
    context.shop.get("/api/problems/nope").expect_problem(404, "not-found")
    return "price-changed is explained"


def check_coverage(context: VerifyContext) -> str:
    """See that every operation of the shop's document was asked at least once."""
    left = sorted(uncovered(context.document, context.shop.asked))
    if left:
        raise StepWarnedError(f"nothing called {', '.join(left)}")
    return f"each of {len(list(_operations(context.document)))} operations was called"


def uncovered(document: Mapping[str, Any], asked: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Yield the operations of a document that no request was for."""
    paths = {path for _, path in _operations(document)}
    for method, template in _operations(document):
        pattern = re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template)))
        # A path that is spelt out is not an id of the one beside it: /api/orders/user.
        if not any(
            each == method and (path == template or (path not in paths and pattern.fullmatch(path)))
            for each, path in asked
        ):
            yield f"{method} {template}"


STEPS = (
    VerifyStep("health-answers", ask_health, REACHED),
    VerifyStep("rollout-expected", expect_rollout, ("health-answers",)),
    VerifyStep("operations-listed", read_index, REACHED),
    VerifyStep("document-read", read_document, REACHED),
    VerifyStep("docs-page-read", read_docs_page, REACHED),
    VerifyStep("problems-listed", list_problems, REACHED),
    VerifyStep("problem-explained", explain_a_problem, REACHED),
)
BESIDE_API = (
    *(
        VerifyStep(f"probe-{name}", partial(ask_probe, path), REACHED)
        for name, path in (("health", "/health"), ("ready", "/ready"), ("startup", "/startupz"))
    ),
    VerifyStep("api-catalog-read", read_catalog, REACHED),
    VerifyStep("metrics-out-of-sight", refuse_metrics, (*REACHED, "page-answers")),
)
"""Steps whose paths a load balancer may lead elsewhere: the page decides what is expected."""


AT_THE_END = (VerifyStep("operations-touched", check_coverage, ("document-read",)),)


def _operations(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for path, operations in document.get("paths", {}).items():
        for method in operations if isinstance(operations, dict) else ():
            if method in _METHODS:
                yield method.upper(), path


def _need_way_beside_api(context: VerifyContext, answer: ShopAnswer) -> None:
    """Raise StepSkippedError where a storefront answers instead, as it should."""
    if context.apart and not answer.of_pod and answer.status < 500:  # noqa: PLR2004
        raise StepSkippedError(_OUTSIDE_API)


def _not_well(report: Mapping[str, Any]) -> Iterator[str]:
    checks = report.get("checks")
    for name, found in checks.items() if isinstance(checks, dict) else ():
        for each in found if isinstance(found, list) else ():
            if isinstance(each, dict) and each.get("status") != "pass":
                yield f"{name}: {each.get('output', 'no words')}"
