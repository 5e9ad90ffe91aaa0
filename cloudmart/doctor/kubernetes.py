"""What runs in the cluster: the Deployment, its pods, and what stands beside them."""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

from cloudmart.doctor.check import CheckResult, DoctorCheck, passed, trouble
from cloudmart.doctor.inputs import Inputs, NotKnownError, last_line
from cloudmart.rollout.cluster import KubectlError, KubectlReason, Kubernetes
from cloudmart.rollout.output import RolloutOutput
from cloudmart.rollout.pod_faults import RolloutLimits
from cloudmart.rollout.pod_replacement import PodReplacement, PodsInView
from cloudmart.rollout.release import DEPLOYMENT, tag_of

KUBERNETES = frozenset({"kubernetes"})


async def reachable(inputs: Inputs) -> AsyncIterator[CheckResult]:
    """Check whether kubectl reaches a cluster, and which."""
    where = await inputs.looking("where", lambda cluster: cluster.where())
    error = await inputs.looking("version", _away)
    if error:
        yield trouble("kubernetes-reachable", f"{where}: {error}")
    else:
        yield passed("kubernetes-reachable", where)


def _away(cluster: Kubernetes) -> str | None:
    try:
        cluster.find("deployment", DEPLOYMENT)
    except KubectlError as error:
        # Somebody answered; what may not be seen is said where it is wanted.
        return None if error.reason is KubectlReason.FORBIDDEN else last_line(error)
    return None


async def deployed(inputs: Inputs) -> AsyncIterator[CheckResult]:
    """Check whether the Deployment is there."""
    found = await deployment(inputs)
    if found is None:
        yield trouble("deployment-exists", f"there is none in the namespace {inputs.namespace}")
    else:
        yield passed("deployment-exists", f"tag {tag_of(found)}")


async def deployment(inputs: Inputs) -> Any:  # noqa: ANN401 - a manifest
    """Return the Deployment of the service, or None."""
    return await inputs.find("deployment", DEPLOYMENT)


async def pods(inputs: Inputs) -> list[Any]:
    """Return the pods of the service, or raise NotKnownError where there is none."""
    found = await inputs.every("pods", "--selector", "app=cloudmart-backend")
    if not found:
        raise NotKnownError("there is no pod of the service")
    return found


async def pods_in_view(inputs: Inputs) -> PodsInView:
    """Return the Deployment with the pods of the newest roll-out and those of before."""
    return await inputs.looking(
        "rollout", lambda cluster: PodReplacement(cluster, RolloutOutput(), RolloutLimits()).look()
    )


def is_running(pod: Any) -> bool:  # noqa: ANN401 - a manifest
    """Return whether a pod runs, and is not being deleted."""
    status, metadata = pod.get("status", {}), pod["metadata"]
    return status.get("phase") == "Running" and "deletionTimestamp" not in metadata


async def health_of(inputs: Inputs, pod: str) -> Mapping[str, Any]:
    """Return what one pod says of itself, asked through the API server."""
    path = f"/api/v1/namespaces/{inputs.namespace}/pods/{pod}:5000/proxy/health"
    text = await inputs.kubectl("get", "--raw", path)
    try:
        told = json.loads(text)
    except ValueError as error:
        raise NotKnownError(f"{pod} does not answer with a health report") from error
    return told if isinstance(told, dict) else {}


async def metrics_of(inputs: Inputs, pod: str) -> str:
    """Return the metrics of one pod, asked through the API server."""
    return await inputs.looking(("metrics", pod), lambda cluster: scrape(cluster, pod))


def scrape(cluster: Kubernetes, pod: str) -> str:
    """Return the metrics of one pod as they are now."""
    path = f"/api/v1/namespaces/{cluster.namespace}/pods/{pod}:9000/proxy/metrics"
    return cluster.do("get", "--raw", path)


CHECKS = (
    DoctorCheck(("kubernetes-reachable",), reachable, KUBERNETES),
    DoctorCheck(("deployment-exists",), deployed, KUBERNETES, ("kubernetes-reachable",)),
)
