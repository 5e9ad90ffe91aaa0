"""A roll-out as a command: which cluster it changes, what stops it, what it reports."""

import json
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Self

import yaml

from cloudmart.rollout.apply import save_running_release
from cloudmart.rollout.cluster import KubectlError, KubectlReason, Kubernetes, Run, kubectl_program
from cloudmart.rollout.jobs import tables_job
from cloudmart.rollout.output import (
    ExitCode,
    NotRolledOutError,
    PersonNeededError,
    RolloutInterruptedError,
    RolloutOutput,
)
from cloudmart.rollout.pod_faults import RolloutLimits
from cloudmart.rollout.release import (
    DEPLOYMENT,
    Manifest,
    Release,
    Rendered,
    find_kubectl,
    name_of,
    object_reference,
    render_overlay,
)
from cloudmart.rollout.run import Explain, Rollout, RolloutChoices

NAME = "cloudmart-rollout"
SECONDS = 60
"""A Lease that was not renewed for so long has expired: its holder has died."""

_EVERY = 15.0
_FORM = "%Y-%m-%dT%H:%M:%S.%fZ"

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class RolloutLease:
    """The right to roll out in a namespace; renewed in the background until it is given back.

    `lost` is called, from another thread, if another roll-out has taken it.
    """

    def __init__(
        self, cluster: Kubernetes, lost: Callable[[], None], every: float = _EVERY
    ) -> None:
        self._cluster = cluster
        self._lost = lost
        self._every = every
        self._holder = f"{_user()}@{socket.gethostname()}, process {os.getpid()}"
        self._ended = threading.Event()
        self._renewing = threading.Thread(target=self._renew, daemon=True)
        self._held: Manifest | None = None

    def __enter__(self) -> Self:
        """Take the Lease, or refuse: somebody else holds it."""
        self._held = self._take()
        self._renewing.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give the Lease back, unless it was broken off: then it ends by itself."""
        self._ended.set()
        if kind is None or issubclass(kind, Exception):
            self._renewing.join()
            try:
                self._cluster.do("delete", "lease", NAME, "--ignore-not-found", "--wait=false")
            except KubectlError:
                return  # It ends by itself, a minute later.

    def _take(self) -> Manifest:
        spec = {"acquireTime": _stamp(), "renewTime": _stamp()}
        try:
            return self._write("create", {"name": NAME}, spec)
        except KubectlError as error:
            if error.reason is not KubectlReason.EXISTS:
                raise
        former = self._cluster.find("lease", NAME)
        if former is None:
            return self._take()
        if (left := _seconds_left(former)) > 0:
            raise NotRolledOutError(
                f"Another roll-out is running in {self._cluster.namespace}: "
                f"{former['spec'].get('holderIdentity')}. Wait for it. If it has died, its lock "
                f"ends in {left:.0f} s."
            )
        try:
            return self._write("replace", _same(former), spec)
        except KubectlError as error:
            if error.reason in {KubectlReason.CHANGED, KubectlReason.ABSENT}:
                raise NotRolledOutError("Another roll-out has just begun. Wait for it.") from error
            raise

    def _renew(self) -> None:
        while not self._ended.wait(self._every):
            held = self._held
            if held is None:
                return
            try:
                spec = {"acquireTime": held["spec"]["acquireTime"], "renewTime": _stamp()}
                self._held = self._write("replace", _same(held), spec)
            except KubectlError as error:
                if error.reason in {KubectlReason.CHANGED, KubectlReason.ABSENT}:
                    self._lost()
                    return
                # It is tried again, and there are more tries than one before it ends.

    def _write(self, verb: str, metadata: dict[str, Any], spec: dict[str, Any]) -> Manifest:
        lease = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {**metadata, "namespace": self._cluster.namespace},
            "spec": {"holderIdentity": self._holder, "leaseDurationSeconds": SECONDS, **spec},
        }
        written: Manifest = json.loads(
            self._cluster.do(verb, "--filename", "-", "--output", "json", told=lease)
        )
        return written


def _same(lease: Manifest) -> dict[str, Any]:
    """Return what makes a write fail if somebody else has written since."""
    return {"name": NAME, "resourceVersion": lease["metadata"]["resourceVersion"]}


def _seconds_left(lease: Manifest) -> float:
    spec = lease.get("spec") or {}
    if not spec.get("renewTime"):
        return 0
    renewed = datetime.strptime(spec["renewTime"], _FORM).replace(tzinfo=UTC)
    ends = renewed + timedelta(seconds=spec.get("leaseDurationSeconds") or SECONDS)
    return (ends - datetime.now(UTC)).total_seconds()


def _stamp() -> str:
    return datetime.now(UTC).strftime(_FORM)


def _user() -> str:
    return os.environ.get("USER") or os.environ.get("LOGNAME") or "somebody"


def print_plan(
    output: RolloutOutput, cluster: Kubernetes, release: Release, choices: RolloutChoices
) -> None:
    """Print each stage, and its commands that would change the cluster."""
    job = name_of(release.job)
    if choices.tables:
        output.say(f"The tables: job/{job}")
        output.command(cluster.command("delete", "job", job, "--ignore-not-found", "--wait"))
        output.command(f"{cluster.command('apply', '--filename')} {job}.json")
    output.say(f"The pods: deployment/{DEPLOYMENT}")
    output.command(f"{cluster.command('apply', '--filename')} service.json")
    output.detail("\n".join(map(object_reference, release.service)))
    output.say("The traffic to them: Service, Ingress, network policies")
    output.command(f"{cluster.command('apply', '--filename')} edge.json")
    output.detail("\n".join(map(object_reference, release.edge)))
    output.say(f"From outside: {choices.url or release.url}")
    if choices.tables:
        job = name_of(tables_job(release, "use-indexes"))
        output.say(f"The indexes, now that no older pod writes: job/{job}")
        output.command(cluster.command("delete", "job", job, "--ignore-not-found", "--wait"))
        output.command(f"{cluster.command('apply', '--filename')} {job}.json")


@dataclass(frozen=True, slots=True)
class RolloutCommand:
    """The arguments of the command line."""

    overlay: Path
    choices: RolloutChoices
    limits: RolloutLimits
    complaints: Callable[[], str]
    """Returns what is still to be filled in; nothing if all is."""
    explain: Explain
    context: str | None = None
    dry_run: bool = False
    save: Path | None = None
    report: Path | None = None
    run: Run | None = None
    """What runs kubectl, if not the kubectl that is found."""
    output: RolloutOutput = field(default_factory=RolloutOutput)


def run_rollout(command: RolloutCommand) -> tuple[ExitCode, dict[str, Any]]:
    """Run the command; return the exit code and the report of all that was done and seen."""
    output, environment = command.output, command.choices.environment
    output.facts |= {"environment": environment, "exitCode": None}
    try:
        code, sentence = ExitCode.ROLLED_OUT, _act(command)
    except NotRolledOutError as error:
        code, sentence = ExitCode.NOT, str(error)
    except PersonNeededError as error:
        code, sentence = ExitCode.NEEDS_A_PERSON, str(error)
    except RolloutInterruptedError as error:
        code, sentence = ExitCode.NEEDS_A_PERSON, str(error)
    for line in sentence.splitlines():
        output.say(line)
    if code is ExitCode.NOT:
        output.say(f"Not rolled out: {environment}.")
    output.facts |= {"exitCode": int(code), "outcome": sentence}
    if not command.dry_run and not command.save:
        _keep(command)
    return code, output.document()


def _act(command: RolloutCommand) -> str:
    rendered = _rendered(command)
    release = Release.of(rendered, None)
    if command.dry_run:
        print_plan(command.output, _cluster(command, release), release, command.choices)
        return "Dry run: nothing was changed."
    cluster = _cluster(command, release)
    try:
        where = cluster.where()
    except KubectlError as error:
        raise NotRolledOutError(
            f"No cluster is known: {error} Name one with --context.\nNothing was changed."
        ) from error
    command.output.facts["where"] = where
    command.output.say(f"{command.choices.environment}: {where}")
    rollout = Rollout(
        cluster,
        rendered,
        command.choices,
        command.output,
        command.limits,
        explain=command.explain,
    )
    reason = ["Broken off."]
    try:
        with _broken_off_by_signals(rollout, reason):
            if command.save:
                return _save(command.save, cluster, release)
            rollout.expect_room_for_a_lease()
            with RolloutLease(cluster, lambda: _lose(reason)):
                return rollout.run()
    except KubectlError as error:
        raise _ended_by(error, rollout) from error


def _ended_by(error: KubectlError, rollout: Rollout) -> Exception:
    """Return how it ends where kubectl has failed at a point at which nobody expected it."""
    begins = {
        KubectlReason.AWAY: "The cluster does not answer: ",
        KubectlReason.FORBIDDEN: "A right is missing. Ask for it: ",
    }
    sentence = f"{begins.get(error.reason, '')}{error}\n{rollout.goes_on}"
    return (PersonNeededError if rollout.touched else NotRolledOutError)(sentence)


def _rendered(command: RolloutCommand) -> Rendered:
    try:
        if complaints := command.complaints():
            raise NotRolledOutError(f"{complaints}\nNothing was changed.")
        return render_overlay(command.overlay)
    except FileNotFoundError as error:
        raise NotRolledOutError(f"{error} Nothing was changed.") from error
    except subprocess.CalledProcessError as error:
        raise NotRolledOutError(
            f"The manifests cannot be rendered: {error.stderr.strip()} Nothing was changed."
        ) from error


def _cluster(command: RolloutCommand, release: Release) -> Kubernetes:
    run = command.run or kubectl_program(str(find_kubectl()))
    return Kubernetes(run, release.namespace, command.context)


def _save(file: Path, cluster: Kubernetes, release: Release) -> str:
    saved, absent = save_running_release(cluster, release)
    if absent:
        raise NotRolledOutError(
            f"{', '.join(absent)} is not there: nothing was written to {file}. Is this the right "
            "cluster?"
        )
    try:
        # One that is there may be what ran before the cut-over: it cannot be had a second time.
        with file.open("x", encoding="utf-8") as kept:
            kept.write(yaml.safe_dump_all(saved, sort_keys=False))
    except OSError as error:
        raise NotRolledOutError(
            f"Nothing was saved to {file}: {error.strerror}. Name another file."
        ) from error
    return f"{len(saved)} objects as they are now were written to {file}. Keep it."


def _lose(reason: list[str]) -> None:
    reason[0] = "Stopped: another roll-out has taken over."
    os.kill(os.getpid(), signal.SIGTERM)


@contextmanager
def _broken_off_by_signals(rollout: Rollout, reason: list[str]) -> Iterator[None]:
    """Let a signal end the roll-out at once, and say what continues without it."""

    def end(_: int, __: FrameType | None) -> None:
        for each in _SIGNALS:
            signal.signal(each, signal.SIG_IGN)
        raise RolloutInterruptedError(
            f"{reason[0]} {rollout.goes_on}\nThe next roll-out can begin in a minute."
        )

    # What somebody has told the process to ignore (nohup) stays ignored.
    heeded = [each for each in _SIGNALS if signal.getsignal(each) is not signal.SIG_IGN]
    former = {each: signal.signal(each, end) for each in heeded}
    try:
        yield
    finally:
        for each, handler in former.items():
            signal.signal(each, handler)


def _keep(command: RolloutCommand) -> None:
    output = command.output
    file = command.report or _default_report(output, command.choices.environment)
    try:
        output.write(file)
    except OSError as error:
        output.warn(f"The report could not be written to {file}: {error.strerror}.")
    else:
        output.detail(f"The report of all steps and answers: {file}")


def _default_report(output: RolloutOutput, environment: str) -> Path:
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    name = f"{environment}-{output.now():%Y%m%dT%H%M%SZ}.json"
    return Path(state) / "cloudmart" / "rollouts" / name
