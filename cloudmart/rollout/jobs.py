"""A Job that a roll-out starts and waits for, with its pods watched meanwhile."""

import copy
from collections.abc import Callable
from typing import Any

from cloudmart.rollout.cluster import KubectlError, KubectlReason, Kubernetes, manifest_list
from cloudmart.rollout.output import PersonNeededError, RolloutOutput
from cloudmart.rollout.pod_faults import (
    FaultHistory,
    PodFault,
    RolloutLimits,
    last_log_lines,
    pod_faults,
    warnings_about,
)
from cloudmart.rollout.release import Manifest, Release, name_of

_LEAVE_WITHIN = 120.0
_DRAIN_WITHIN = 180.0


class JobFailedError(Exception):
    """The Job failed."""


class JobRunner:
    """Runs Jobs, each to its end."""

    def __init__(self, cluster: Kubernetes, output: RolloutOutput, limits: RolloutLimits) -> None:
        self._cluster = cluster
        self._output = output
        self._limits = limits

    def run(self, job: Manifest, within: float, *beside: Manifest) -> None:
        """Start a Job, with what it needs beside it, and wait until it is done.

        A Job whose pod cannot even start is removed: it would start later, unwatched.

        Raises:
            JobFailedError: it failed, did not start, or took too long.
        """
        name = name_of(job)
        # What a Job does cannot be changed, so one of the same name has to go first.
        words = ("delete", "job", name, "--ignore-not-found", "--wait")
        self._output.command(self._cluster.command(*words))
        self._cluster.do(*words)
        self._output.command(f"{self._cluster.command('apply', '--filename')} {name}.json")
        self._cluster.do("apply", "--filename", "-", told=manifest_list([*beside, job]))
        try:
            self._wait(name, within)
        except JobFailedError:
            self._tell_log(name)
            raise
        self._tell_log(name)

    def _wait(self, name: str, within: float) -> None:
        limits, grievances = self._limits, FaultHistory(self._limits.clock)
        deadline = limits.clock() + within
        while limits.clock() < deadline:
            try:
                state, found = self._look(name)
            except KubectlError as error:
                if error.reason is KubectlReason.ABSENT:
                    raise JobFailedError(f"Somebody removed job/{name}.") from error
                # The Job continues, even if it cannot be read.
                self._output.progress(f"The cluster does not answer: {error}")
                limits.sleep(limits.pause)
                continue
            if state == "Complete":
                return
            if state == "Failed":
                raise JobFailedError(f"job/{name} failed.{_reasons(found)}")
            new, lasting = grievances.note(found)
            for each in new:
                self._output.warn(each.sentence)
            if lasting:
                self._remove(name)
                raise JobFailedError(f"job/{name} does not start and was removed.{_reasons(found)}")
            self._output.progress(f"job/{name} is {state}")
            limits.sleep(limits.pause)
        raise JobFailedError(
            f"job/{name} was not done after {within:.0f} s and continues. Watch it with "
            f"`{self._cluster.command('logs', f'job/{name}', '--follow')}`."
        )

    def _look(self, name: str) -> tuple[str, list[PodFault]]:
        job = self._cluster.get("job", name)
        conditions = [
            each["type"]
            for each in job.get("status", {}).get("conditions") or ()
            if each["status"] == "True"
        ]
        for end in ("Complete", "Failed"):
            if end in conditions:
                return end, self._found(name)
        active = job.get("status", {}).get("active")
        return ("at work" if active else "waiting for a pod"), self._found(name)

    def _found(self, name: str) -> list[PodFault]:
        pods = self._cluster.every("pods", "--selector", f"job-name={name}")
        found = [each for pod in pods for each in pod_faults(pod)]
        if not pods:
            return warnings_about(self._cluster, "Job", name)
        if any(pod.get("status", {}).get("phase") == "Pending" for pod in pods) and not found:
            return [
                each for pod in pods for each in warnings_about(self._cluster, "Pod", name_of(pod))
            ]
        return found

    def _remove(self, name: str) -> None:
        words = ("delete", "job", name, "--ignore-not-found", "--wait=false")
        self._tell_log(name)
        self._output.command(self._cluster.command(*words))
        self._cluster.do(*words)

    def _tell_log(self, name: str) -> None:
        if lines := last_log_lines(self._cluster, f"job/{name}"):
            self._output.detail("\n".join(lines))


def _reasons(found: list[PodFault]) -> str:
    return f" {found[0].sentence}" if found else ""


class IndexUse:
    """Starts the Jobs after which look-ups use the indexes, or no more."""

    def __init__(self, jobs: JobRunner, output: RolloutOutput, limits: RolloutLimits) -> None:
        self._jobs = jobs
        self._output = output
        self._limits = limits

    def use(self, release: Release, again: str, draining: Callable[[], bool]) -> None:
        """Wait until the last old pod has ended, then complete all orders and record that.

        Raises:
            PersonNeededError: that could not be done; `again` is the command to try it with.
        """
        limits, still = self._limits, "The release runs, but look-ups read whole tables"
        until = limits.clock() + _DRAIN_WITHIN
        while draining():
            if limits.clock() > until:
                raise PersonNeededError(
                    f"{still}: a pod of the older release does not end. Delete it, then run "
                    f"`{again}` again."
                )
            self._output.progress("Waiting for the last pod of the older release to end")
            limits.sleep(limits.pause)
        try:
            self._jobs.run(tables_job(release, "use-indexes"), limits.tables)
        except (JobFailedError, KubectlError) as error:
            raise PersonNeededError(f"{still}. {error} Then run `{again}` again.") from error

    def leave(self, release: Release) -> None:
        """Let look-ups read whole tables again; where that fails, say what to run."""
        try:
            # A process that still uses an index notices within a minute; the way back does not
            # wait.
            self._jobs.run(tables_job(release, "leave-indexes", "--wait", "0"), _LEAVE_WITHIN)
        except (JobFailedError, KubectlError) as error:
            self._output.warn(
                f"{error} If `cloudmart tables use-indexes` was ever run, run `cloudmart tables "
                "leave-indexes`: look-ups may miss orders that the older release writes."
            )


def tables_job(release: Release, *words: str) -> Manifest:
    """Return a Job that runs another command of `cloudmart tables` as the release's own does."""
    job: dict[str, Any] = copy.deepcopy(dict(release.job))
    tag = name_of(release.job).removeprefix("cloudmart-tables-")
    job["metadata"]["name"] = f"cloudmart-{words[0]}-{tag}"
    (container,) = job["spec"]["template"]["spec"]["containers"]
    container["command"] = ["cloudmart", "tables", *words]
    return job
