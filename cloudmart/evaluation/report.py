"""What a run of the evaluation found: for each kind of case, and beside an earlier run."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from cloudmart.evaluation.case import first_fault
from cloudmart.evaluation.judge import Weight
from cloudmart.evaluation.run import CaseResult


class EarlierReportError(Exception):
    """A file is no report of an evaluation; the message says why."""


class _Document(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="ignore", alias_generator=to_camel, populate_by_name=True
    )


class CaseOutcome(_Document):
    """The outcome of a case in a report."""

    id: str
    kind: str
    repetition: int
    passed: bool
    faults: list[str]
    lost: int
    steps: int
    input_tokens: int
    output_tokens: int
    cost: Decimal | None
    seconds: float


class EvaluationReport(_Document):
    """A run, as it is written to a file and read again. Costs are in US dollars."""

    provider: str
    model: str
    instructions: str
    started_at: str
    unplayed: int
    cases: list[CaseOutcome]

    @property
    def passed(self) -> bool:
        """Return whether every case was played, and none failed."""
        return not self.unplayed and all(case.passed for case in self.cases)

    def as_json(self) -> str:
        """Return the document of the run, with its figures for each kind."""
        document = self.model_dump(mode="json", by_alias=True)
        document["kinds"] = {kind: figures.document() for kind, figures in figures_of(self).items()}
        return json.dumps(document, indent=2)

    @classmethod
    def read(cls, text: str) -> "EvaluationReport":
        """Return the report that `as_json` wrote, or raise EarlierReportError."""
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            msg = f"It is no report of an evaluation ({first_fault(error, 'the file')})."
            raise EarlierReportError(msg) from error


def case_outcome(result: CaseResult) -> CaseOutcome:
    """Return the outcome of a result for a report."""
    usages = result.record.usages
    return CaseOutcome(
        id=result.case.id,
        kind=result.case.kind,
        repetition=result.repetition,
        passed=result.passed,
        faults=list(map(str, result.faults)),
        lost=result.lost,
        steps=result.record.steps,
        input_tokens=sum(usage.input_tokens or 0 for usage in usages),
        output_tokens=sum(usage.output_tokens or 0 for usage in usages),
        cost=result.cost,
        seconds=round(result.record.seconds, 3),
    )


@dataclass(frozen=True, slots=True)
class KindFigures:
    """The figures of one kind of case, or of all. `lost` adds up the worst fault of each case."""

    cases: int
    passed: int
    false_approvals: int
    lost: int
    cost: Decimal | None
    seconds: float

    @classmethod
    def of(cls, cases: Sequence[CaseOutcome]) -> "KindFigures":
        """Add cases up; the cost is unknown where that of one is."""
        costs = [case.cost for case in cases]
        known = [cost for cost in costs if cost is not None]
        return cls(
            cases=len(cases),
            passed=sum(case.passed for case in cases),
            false_approvals=sum(case.lost >= Weight.FALSE_APPROVAL for case in cases),
            lost=sum(case.lost for case in cases),
            cost=sum(known, Decimal()) if len(known) == len(costs) else None,
            seconds=sum(case.seconds for case in cases),
        )

    def document(self) -> dict[str, Any]:
        """Return them for programs."""
        return {
            "cases": self.cases,
            "passed": self.passed,
            "falseApprovals": self.false_approvals,
            "lost": self.lost,
            "cost": None if self.cost is None else str(self.cost),
            "seconds": round(self.seconds, 3),
        }


def figures_of(report: EvaluationReport) -> dict[str, KindFigures]:
    """Return the figures of each kind, in the order of the cases, and of `all` of them."""
    kinds: dict[str, list[CaseOutcome]] = {}
    for case in report.cases:
        kinds.setdefault(case.kind, []).append(case)
    return {
        **{kind: KindFigures.of(cases) for kind, cases in kinds.items()},
        "all": KindFigures.of(report.cases),
    }


def report_table(
    report: EvaluationReport, earlier: EvaluationReport | None = None
) -> Iterator[str]:
    """Yield the lines of a table: each kind's figures, beside those of an earlier run."""
    before = figures_of(earlier) if earlier else {}
    yield f"{'kind':<16}{'passed':>10}{'false approvals':>17}{'lost':>6}{'cost':>10}{'time':>9}"
    for kind, now in figures_of(report).items():
        cost = "unknown" if now.cost is None else f"${now.cost:.4f}"
        line = (
            f"{kind:<16}{f'{now.passed}/{now.cases}':>10}{now.false_approvals:>17}{now.lost:>6}"
            f"{cost:>10}{now.seconds:>7.1f} s"
        )
        yield line + (_beside(before[kind]) if kind in before else "")


def _beside(figures: KindFigures) -> str:
    cost = "" if figures.cost is None else f", ${figures.cost:.4f}"
    return f"   before: {figures.passed}/{figures.cases}{cost}, {figures.seconds:.1f} s"


def changes_since(report: EvaluationReport, earlier: EvaluationReport) -> Iterator[str]:
    """Yield a line for each case that passed before and fails now, and the other way round."""
    before, now = _by_case(earlier), _by_case(report)
    for case_id, passes in now.items():
        if case_id in before and before[case_id] != passes:
            yield f"{'passes now' if passes else 'fails now'}: {case_id}"


def _by_case(report: EvaluationReport) -> Mapping[str, bool]:
    passed: dict[str, bool] = {}
    for case in report.cases:
        passed[case.id] = passed.get(case.id, True) and case.passed
    return passed
