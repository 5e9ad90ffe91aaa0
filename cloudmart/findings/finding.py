"""A finding: one line of the deployment checklist, and what a set of them means for a command."""

from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass, replace
from enum import IntEnum, StrEnum


class CheckStatus(StrEnum):
    """The result of a check."""

    PASS = "pass"  # noqa: S105 - a status
    WARN = "warn"
    FAIL = "fail"
    SKIP = "skip"
    """It was not checked; the finding's `observed` says why."""
    UNKNOWN = "unknown"
    """It was checked without a result; the finding's `observed` says why."""


class CheckExit(IntEnum):
    """What the exit code of a command that checks something means, in every format."""

    PASSED = 0
    FAILED = 1
    CALLED_WRONGLY = 2
    BROKE = 3
    """The command itself failed, so its findings are not complete."""
    WARNED = 4
    """Nothing failed, there is a warning, and `--strict` was given."""


@dataclass(frozen=True, slots=True)
class CheckFinding:
    """What was found of one thing that is checked.

    `observed` is what was seen, without a secret. `why` and `fix` are empty where all is well.
    """

    id: str
    area: str
    status: CheckStatus
    observed: str = ""
    why: str = ""
    fix: str = ""
    docs: str = ""

    @property
    def took(self) -> float:
        """Return the seconds that it took, where a command measures them."""
        return 0.0

    def document(self) -> dict[str, str]:
        """Return it for programs."""
        return asdict(self)

    def demoted(self, ids: Collection[str]) -> "CheckFinding":
        """Return it as a warning, if it failed and is one of those ids."""
        if self.status is CheckStatus.FAIL and self.id in ids:
            return replace(self, status=CheckStatus.WARN)
        return self


def exit_of(findings: Iterable[CheckFinding], *, strict: bool = False) -> CheckExit:
    """Return the exit code for the worst finding."""
    seen = {each.status for each in findings}
    if CheckStatus.FAIL in seen:
        return CheckExit.FAILED
    return CheckExit.WARNED if strict and CheckStatus.WARN in seen else CheckExit.PASSED
