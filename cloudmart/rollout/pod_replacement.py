"""The pods of a Deployment, one release taking the place of another."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cloudmart.rollout.cluster import KubectlError, Kubernetes
from cloudmart.rollout.output import RolloutOutput, UnhealthyError
from cloudmart.rollout.pod_faults import FaultHistory, RolloutLimits, pod_faults
from cloudmart.rollout.release import DEPLOYMENT, Manifest

REVISION = "deployment.kubernetes.io/revision"
_HASH = "pod-template-hash"
SELECTOR = "app=cloudmart-backend"


@dataclass(frozen=True, slots=True)
class PodsInView:
    """The pods of the Deployment as they were looked at once."""

    deployment: Manifest
    new: Sequence[Manifest]
    old: Sequence[Manifest]

    @property
    def progress(self) -> str:
        """How far the new pods are."""
        ready = sum(map(is_ready, self.new))
        return (
            f"{ready} of {self.deployment['spec'].get('replicas', 1)} new pods are ready, "
            f"{len(self.old)} old pods are still there"
        )

    @property
    def complete(self) -> bool:
        """Whether the new pods have taken over, as `kubectl rollout status` has it."""
        metadata, status = self.deployment["metadata"], self.deployment.get("status", {})
        wanted = self.deployment["spec"].get("replicas", 1)
        counts = [status.get(f"{each}Replicas", 0) for each in ("updated", "available")]
        seen = status.get("observedGeneration", 0) >= metadata.get("generation", 0)
        return seen and [*counts, status.get("replicas", 0)] == [wanted] * 3

    @property
    def stuck(self) -> str | None:
        """What Kubernetes itself says of a Deployment that does not get on."""
        conditions: Sequence[Mapping[str, Any]] = (
            self.deployment.get("status", {}).get("conditions") or ()
        )
        for each in conditions:
            if each.get("reason") == "ProgressDeadlineExceeded":
                return str(each.get("message"))
        return None


class PodReplacement:
    """Watches pods being replaced."""

    def __init__(self, cluster: Kubernetes, output: RolloutOutput, limits: RolloutLimits) -> None:
        self._cluster = cluster
        self._output = output
        self._limits = limits

    def revision(self) -> str | None:
        """Return the revision that the Deployment is at; None where there is no Deployment."""
        live = self._cluster.find("deployment", DEPLOYMENT)
        return live["metadata"].get("annotations", {}).get(REVISION) if live else None

    def look(self) -> PodsInView:
        """Look at the Deployment and its pods."""
        deployment = self._cluster.get("deployment", DEPLOYMENT)
        at = deployment["metadata"].get("annotations", {}).get(REVISION)
        ours = {
            each["metadata"]["labels"].get(_HASH)
            for each in self._cluster.every("replicasets", "--selector", SELECTOR)
            if each["metadata"].get("annotations", {}).get(REVISION) == at
        }
        pods = self._cluster.every("pods", "--selector", SELECTOR)
        new = [each for each in pods if each["metadata"]["labels"].get(_HASH) in ours]
        return PodsInView(deployment, new, [each for each in pods if each not in new])

    def wait(self) -> None:
        """Wait until the new pods have taken over.

        Raises:
            UnhealthyError: they do not get ready, and no waiting would change that.
        """
        limits, grievances = self._limits, FaultHistory(self._limits.clock)
        deadline = limits.clock() + limits.pods
        while limits.clock() < deadline:
            try:
                view = self.look()
            except KubectlError as error:
                self._output.progress(f"The cluster does not answer: {error}")
                limits.sleep(limits.pause)
                continue
            self._output.progress(view.progress)
            if view.complete:
                return
            if view.stuck and view.deployment["status"].get(
                "observedGeneration"
            ) == view.deployment["metadata"].get("generation"):
                raise UnhealthyError(f"The new pods do not get ready. {view.stuck}")
            new, lasting = grievances.note(each for pod in view.new for each in pod_faults(pod))
            for each in new:
                self._output.warn(each.sentence)
            if lasting:
                raise UnhealthyError(f"The new pods cannot start. {lasting.sentence}")
            limits.sleep(limits.pause)
        raise UnhealthyError(f"The new pods were not ready after {limits.pods:.0f} s.")


def is_ready(pod: Manifest) -> bool:
    """Return whether a pod gets requests."""
    conditions = pod.get("status", {}).get("conditions") or ()
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
