"""The evaluation as a command: what it reads, what it prints, how it ends."""

import asyncio
import logging
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path

from cloudmart.ai.ports import ChatModel, Usage
from cloudmart.ai.prices import price_of
from cloudmart.ai.prompts import assistant_prompt
from cloudmart.errors import ProviderDisabledError
from cloudmart.evaluation.case import CaseFileError, EvaluationCase, load_cases, packaged_cases
from cloudmart.evaluation.opening import (
    EvaluatedProvider,
    open_model,
    open_shops,
    tables_on_this_machine,
)
from cloudmart.evaluation.report import (
    EarlierReportError,
    EvaluationReport,
    case_outcome,
    changes_since,
    report_table,
)
from cloudmart.evaluation.run import CaseResult, EvaluationRun
from cloudmart.findings.finding import CheckExit
from cloudmart.findings.progress import RunProgress
from cloudmart.observability.logging import configure_logging
from cloudmart.settings import Environment, Settings, load_settings
from cloudmart.values.timestamp import stamp

_DOTENV = Path(".env")


@dataclass(frozen=True, slots=True)
class Choices:
    """What the person chose. `budget` is in US dollars, None for no bound."""

    provider: str
    cases: Path | None = None
    repeat: int = 1
    at_once: int = 1
    budget: Decimal | None = None
    against: Path | None = None
    as_json: bool = False


def run_evaluation(choices: Choices) -> CheckExit:
    """Judge an assistant, print the report, and return the exit code."""
    try:
        cases = load_cases(choices.cases) if choices.cases else packaged_cases()
        earlier = _earlier(choices.against)
    except (CaseFileError, EarlierReportError) as error:
        sys.stderr.write(f"{error}\n")
        return CheckExit.CALLED_WRONGLY
    configure_logging(json=False, level=logging.ERROR)
    provider = EvaluatedProvider(choices.provider)
    if provider is EvaluatedProvider.OFFLINE:
        cases = [case for case in cases if case.offline]
    with tables_on_this_machine(provider):
        told = {**os.environ, "ENVIRONMENT": Environment.LOCAL}
        settings = load_settings(told, secrets={}, dotenv=_DOTENV).settings
        try:
            report = asyncio.run(_evaluate(choices, provider, settings, cases))
        except ProviderDisabledError as error:
            sys.stderr.write(f"There is nothing to evaluate: {error}\n")
            return CheckExit.CALLED_WRONGLY
    _print(report, earlier, as_json=choices.as_json)
    return CheckExit.PASSED if report.passed else CheckExit.FAILED


def _earlier(file: Path | None) -> EvaluationReport | None:
    if file is None:
        return None
    try:
        return EvaluationReport.read(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{file} cannot be read: {error}"
        raise EarlierReportError(msg) from error


async def _evaluate(
    choices: Choices,
    provider: EvaluatedProvider,
    settings: Settings,
    cases: Sequence[EvaluationCase],
) -> EvaluationReport:
    began = stamp(datetime.now(UTC))
    total = len(cases) * choices.repeat
    async with (
        open_model(settings, provider) as model,
        open_shops(settings, choices.at_once) as shops,
    ):
        with _Progress(total, quiet=choices.as_json) as progress:
            run = EvaluationRun(
                shops, model, partial(cost_of, model), progress.ends, choices.budget
            )
            await run.run(cases, choices.repeat)
    return EvaluationReport(
        provider=provider,
        model=model.model or "rules",
        instructions=assistant_prompt().version,
        started_at=began,
        unplayed=run.unplayed,
        cases=[case_outcome(result) for result in run.results],
    )


def cost_of(model: ChatModel, usages: Sequence[Usage]) -> Decimal | None:
    """Return what steps cost in US dollars by the list of prices; None where it has no price."""
    if not usages:
        return Decimal()
    price = price_of(model.priced_by, model.model)
    if price is None or any(usage.input_tokens is None for usage in usages):
        return None
    return Decimal(str(round(sum(map(price.of_tokens, usages)), 6)))


class _Progress(RunProgress):
    """Shows on a terminal how many cases are played; prints those that are not as expected."""

    def __init__(self, total: int, *, quiet: bool) -> None:
        super().__init__(quiet=quiet)
        self._total = total
        self._played = 0

    def ends(self, result: CaseResult) -> None:
        """Count a case, and print what was wrong with it and what was said."""
        self._played += 1
        self.show(f"{self._played} of {self._total} cases")
        if not result.faults:
            return
        color = "yellow" if result.passed else "red"
        self.write(
            f"{'passed' if result.passed else 'FAILED'}  {result.case.id}", color, len("passed")
        )
        for fault in result.faults:
            self.write(f"  {fault}")
        for number, turn in enumerate(result.record.turns, 1):
            if not result.passed and any(fault.turn == number for fault in result.faults):
                self.write(f"  customer: {_line(turn.said)}")
                self.write(f"  answer:   {_line(turn.answer)}")


def _line(text: str) -> str:
    return " ".join(text.split())[:1000]


def _print(report: EvaluationReport, earlier: EvaluationReport | None, *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(f"{report.as_json()}\n")
        return
    lines = [f"Assistant: {report.provider}, {report.model}", *report_table(report, earlier)]
    if earlier:
        lines += changes_since(report, earlier)
    if report.unplayed:
        lines.append(f"The budget is spent: {report.unplayed} cases were not played.")
    sys.stdout.write("\n".join(lines) + "\n")
