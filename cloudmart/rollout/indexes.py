"""The tables' indexes: used when no older pod writes, left before one may write again.

Releases of before write orders without what the indexes are made of, so look-ups use an index
only while a pass over all orders is recorded that began when the last older pod had ended.
"""

import copy
from collections.abc import Callable
from typing import Any

from cloudmart.rollout.cluster import KubectlError
from cloudmart.rollout.ends import PersonNeededError
from cloudmart.rollout.jobs import JobFailedError, JobRunner
from cloudmart.rollout.journal import Journal
from cloudmart.rollout.kustomize import Manifest
from cloudmart.rollout.release import Release, named
from cloudmart.rollout.waiting import Limits

_LEAVE_WITHIN = 120.0
_DRAIN_WITHIN = 180.0


class IndexUse:
    """Starts the Jobs after which look-ups use the indexes, or no more."""

    def __init__(self, jobs: JobRunner, journal: Journal, limits: Limits) -> None:
        self._jobs = jobs
        self._journal = journal
        self._limits = limits

    def use(self, release: Release, again: str, draining: Callable[[], bool]) -> None:
        """Wait for the last pod of before to end, then go over all orders and record it.

        Raises:
            PersonNeededError: that could not be done; `again` is the command to try it with.
        """
        limits, still = self._limits, "The release runs, but look-ups read whole tables"
        until = limits.clock() + _DRAIN_WITHIN
        while draining():
            if limits.clock() > until:
                raise PersonNeededError(
                    f"{still}: a pod of before does not end. See to it, then run `{again}` again."
                )
            self._journal.progress("Waiting for the last pod of before to end")
            limits.sleep(limits.pause)
        try:
            self._jobs.run(tables_job(release, "use-indexes"), limits.tables)
        except (JobFailedError, KubectlError) as error:
            raise PersonNeededError(f"{still}. {error} Then run `{again}` again.") from error

    def leave(self, release: Release) -> None:
        """Let look-ups read whole tables again; where that fails, say what to run."""
        try:
            # Whoever still uses an index notices within a minute; the way back does not wait.
            self._jobs.run(tables_job(release, "leave-indexes", "--wait", "0"), _LEAVE_WITHIN)
        except (JobFailedError, KubectlError) as error:
            self._journal.warn(
                f"{error} If `cloudmart tables use-indexes` was ever run, run `cloudmart tables "
                "leave-indexes`: look-ups may miss orders that the release of before writes."
            )


def tables_job(release: Release, *words: str) -> Manifest:
    """Return a Job that runs another command of `cloudmart tables` as the release's own does."""
    job: dict[str, Any] = copy.deepcopy(dict(release.job))
    tag = named(release.job).removeprefix("cloudmart-tables-")
    job["metadata"]["name"] = f"cloudmart-{words[0]}-{tag}"
    (container,) = job["spec"]["template"]["spec"]["containers"]
    container["command"] = ["cloudmart", "tables", *words]
    return job
