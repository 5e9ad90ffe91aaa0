"""The way back to the pods of before."""

from collections.abc import Callable
from typing import NoReturn

from cloudmart.rollout.apply import record_running_state
from cloudmart.rollout.cluster import KubectlError, Kubernetes
from cloudmart.rollout.journal import Journal, NotRolledOutError, PersonNeededError, UnhealthyError
from cloudmart.rollout.pod_replacement import REVISION, PodReplacement
from cloudmart.rollout.preflight import gate_command
from cloudmart.rollout.release import DEPLOYMENT, ROLLOUT, Manifest, tag_of

_DEPLOYMENT = f"deployment/{DEPLOYMENT}"


class Rollback:
    """Brings back the pods that ran when the roll-out began."""

    def __init__(
        self, cluster: Kubernetes, journal: Journal, pods: PodReplacement, before: Manifest
    ) -> None:
        self._cluster = cluster
        self._journal = journal
        self._pods = pods
        self._before = before

    def go(self, leave_indexes: Callable[[], None]) -> NoReturn:
        """Go back, and end by saying what runs; `leave_indexes` is for pods that know of none.

        Raises:
            NotRolledOutError: the pods of before run.
            PersonNeededError: the way back failed.
        """
        tag, at = tag_of(self._before), revision_of(self._before)
        if self._pods.revision() == at:
            record_running_state(self._cluster, self._journal)
            raise NotRolledOutError(
                f"The pods were not replaced, {tag} runs: what is wrong is older, or not about "
                "them."
            )
        with self._journal.stage("back", f"Back to {tag}, revision {at}"):
            # What this program has rolled out writes what the indexes are made of.
            if ROLLOUT not in (
                self._before["spec"]["template"]["metadata"].get("annotations") or {}
            ):
                leave_indexes()
            self._undo()
            runs = record_running_state(self._cluster, self._journal)
        raise NotRolledOutError(
            f"The pods of {runs} run again, as before (revision {at}). Only the Deployment was "
            "restored: what else was applied stays, and the next roll-out finds it."
        )

    def _undo(self) -> None:
        words = undo_arguments(self._before)
        self._journal.command(self._cluster.command(*words))
        try:
            self._cluster.do(*words)
            self._pods.wait()
        except (KubectlError, UnhealthyError) as error:
            self._pods.report_faults()
            described = self._cluster.command("describe", _DEPLOYMENT)
            raise PersonNeededError(
                f"The way back failed. {error} See `{described}` and "
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
