"""Shops to verify, and the results."""

from collections.abc import Iterator, Mapping, Sequence

import pytest

from cloudmart.findings.finding import CheckStatus
from cloudmart.settings import Settings
from cloudmart.verify.cleanup import CreatedItems
from cloudmart.verify.context import VerifyChoices, VerifyContext, VerifyStep
from cloudmart.verify.run import STEPS, VerifyRun
from cloudmart.verify.shop_client import ShopClient
from cloudmart.verify.step import StepFinding
from tests.support.breaking_proxy import matches
from tests.support.live_server import served

Asked = Mapping[str, Sequence[tuple[str, str]]]
"""The methods and paths that each step calls."""

_TEACHERS = {"health-answers", "page-answers", "products-listed"}
"""Steps from which others learn something without being their children: pod or not, a product."""


class Watcher:
    """Records the progress of a run, and calls a function of the test at a step."""

    def begins(self, key: str) -> None:
        """Record that a step begins."""

    def ends(self, finding: StepFinding) -> None:
        """Record its result."""


class AskedWatcher(Watcher):
    """Notes the requests of each step."""

    def __init__(self, shop: ShopClient) -> None:
        self.asked: dict[str, list[tuple[str, str]]] = {}
        self._shop = shop
        self._before = 0

    def begins(self, key: str) -> None:  # noqa: ARG002 - a watcher's signature
        """Note the number of requests before the step."""
        self._before = len(self._shop.asked)

    def ends(self, finding: StepFinding) -> None:
        """Note the requests since then."""
        self.asked[finding.id] = self._shop.asked[self._before :]


def tried(
    shop: ShopClient,
    choices: VerifyChoices | None = None,
    steps: tuple[VerifyStep, ...] = STEPS,
    watcher: Watcher | None = None,
) -> dict[str, StepFinding]:
    """Verify a shop, and return the findings by their ids."""
    context = VerifyContext(shop, choices or VerifyChoices(), CreatedItems(pause=0))
    run = VerifyRun(context, watcher or Watcher(), steps)
    try:
        run.run()
    finally:
        shop.close()
    assert not run.broke
    return {each.id: each for each in run.findings}


def asked_of(shop: ShopClient, choices: VerifyChoices | None = None) -> Asked:
    """Return the requests of each step in a healthy shop."""
    watcher = AskedWatcher(shop)
    assert failed(tried(shop, choices, watcher=watcher)) == {}
    return watcher.asked


def steps_asking(asked: Asked, method: str, template: str, *more: str) -> tuple[VerifyStep, ...]:
    """Return the steps that call an operation, and the steps they learn something from."""
    wanted = {*_TEACHERS, *more}
    for step in reversed(STEPS):
        if step.id in wanted or any(
            each == method and matches(template, path) for each, path in asked[step.id]
        ):
            wanted |= {step.id, *step.parents}
    return tuple(step for step in STEPS if step.id in wanted)


def failed(findings: dict[str, StepFinding]) -> dict[str, StepFinding]:
    """Return the failed and unknown findings."""
    bad = {CheckStatus.FAIL, CheckStatus.UNKNOWN}
    return {key: each for key, each in findings.items() if each.status in bad}


@pytest.fixture(scope="module")
def shop_url(shared_settings: Settings) -> Iterator[str]:
    """Provide the address of a shop with `AUTH=off`."""
    with served(shared_settings) as url:
        yield url
