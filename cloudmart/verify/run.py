"""Runs the steps one after the other, and removes what they made, however it ends."""

import time
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Protocol

import structlog

from cloudmart.findings.catalogue import FindingCatalogue, read_catalogue
from cloudmart.findings.finding import CheckStatus
from cloudmart.verify import access, assistants, connection, customers, service, staff, storefront
from cloudmart.verify.context import VerifyContext, VerifyStep
from cloudmart.verify.failed_layer import WHAT_TO_DO, Layer
from cloudmart.verify.step import (
    StepFailedError,
    StepFinding,
    StepSkippedError,
    StepUnknownError,
    StepWarnedError,
)

STEPS: tuple[VerifyStep, ...] = (
    *connection.STEPS,
    *service.STEPS,
    *storefront.STEPS,
    *service.BESIDE_API,
    *customers.STEPS,
    *access.STEPS,
    *customers.AFTER_RIGHTS,
    *staff.STEPS,
    *assistants.STEPS,
    *service.AT_THE_END,
)
NOTHING_LEFT = "nothing-left-behind"
_PAGE = "docs/verify.md"
_IN_A_ROW = 3
"""Steps in a row without any answer, or without a pod's, after which the rest is not tried."""

_log = structlog.stdlib.get_logger(__name__)


class StepWatcher(Protocol):
    """Hears the progress of a verification."""

    def begins(self, key: str) -> None:
        """Hear that a step begins."""

    def ends(self, finding: StepFinding) -> None:
        """Hear its result."""


@cache
def verify_catalogue() -> FindingCatalogue:
    """Return the catalogue of what a verification finds."""
    return read_catalogue(Path(__file__).parent / "catalogue.toml")


class VerifyRun:
    """One run over all steps."""

    def __init__(
        self, context: VerifyContext, watcher: StepWatcher, steps: tuple[VerifyStep, ...] = STEPS
    ) -> None:
        self.findings: list[StepFinding] = []
        self.broke = False
        self._context = context
        self._watcher = watcher
        self._steps = steps
        # A step may find that they are refused, and drop them.
        self._credentials = context.shop.credentials
        self._blocked: set[str] = set()
        self._silent = self._unheard = 0

    def run(self) -> None:
        """Run all steps; whatever ends it, what was made is removed or told."""
        try:
            for step in self._steps:
                self._watcher.begins(step.id)
                self._tell(self._tried(step))
        finally:
            self._watcher.begins(NOTHING_LEFT)
            try:
                if not self._context.choices.keep:
                    self._context.created.remove_all(self._context.shop)
            finally:
                # Also where somebody will not wait for it.
                self._tell(self._left())

    def _tried(self, step: VerifyStep) -> StepFinding:
        if reason := self._reason_to_skip(step):
            self._blocked.add(step.id)
            return _finding(step.id, CheckStatus.SKIP, reason)
        began, silent = time.monotonic(), False
        self._context.shop.slow.clear()
        try:
            finding = self._passed(step.id, step.run(self._context))
        except StepSkippedError as skipped:
            return _finding(step.id, CheckStatus.SKIP, str(skipped))
        except StepWarnedError as warned:
            finding = _finding(step.id, CheckStatus.WARN, str(warned))
        except StepUnknownError as unknown:
            finding = _finding(step.id, CheckStatus.UNKNOWN, str(unknown))
        except StepFailedError as failed:
            silent = failed.timed_out
            finding = _failure(step.id, failed)
        except Exception as error:  # noqa: BLE001 - one that broke says nothing of the others
            _log.exception("verify_broke", step=step.id)
            self.broke = True
            sentence = f"the step has a bug: {type(error).__name__}"
            finding = _finding(step.id, CheckStatus.UNKNOWN, sentence)
        self._silent = self._silent + 1 if silent else 0
        if finding.status is CheckStatus.FAIL and not self._context.shop.answered:
            self._unheard += 1
        if finding.status in {CheckStatus.FAIL, CheckStatus.UNKNOWN}:
            self._blocked.add(step.id)
        return replace(finding, seconds=round(time.monotonic() - began, 3))

    def _passed(self, key: str, observed: str) -> StepFinding:
        slow = self._context.shop.slow
        if not slow:
            return _finding(key, CheckStatus.PASS, observed)
        told = "; ".join(f"{each.target} took {each.seconds:.1f} s" for each in slow)
        finding = _finding(key, CheckStatus.WARN, f"{observed}; {Layer.POD}: {told}", {}, Layer.POD)
        fix = WHAT_TO_DO[Layer.POD].replace("{request}", slow[0].request)
        return replace(finding, why="Customers wait for it.", fix=fix)

    def _reason_to_skip(self, step: VerifyStep) -> str | None:
        if self._silent >= _IN_A_ROW:
            return f"{_IN_A_ROW} steps in a row were not answered"
        if self._unheard >= _IN_A_ROW and not self._context.shop.answered:
            return f"no pod answered in {_IN_A_ROW} steps: is this the shop's address?"
        return next((f"{each} failed" for each in step.parents if each in self._blocked), None)

    def _left(self) -> StepFinding:
        items = self._context.created.items
        if not items:
            return _finding(NOTHING_LEFT, CheckStatus.PASS, "all that was made is removed")
        told = "; ".join(f"{each}{f' ({each.stays})' if each.stays else ''}" for each in items)
        facts = {"items": " and ".join(each.path for each in items)}
        if self._context.choices.keep or all(each.stays for each in items):
            return _finding(NOTHING_LEFT, CheckStatus.WARN, f"left in the shop: {told}", facts)
        return _finding(NOTHING_LEFT, CheckStatus.FAIL, f"not removed: {told}", facts)

    def _tell(self, finding: StepFinding) -> None:
        if self._credentials:
            finding = replace(finding, observed=self._credentials.hidden_in(finding.observed))
        self.findings.append(finding)
        self._watcher.ends(finding)


def _failure(key: str, failed: StepFailedError) -> StepFinding:
    request = f" ({failed.request})" if failed.request else ""
    facts = {"what_to_do": WHAT_TO_DO[failed.layer].replace("{request}", failed.request)}
    return _finding(
        key, CheckStatus.FAIL, f"{failed.layer}: {failed}{request}", facts, failed.layer
    )


def _finding(
    key: str,
    status: CheckStatus,
    observed: str,
    facts: dict[str, str] | None = None,
    layer: Layer | None = None,
) -> StepFinding:
    told = verify_catalogue()[key].finding(status, observed, facts or {})
    return StepFinding(
        told.id,
        told.area,
        told.status,
        told.observed,
        told.why,
        told.fix,
        f"{_PAGE}#{key}",
        layer or "",
    )
