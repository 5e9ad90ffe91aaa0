"""A roll-out: its stages in order, and the way back."""

import shlex
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import NoReturn

from cloudmart.rollout.apply import (
    apply_stage,
    record_live_objects,
    record_running_state,
    report_removals,
)
from cloudmart.rollout.cluster import KubectlError, KubectlReason, Kubernetes
from cloudmart.rollout.jobs import IndexUse, JobFailedError, JobRunner
from cloudmart.rollout.leftovers import leftovers
from cloudmart.rollout.output import (
    NotRolledOutError,
    PersonNeededError,
    RolloutOutput,
    UnhealthyError,
)
from cloudmart.rollout.pod_faults import RolloutLimits
from cloudmart.rollout.pod_references import missing_for_rollback
from cloudmart.rollout.pod_replacement import REVISION, PodReplacement
from cloudmart.rollout.preflight import (
    gate_command,
    gate_warning,
    identity_faults,
    namespace_faults,
    right_faults,
    secret_faults,
    secret_of,
    server_refusals,
    storefront_faults,
    unread_keys,
)
from cloudmart.rollout.release import (
    DEPLOYMENT,
    ROLLOUT,
    Manifest,
    Release,
    Rendered,
    name_of,
    tag_of,
)
from cloudmart.rollout.smoke_test import SmokeTest

_DEPLOYMENT = f"deployment/{DEPLOYMENT}"

Explain = Callable[[Kubernetes], Iterable[str]]
"""Returns why pods do not work. The doctor does this; it imports this package, not the reverse."""


class Rollback:
    """Brings back the pods that ran when the roll-out began."""

    def __init__(
        self,
        cluster: Kubernetes,
        output: RolloutOutput,
        pods: PodReplacement,
        before: Manifest,
        tell_reasons: Callable[[], None],
    ) -> None:
        self._cluster = cluster
        self._output = output
        self._pods = pods
        self._before = before
        self._tell_reasons = tell_reasons

    def go(self, leave_indexes: Callable[[], None]) -> NoReturn:
        """Go back, and end by saying what runs; `leave_indexes` is for pods without indexes.

        Raises:
            NotRolledOutError: the old pods run again.
            PersonNeededError: the way back failed.
        """
        tag, at = tag_of(self._before), revision_of(self._before)
        if self._pods.revision() == at:
            record_running_state(self._cluster, self._output)
            raise NotRolledOutError(
                f"The pods were not replaced, {tag} runs: the fault is older, or is not in the "
                "pods."
            )
        with self._output.stage("back", f"Back to {tag}, revision {at}"):
            # What this program has rolled out writes the attributes of the indexes.
            if ROLLOUT not in (
                self._before["spec"]["template"]["metadata"].get("annotations") or {}
            ):
                leave_indexes()
            self._undo()
            runs = record_running_state(self._cluster, self._output)
        raise NotRolledOutError(
            f"The pods of {runs} run again, as before (revision {at}). Only the Deployment was "
            "restored: what else was applied stays, and the next roll-out finds it."
        )

    def _undo(self) -> None:
        words = undo_arguments(self._before)
        self._output.command(self._cluster.command(*words))
        try:
            self._cluster.do(*words)
            self._pods.wait()
        except (KubectlError, UnhealthyError) as error:
            self._tell_reasons()
            described = self._cluster.command("describe", _DEPLOYMENT)
            raise PersonNeededError(
                f"Going back failed. {error} See `{described}` and "
                f"`{self._cluster.command('get', 'pods')}`. Pods that only wait for a readiness "
                "gate of the load balancer get ready without its label: "
                f"`{gate_command(self._cluster, on=False)}`, then delete them."
            ) from error


def undo_arguments(before: Manifest) -> tuple[str, ...]:
    """Return the words that bring a Deployment back to where it was."""
    return ("rollout", "undo", _DEPLOYMENT, f"--to-revision={revision_of(before)}")


def revision_of(deployment: Manifest) -> str:
    """Return the revision of a Deployment."""
    return str((deployment["metadata"].get("annotations") or {}).get(REVISION, ""))


@dataclass(frozen=True, slots=True)
class RolloutChoices:
    """What the operator has chosen."""

    environment: str
    url: str | None = None
    tables: bool = True
    storefront: bool = True


