"""The doctor as a command: which checks run, where the results go, and the exit code."""

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cloudmart.doctor.bundle import write_bundle
from cloudmart.doctor.checklist import Phase, in_phase
from cloudmart.doctor.engine import Examination, Waiting, examine, with_parents
from cloudmart.doctor.open_target import Load, TargetOptions, open_target
from cloudmart.doctor.registry import CHECKS, catalogue
from cloudmart.doctor.target import DoctorTarget
from cloudmart.findings.catalogue import FindingEntry
from cloudmart.findings.finding import CheckExit, CheckFinding, CheckStatus, exit_of
from cloudmart.findings.output import as_json, as_junit, lines_of, show_findings
from cloudmart.rollout.cluster import Kubernetes
from cloudmart.settings import load_settings

Write = Callable[[str], object]

_OF_PODS = ("pods-start", "pods-ready", "startup-logs", "pods-reach-all", "logs-clean")
_QUIET = (CheckStatus.PASS, CheckStatus.SKIP)


@dataclass(frozen=True, slots=True)
class DoctorChoices:
    """What is to be checked.

    Raises:
        ValueError: a name does not exist.
    """

    phase: str | None = None
    only: Sequence[str] = ()
    demote: Sequence[str] = ()
    wait: float = 0.0
    target: TargetOptions = field(default_factory=TargetOptions)

    def __post_init__(self) -> None:
        if self.phase is not None and self.phase not in list(Phase):
            raise ValueError(f"There is no phase {self.phase!r}: use one of {', '.join(Phase)}.")
        known = {each.id for each in catalogue()}
        for name in self.only:
            if name not in known and name not in catalogue().areas:
                raise ValueError(
                    f"There is no finding and no area {name!r}: `cloudmart doctor --list` has all."
                )
        for name in self.demote:
            if name not in known:
                raise ValueError(
                    f"There is no finding {name!r} to demote: `cloudmart doctor --list` has all."
                )

    @property
    def entries(self) -> list[FindingEntry]:
        """The findings that are chosen."""
        phase = Phase(self.phase) if self.phase else None
        return [
            each
            for each in catalogue()
            if in_phase(each, phase)
            and (not self.only or each.id in self.only or each.area in self.only)
        ]


@dataclass(frozen=True, slots=True)
class DoctorOutputs:
    """Where the results go, and in which form."""

    json: bool = False
    junit: Path | None = None
    bundle: Path | None = None
    strict: bool = False
    every: bool = False


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The findings, and the target they are about."""

    target: DoctorTarget
    found: Examination

    def code(self, *, strict: bool) -> CheckExit:
        """Return the command's exit code."""
        worst = exit_of(self.found.findings, strict=strict)
        return CheckExit.BROKE if self.found.broken and worst is not CheckExit.FAILED else worst


def listed(choices: DoctorChoices) -> Iterator[str]:
    """Yield a line for each finding that may be told."""
    for each in choices.entries:
        yield f"{each.area:<14} {each.id:<32} {each.severity:<5} {each.text}"


async def diagnose(
    choices: DoctorChoices, environ: Mapping[str, str], load: Load, tell: Write = lambda _: None
) -> Diagnosis:
    """Run all chosen checks."""
    target = await open_target(choices.target, environ, load)
    return await diagnose_target(choices, target, tell)


async def diagnose_target(
    choices: DoctorChoices, target: DoctorTarget, tell: Write = lambda _: None
) -> Diagnosis:
    """Run the chosen checks on a target."""
    wanted = {each.id for each in choices.entries}
    checks = with_parents(CHECKS, wanted)
    found = await examine(checks, target, catalogue(), Waiting(choices.wait, tell=tell))
    kept = [each for each in found.findings if each.id in wanted or _stands_in_the_way(each)]
    found.findings = [each.demoted(choices.demote) for each in kept]
    return Diagnosis(target, found)


def _stands_in_the_way(parent: CheckFinding) -> bool:
    """Return whether to show a finding that was not chosen: others were skipped for it."""
    return parent.status is CheckStatus.FAIL


def tell_diagnosis(
    diagnosis: Diagnosis, choices: DoctorChoices, outputs: DoctorOutputs, write: Write
) -> CheckExit:
    """Print the findings in every chosen form, and return the exit code.

    Raises:
        OSError: a file cannot be written.
    """
    findings = diagnosis.found.findings
    code = diagnosis.code(strict=outputs.strict)
    document = as_json(findings, code, phase=choices.phase, source=diagnosis.target.source)
    if outputs.junit:
        outputs.junit.write_text(as_junit(findings, "doctor"), "utf-8")
    if outputs.bundle:
        write_bundle(outputs.bundle, diagnosis.target, document)
    if outputs.json:
        write(document)
        return code
    write(f"Checking {diagnosis.target.source}.")
    show_findings(findings, write, every=outputs.every)
    for name in diagnosis.found.broken:
        write(f"The check {name!r} has a bug: its findings are not known.")
    if outputs.bundle:
        write(f"For the person who helps you: {outputs.bundle}")
    return code


def reasons_of_pods(cluster: Kubernetes) -> Iterator[str]:
    """Yield what is wrong with the pods, a text for each finding: for `cloudmart rollout`."""
    found: list[CheckFinding] = []

    def look() -> None:
        target = DoctorTarget({}, load_settings({}), cluster=cluster, namespace=cluster.namespace)
        diagnosis = asyncio.run(diagnose_target(DoctorChoices(only=_OF_PODS), target))
        found.extend(diagnosis.found.findings)

    # A signal ends a roll-out at once, and not only its look at the pods.
    looking = threading.Thread(target=look, daemon=True)
    looking.start()
    looking.join()
    for each in found:
        if each.status not in _QUIET:
            yield "\n".join(lines_of(each))
