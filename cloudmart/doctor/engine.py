"""Runs checks at once, each bounded; one that failed skips its children and nothing else."""

import asyncio
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog

from cloudmart.doctor.check import CheckResult, DoctorCheck
from cloudmart.doctor.inputs import Inputs, NotAskedError, NotKnownError
from cloudmart.doctor.target import DoctorTarget
from cloudmart.findings.catalogue import FindingCatalogue
from cloudmart.findings.finding import CheckFinding, CheckStatus

_AT_ONCE = 8
_BLOCKS = (CheckStatus.FAIL, CheckStatus.SKIP)
_ORDER = (CheckStatus.PASS, CheckStatus.SKIP, CheckStatus.UNKNOWN, CheckStatus.WARN)
_log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Waiting:
    """How long to wait for checks that may settle, and where to report their state."""

    seconds: float = 0.0
    pause: float = 2.0
    """Seconds between two looks."""
    tell: Callable[[str], object] = lambda _: None


@dataclass(slots=True)
class Examination:
    """The result of a run: every finding, which inputs were read, and which checks broke."""

    findings: list[CheckFinding]
    reads: dict[str, set[str]] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Run:
    check: DoctorCheck
    findings: dict[str, CheckFinding] = field(default_factory=dict)
    reads: set[str] = field(default_factory=set)
    broken: bool = False


async def examine(
    checks: Sequence[DoctorCheck],
    target: DoctorTarget,
    catalogue: FindingCatalogue,
    waiting: Waiting = Waiting(),
) -> Examination:
    """Run checks, and return their findings in the catalogue's order."""
    engine = _Engine(checks, target, catalogue, waiting)
    async with asyncio.TaskGroup() as group:
        for each in checks:
            engine.start(group, each)
    runs = engine.runs
    found = {key: finding for run in runs for key, finding in run.findings.items()}
    return Examination(
        [found[entry.id] for entry in catalogue if entry.id in found],
        {run.check.name: run.reads for run in runs},
        [run.check.name for run in runs if run.broken],
    )


def with_parents(checks: Sequence[DoctorCheck], wanted: Collection[str]) -> list[DoctorCheck]:
    """Return the checks that make some findings, and those that they wait for."""
    makers = {key: each for each in checks for key in each.findings}
    chosen: set[str] = set()
    left = list(wanted)
    while left:
        check = makers[left.pop()]
        if check.findings[0] not in chosen:
            chosen.add(check.findings[0])
            left += check.parents
    return [each for each in checks if each.findings[0] in chosen]


class _Engine:
    def __init__(
        self,
        checks: Sequence[DoctorCheck],
        target: DoctorTarget,
        catalogue: FindingCatalogue,
        waiting: Waiting,
    ) -> None:
        self.runs = [_Run(each) for each in checks]
        self._of = {key: run for run in self.runs for key in run.check.findings}
        self._target = target
        self._catalogue = catalogue
        self._waiting = waiting
        self._kept: dict[object, Any] = {}
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._tasks: dict[int, asyncio.Task[None]] = {}

    def start(self, group: asyncio.TaskGroup, check: DoctorCheck) -> None:
        run = self._of[check.findings[0]]
        self._tasks[id(run)] = group.create_task(self._work(run))

    async def _work(self, run: _Run) -> None:
        # All are there before the first begins: a task runs no earlier than at the next await.
        await asyncio.sleep(0)
        parents = {id(self._of[key]) for key in run.check.parents if key in self._of}
        for parent in parents:
            await asyncio.shield(self._tasks[parent])
        if reason := self._blocked(run.check):
            run.findings = dict(self._finish(run.check, {}, CheckStatus.SKIP, reason))
            return
        async with self._slots:
            await self._look(run, self._kept)
        await self._look_again(run)

    def _blocked(self, check: DoctorCheck) -> str | None:
        for key in check.parents:
            parent = self._of[key].findings.get(key) if key in self._of else None
            if parent and parent.status in _BLOCKS:
                return f"{key} failed" if parent.status is CheckStatus.FAIL else parent.observed
        return None

    async def _look_again(self, run: _Run) -> None:
        """Repeat a check until nothing fails or time is over; report its state meanwhile."""
        until = time.monotonic() + min(run.check.settles, self._waiting.seconds)
        while (failed := _failed(run)) and not run.broken and time.monotonic() < until:
            self._waiting.tell(f"{failed.id}: {failed.observed}")
            await asyncio.sleep(self._waiting.pause)
            async with self._slots:
                await self._look(run, {})

    async def _look(self, run: _Run, kept: dict[object, Any]) -> None:
        check = run.check
        inputs = Inputs(self._target, check.inputs, kept, run.reads)
        results: dict[str, CheckFinding] = {}
        status, reason, fix = CheckStatus.PASS, "", ""
        run.broken = False
        try:
            async with asyncio.timeout(check.seconds):
                async for result in check.run(inputs):
                    _add(results, self._finding(check, result))
        except NotAskedError as error:
            status, reason = CheckStatus.SKIP, str(error)
        except NotKnownError as error:
            status, reason, fix = CheckStatus.UNKNOWN, str(error), error.fix
        except TimeoutError:
            status, reason = CheckStatus.UNKNOWN, f"no answer within {check.seconds:.0f} s"
        except Exception as error:  # noqa: BLE001 - see below
            # One that broke says nothing of the others.
            _log.exception("check_broken", check=check.name)
            run.broken = True
            status = CheckStatus.UNKNOWN
            reason = f"the check has a bug: {type(error).__name__}"
        run.findings = dict(self._finish(check, results, status, reason, fix))

    def _finding(self, check: DoctorCheck, result: CheckResult) -> CheckFinding:
        if result.id not in check.findings:
            raise LookupError(f"{check.name} makes no finding {result.id}")
        entry = self._catalogue[result.id]
        status = result.status or entry.severity
        return entry.finding(status, result.observed, result.facts, why=result.why, fix=result.fix)

    def _finish(
        self,
        check: DoctorCheck,
        results: Mapping[str, CheckFinding],
        status: CheckStatus,
        reason: str,
        fix: str = "",
    ) -> Iterator[tuple[str, CheckFinding]]:
        for key in check.findings:
            told = results.get(key)
            yield key, told or self._catalogue[key].finding(status, reason, fix=fix)


def _add(results: dict[str, CheckFinding], finding: CheckFinding) -> None:
    """Keep a finding; of two of one id the worse, with what was seen of both."""
    before = results.get(finding.id)
    if before is None:
        results[finding.id] = finding
        return
    worse = max(before, finding, key=lambda each: _badness(each.status))
    seen = [each.observed for each in (before, finding) if each.status is worse.status]
    observed = "; ".join(dict.fromkeys(filter(None, seen)))
    results[finding.id] = CheckFinding(
        worse.id, worse.area, worse.status, observed, worse.why, worse.fix, worse.docs
    )


def _badness(status: CheckStatus) -> int:
    return _ORDER.index(status) if status in _ORDER else len(_ORDER)


def _failed(run: _Run) -> CheckFinding | None:
    return next((each for each in run.findings.values() if each.status is CheckStatus.FAIL), None)
