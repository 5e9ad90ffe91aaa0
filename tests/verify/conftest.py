"""Shops to try, and what came of it."""

from collections.abc import Iterator

import pytest

from cloudmart.findings.finding import CheckStatus
from cloudmart.settings import Settings
from cloudmart.verify.made import MadeItems
from cloudmart.verify.run import VerifyRun
from cloudmart.verify.shop_client import ShopClient
from cloudmart.verify.step import StepFinding
from cloudmart.verify.visit import VerifyChoices, Visit
from tests.support.live import served


class Watcher:
    """Hears how a run gets on, and does what a test wants at a step."""

    def begins(self, key: str) -> None:
        """Hear that a step begins."""

    def ends(self, finding: StepFinding) -> None:
        """Hear what came of it."""


def tried(shop: ShopClient, choices: VerifyChoices | None = None) -> dict[str, StepFinding]:
    """Try a shop, and return the findings by their ids."""
    run = VerifyRun(Visit(shop, choices or VerifyChoices(), MadeItems(pause=0)), Watcher())
    try:
        run.run()
    finally:
        shop.close()
    assert not run.broke
    return {each.id: each for each in run.findings}


def failed(findings: dict[str, StepFinding]) -> dict[str, StepFinding]:
    """Return what failed, or is not known."""
    bad = {CheckStatus.FAIL, CheckStatus.UNKNOWN}
    return {key: each for key, each in findings.items() if each.status in bad}


@pytest.fixture(scope="module")
def shop_url(shared_settings: Settings) -> Iterator[str]:
    """Give the address of a shop that asks nobody who they are."""
    with served(shared_settings) as url:
        yield url
