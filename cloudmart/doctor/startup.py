"""Pods that do not get ready: their conditions, Kubernetes' warnings, their last log lines."""

import json
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

from cloudmart.doctor import kubernetes
from cloudmart.doctor.check import CheckResult, DoctorCheck, trouble
from cloudmart.doctor.inputs import Inputs
from cloudmart.rollout.cluster import Kubernetes
from cloudmart.rollout.pod_faults import last_log_lines, told_warnings
from cloudmart.rollout.pod_replacement import SELECTOR, PodsInView, is_ready
from cloudmart.rollout.release import DEPLOYMENT, name_of

ROLLING = 3600.0
"""Seconds for which a roll-out is followed at most."""

_MOST = 3  # how many pods are named if many have the same fault
_LEVELS = ("warning", "error", "critical")
_LAST = 3  # different lines of a log
_LONGEST = 400  # characters of a line


async def ready(inputs: Inputs) -> AsyncIterator[CheckResult]:
    """Report which pods are not ready, and what Kubernetes says of them."""
    view = await kubernetes.pods_in_view(inputs)
    unwell = _unwell(view)
    for pod in unwell[:_MOST]:
        observed = "; ".join([*_conditions(pod), *await _warnings(inputs, "Pod", name_of(pod))])
        describe = inputs.command("describe", f"pod/{name_of(pod)}")
        yield trouble("pods-ready", f"{name_of(pod)}: {observed}", describe=describe)
    if not view.new:
        # Where no pod is made (a quota, a policy of admission), their owners say why.
        owners = await inputs.every("replicasets", "--selector", SELECTOR)
        told = await _warnings(inputs, "Deployment", DEPLOYMENT)
        for each in owners:
            told += await _warnings(inputs, "ReplicaSet", name_of(each))
        describe = inputs.command("describe", f"deployment/{DEPLOYMENT}")
        yield trouble("pods-ready", "; ".join(["there is no new pod", *told]), describe=describe)


async def last_lines(inputs: Inputs) -> AsyncIterator[CheckResult]:
    """Report what pods that are not ready have logged: their events, and what is no event."""
    for pod in _unwell(await kubernetes.pods_in_view(inputs))[:_MOST]:
        name = f"pod/{name_of(pod)}"
        lines = await inputs.looking(("last lines", name), _log_of(name))
        if said := list(dict.fromkeys(_trouble(lines)))[-_LAST:]:
            observed = inputs.redacted(f"{name_of(pod)}: {'; '.join(said)}")
            logs = inputs.command("logs", name, "--tail", "50")
            yield trouble("startup-logs", observed, logs=logs)


def _log_of(what: str) -> Any:  # noqa: ANN401 - a function of the cluster
    return lambda cluster: last_log_lines(cluster, what)


def _unwell(view: PodsInView) -> list[Any]:
    return [
        each
        for each in (*view.new, *view.old)
        if not is_ready(each) and "deletionTimestamp" not in each["metadata"]
    ]


def _conditions(pod: Any) -> Iterator[str]:  # noqa: ANN401 - a manifest
    for each in pod.get("status", {}).get("conditions") or ():
        if each["status"] != "True":
            told = " ".join(filter(None, (each.get("reason"), each.get("message"))))
            yield f"{each['type']} is {each['status']}: {told or 'no reason is given'}"


async def _warnings(inputs: Inputs, kind: str, name: str) -> list[str]:
    def look(cluster: Kubernetes) -> list[str]:
        return [f"{each.reason}: {each.message}" for each in told_warnings(cluster, kind, name)]

    return list(await inputs.looking(("warnings", kind, name), look))


def _trouble(lines: Sequence[str]) -> Iterator[str]:
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError:
            # Of what ended before it could log: an interpreter, a shell.
            yield line[-_LONGEST:].strip()
            continue
        if isinstance(event, dict) and event.get("level") in _LEVELS:
            cause = f" ({event['cause']})" if event.get("cause") else ""
            words = [event.get(name) for name in ("sentence", "answer", "remedy")]
            told = " ".join(str(each) for each in words if each)
            yield f"{event.get('event')}{cause}: {told}".rstrip(": ")[:_LONGEST]


CHECKS = (
    DoctorCheck(
        ("pods-ready",), ready, kubernetes.KUBERNETES, ("deployment-exists",), settles=ROLLING
    ),
    DoctorCheck(
        ("startup-logs",),
        last_lines,
        kubernetes.KUBERNETES,
        ("deployment-exists",),
        settles=ROLLING,
    ),
)
