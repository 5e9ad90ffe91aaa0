"""A check as data: which findings it makes, of which inputs, after which others, for how long."""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field

from cloudmart.doctor.inputs import Inputs
from cloudmart.findings.finding import CheckStatus


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What a check says of one of its findings; without a status, that of the catalogue.

    `facts` fill in the catalogue's words; `why` and `fix` stand in their place.
    """

    id: str
    observed: str = ""
    status: CheckStatus | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    why: str = ""
    fix: str = ""


def trouble(key: str, observed: str, *, why: str = "", fix: str = "", **facts: str) -> CheckResult:
    """Return that something does not hold, as serious as the catalogue says."""
    return CheckResult(key, observed, None, facts, why, fix)


def passed(key: str, observed: str = "") -> CheckResult:
    """Return that something holds."""
    return CheckResult(key, observed, CheckStatus.PASS)


def skipped(key: str, reason: str) -> CheckResult:
    """Return that something is not checked here."""
    return CheckResult(key, reason, CheckStatus.SKIP)


def unknown(key: str, reason: str, fix: str = "") -> CheckResult:
    """Return that the result is not known, and why."""
    return CheckResult(key, reason, CheckStatus.UNKNOWN, fix=fix)


RunCheck = Callable[[Inputs], AsyncIterator[CheckResult]]
"""Runs the check, and yields its results. A finding of the check that is not yielded passes.

It raises `NotAskedError` or `NotKnownError` for all findings that it has not yielded yet.
"""


@dataclass(frozen=True, slots=True)
class DoctorCheck:
    """A check of one thing.

    Where a finding among `parents` failed or was skipped, it is skipped. With `--wait`, a check
    that has `settles` runs again for so many seconds while one of its findings fails.
    """

    findings: tuple[str, ...]
    run: RunCheck
    inputs: frozenset[str]
    parents: tuple[str, ...] = ()
    seconds: float = 8.0
    settles: float = 0.0

    @property
    def name(self) -> str:
        """Its name in a message about a bug in it."""
        return str(getattr(self.run, "__name__", "check"))