class Rollout:
    """One roll-out of one environment."""

    def __init__(  # noqa: PLR0913 - each is something else that a roll-out is made of
        self,
        cluster: Kubernetes,
        rendered: Rendered,
        choices: RolloutChoices,
        output: RolloutOutput,
        limits: RolloutLimits,
        *,
        explain: Explain,
    ) -> None:
        self._cluster = cluster
        self._explain = explain
        self._rendered = rendered
        self._choices = choices
        self._output = output
        self._limits = limits
        self._pods = PodReplacement(cluster, output, limits)
        self._jobs = JobRunner(cluster, output, limits)
        self._indexes = IndexUse(self._jobs, output, limits)
        self._before: Manifest | None = None
        self._goes_on = "Nothing was changed."
        self.touched = False
        """Whether the pods, or the way to them, may have been changed."""

    @property
    def goes_on(self) -> str:
        """What still runs in the cluster if the roll-out is interrupted now."""
        return self._goes_on

    def run(self) -> str:
        """Roll out; return what runs then.

        Raises:
            NotRolledOutError: it is not, and what ran before runs.
            PersonNeededError: it cannot go on and cannot go back.
        """
        release = self.check()
        try:
            self._change_tables(release)
            self._replace_pods(release)
            entry = self._open_the_way(release)
        except UnhealthyError as error:
            self._go_back(release, str(error))
        return self._finish(release, entry)

    def expect_room_for_a_lease(self) -> None:
        """Refuse where not even the Lease of a roll-out can be made: no namespace, or no right.

        Raises:
            NotRolledOutError: what is missing, this and all else.
        """
        _refuse(namespace_faults(self._cluster, self._choices.environment))
        if not self._cluster.may("create", "leases.coordination.k8s.io"):
            self.check()

    def check(self) -> Release:
        """Run all checks, and return the release that is to be applied.

        Raises:
            NotRolledOutError: something is wrong; each fault is in it.
        """
        cluster, output, environment = self._cluster, self._output, self._choices.environment
        with output.stage("checks", "Checking before anything is changed"):
            secret, absent = secret_of(cluster, environment)
            rights = list(right_faults(cluster))
            if secret is None or rights:
                would_be = Release.of(self._rendered, None)
                raise _refusal(
                    [*filter(None, [absent]), *rights, *server_refusals(cluster, would_be)]
                )
            release = Release.of(self._rendered, secret["metadata"])
            output.facts |= {"rolloutId": release.rollout_id, "tag": release.tag}
            output.say(f"The tag {release.tag}, as roll-out {release.rollout_id}")
            self._before = cluster.find("deployment", DEPLOYMENT)
            found: list[Iterable[str]] = [secret_faults(self._rendered, secret)]
            found.append(server_refusals(cluster, release))
            found.append(identity_faults(cluster, release))
            if self._choices.storefront and (storefront := release.storefront):
                found.append(storefront_faults(cluster, storefront))
            if self._before:
                found.append(missing_for_rollback(cluster, self._before))
            else:
                output.say("It is the first roll-out here: there is nothing to go back to.")
            _refuse(chain.from_iterable(map(_with_rights, found)))
            for sentence in unread_keys(self._rendered, secret):
                output.warn(sentence)
            if warning := gate_warning(cluster):
                output.warn(warning)
            self._warn_of_leftovers(release)
            self._record(release)
        return release

    def _record(self, release: Release) -> None:
        """Record the live objects as applied, print what will go, and check the manifests."""
        manifests = [each for each in release.every if each is not release.job]
        live = record_live_objects(self._cluster, self._output, manifests)
        try:
            report_removals(self._cluster, self._output, manifests, live)
        except KubectlError as error:
            raise NotRolledOutError(
                f"The cluster refuses the manifests: {error}\n"
                "Nothing was changed but the record of what was applied."
            ) from error

    def _change_tables(self, release: Release) -> None:
        if not self._choices.tables:
            return
        job = release.job
        self._goes_on = (
            f"job/{name_of(job)} may continue. Watch it with "
            f"`{self._cluster.command('logs', f'job/{name_of(job)}', '--follow')}`. The pods were "
            "not touched."
        )
        with self._output.stage("tables", f"The tables: job/{name_of(job)}"):
            beside = [each for each in release.tables if each is not job]
            try:
                self._jobs.run(job, self._limits.tables, *beside)
            except JobFailedError as error:
                raise NotRolledOutError(f"The tables are not ready. {error}") from error

    def _replace_pods(self, release: Release) -> None:
        deployment = f"deployment/{DEPLOYMENT}"
        status = self._cluster.command("rollout", "status", deployment)
        self._goes_on = f"What was applied continues: see `{status}`. Back: `{self._back()}`."
        self.touched = True
        with self._output.stage("pods", f"The pods: {deployment}"):
            if self._before:
                # Somebody may have changed it while the tables were changed.
                _check_rollback(missing_for_rollback(self._cluster, self._before))
                record_live_objects(self._cluster, self._output, release.service)
            try:
                apply_stage(self._cluster, self._output, "service", release.service)
            except KubectlError as error:
                raise UnhealthyError(f"The cluster refused the manifests: {error}") from error
            self._pods.wait()
            if self._before and self._pods.revision() == revision_of(self._before):
                self._output.say(
                    "No pod was replaced: release, settings and Secret are those that run."
                )

    def _open_the_way(self, release: Release) -> SmokeTest:
        entry = SmokeTest(self._cluster, self._output, self._limits, release)
        with self._output.stage("edge", "The traffic to them: Service, Ingress, network policies"):
            record_live_objects(self._cluster, self._output, release.edge)
            try:
                apply_stage(self._cluster, self._output, "edge", release.edge)
            except KubectlError as error:
                raise UnhealthyError(f"The cluster refused the manifests: {error}") from error
        url = (self._choices.url or release.url).rstrip("/")
        with self._output.stage("answers", f"From outside: {url}"):
            entry.wait(url, storefront=self._choices.storefront, draining=self._draining)
        return entry

    def _finish(self, release: Release, entry: SmokeTest) -> str:
        environment, output = self._choices.environment, self._output
        self._goes_on = f"The release runs: {release.tag}, roll-out {release.rollout_id}."
        self._warn_of_leftovers(release)
        if entry.pending:
            output.warn(entry.pending)
        if self._choices.tables:
            jobs = self._cluster.command("get", "jobs")
            self._goes_on += (
                f" A Job that builds the indexes may continue: `{jobs}`. Until one has recorded "
                f"that it is done, look-ups read whole tables: run `{self._again()}` again."
            )
            with output.stage("indexes", "The indexes, now that no older pod writes"):
                self._indexes.use(release, self._again(), self._draining)
        return f"Rolled out: {environment} runs {release.tag}."

    def _go_back(self, release: Release, reason: str) -> NoReturn:
        self._output.say(reason)
        self._tell_reasons()
        if self._before is None:
            raise PersonNeededError(
                "There was nothing before it to go back to. What was applied stays: correct what "
                f"is wrong and roll out again, or remove it: `{self._back()}`."
            )
        self._goes_on = f"Going back has begun: `{self._back()}`. It continues by itself."
        rollback = Rollback(
            self._cluster, self._output, self._pods, self._before, self._tell_reasons
        )
        indexes = self._indexes if self._choices.tables else None
        rollback.go(lambda: indexes.leave(release) if indexes else None)

    def _tell_reasons(self) -> None:
        for text in self._explain(self._cluster):
            self._output.detail(text)

    def _draining(self) -> bool:
        try:
            return bool(self._pods.look().old)
        except KubectlError:
            return False

    def _warn_of_leftovers(self, release: Release) -> None:
        for sentence in leftovers(self._cluster, release):
            self._output.warn(sentence)

    def _again(self) -> str:
        context = ["--context", self._cluster.context] if self._cluster.context else []
        return shlex.join(["cloudmart", "rollout", *context, self._choices.environment])

    def _back(self) -> str:
        if self._before is None:
            return self._cluster.command("delete", "deployment", DEPLOYMENT)
        return self._cluster.command(*undo_arguments(self._before))


def _with_rights(faults: Iterable[str]) -> Iterator[str]:
    """Yield faults; where a right to look is missing, that instead of the rest of them."""
    try:
        yield from faults
    except KubectlError as error:
        if error.reason is not KubectlReason.FORBIDDEN:
            raise
        yield str(error)


def _refuse(faults: Iterable[str]) -> None:
    if found := list(faults):
        raise _refusal(found)


def _refusal(faults: Iterable[str]) -> NotRolledOutError:
    # Two looks may miss the same right.
    return NotRolledOutError("\n".join([*dict.fromkeys(faults), "Nothing was changed."]))


def _check_rollback(faults: Iterable[str]) -> None:
    if found := list(faults):
        raise NotRolledOutError("\n".join([*found, "The pods were not touched."]))
