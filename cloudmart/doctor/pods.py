"""The pods: the roll-out's state, what keeps them from running, what they say of themselves."""

import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

from cloudmart.doctor import kubernetes
from cloudmart.doctor.check import CheckResult, DoctorCheck, passed, trouble
from cloudmart.doctor.inputs import Inputs, NotKnownError
from cloudmart.doctor.pods_settings import main_container
from cloudmart.doctor.startup import ROLLING
from cloudmart.rollout.cluster import Kubernetes
from cloudmart.rollout.leftovers import ours, strangers
from cloudmart.rollout.pod_faults import pod_faults
from cloudmart.rollout.preflight import gate_command, gate_warning
from cloudmart.rollout.release import name_of

_OFTEN = 3
_TAIL = "200"
_PROBES = {"startupProbe": "/startupz", "readinessProbe": "/readyz", "livenessProbe": "/livez"}
# The paths that check no dependency: a restart repairs no dependency.
_ASK_NOBODY = {"/livez", "/health", "/api/health"}
_OF_KIND = {
    "NetworkPolicy": "policies-add-up",
    "HorizontalPodAutoscaler": "one-autoscaler",
    "PodDisruptionBudget": "one-disruption-budget",
    "Service": "no-other-way-in",
    "Ingress": "no-other-way-in",
}

_KUBERNETES = kubernetes.KUBERNETES
_PARENTS = ("deployment-exists",)


async def rollout(inputs: Inputs) -> AsyncIterator[CheckResult]:
    """Report how far the roll-out is, and what Kubernetes says where it is stuck."""
    view = await kubernetes.pods_in_view(inputs)
    observed = f"{view.progress}. {view.stuck}" if view.stuck else view.progress
    if view.complete:
        yield passed("rollout-complete", observed)
    else:
        yield trouble("rollout-complete", observed)


async def start(inputs: Inputs) -> AsyncIterator[CheckResult]:
    """Report what keeps pods from running, and which have been restarted often."""
    for pod in await kubernetes.pods(inputs):
        for each in pod_faults(pod):
            yield trouble("pods-start", each.sentence)
        for container in pod.get("status", {}).get("containerStatuses") or ():
            ended = ((container.get("lastState") or {}).get("terminated") or {}).get("reason", "")
            times = container.get("restartCount", 0)
            if times > _OFTEN or ended == "OOMKilled":
                observed = f"{name_of(pod)}: {times} restarts{f', {ended}' if ended else ''}"
                previous = inputs.command("logs", f"pod/{name_of(pod)}", "--previous")
                yield trouble("pods-stay-up", observed, previous=previous)


async def health(inputs: Inputs) -> AsyncIterator[CheckResult]:
    """Report what each pod says of all it depends on, as it sees it from inside."""
    for pod in await _running(inputs):
        report = await kubernetes.health_of(inputs, name_of(pod))
        for name, readings in (report.get("checks") or {}).items():
            for each in readings:
                if each.get("status") == "pass":
                    continue
                observed = f"{name_of(pod)}: {name}: {each.get('output') or each.get('status')}"
                key = "pods-newest" if name.startswith("configuration") else "pods-reach-all"
                restart = inputs.command("rollout", "restart", "deployment/cloudmart-backend")
                yield trouble(key, observed, restart=restart)


async def metrics(inputs: Inputs) -> AsyncIterator[CheckResult]:
    """Check whether every pod shows its metrics."""
    for pod in await _running(inputs):
        text = await kubernetes.metrics_of(inputs, name_of(pod))
        if "cloudmart_" not in text:
            yield trouble("metrics-answer", f"{name_of(pod)} shows no metrics on port 9000")


async def logs(inputs: Inputs) -> AsyncIterator[CheckResult]:
    """Report which errors the pods have logged, by their events: their words may be customers'."""
    for pod in await _running(inputs):
        text = await inputs.kubectl("logs", f"pod/{name_of(pod)}", "--tail", _TAIL)
        events = Counter(_errors(text))
        if events:
            told = ", ".join(f"{event} ({times})" for event, times in events.most_common(5))
            tail = inputs.command("logs", f"pod/{name_of(pod)}", "--tail", _TAIL)
            yield trouble("logs-clean", f"{name_of(pod)}: {told}", logs=tail)


def _errors(text: str) -> Iterator[str]:
    for line in text.splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict) and event.get("level") in {"error", "critical"}:
            yield str(event.get("event"))


async def probes(inputs: Inputs) -> AsyncIterator[CheckResult]:
    """Check whether the pods are probed, and whether the liveness probe asks nobody."""
    live = await kubernetes.deployment(inputs)
    container = main_container(live["spec"]["template"]["spec"])
    missing = [name for name in _PROBES if name not in container]
    if missing:
        yield trouble("probes-set", f"there is no {', '.join(missing)}")
    path = _path(container.get("livenessProbe"))
    if path and path not in _ASK_NOBODY:
        yield trouble("liveness-asks-nobody", f"it asks {path}")


def _path(probe: Mapping[str, Any] | None) -> str | None:
    return ((probe or {}).get("httpGet") or {}).get("path")


async def beside(inputs: Inputs) -> AsyncIterator[CheckResult]:
    """Report what else acts on the pods: policies, autoscalers, ways in."""
    live = await kubernetes.deployment(inputs)
    labels = live["spec"]["template"]["metadata"]["labels"]

    def look(cluster: Kubernetes) -> list[tuple[str, str]]:
        return list(strangers(cluster, ours(cluster), labels, "cloudmart-frontend"))

    for kind, sentence in await inputs.looking("strangers", look):
        yield trouble(
            _OF_KIND[kind],
            sentence,
            fix=sentence.partition("Remove it")[2]
            and (f"Remove it{sentence.partition('Remove it')[2]}"),
        )


async def gate(inputs: Inputs) -> AsyncIterator[CheckResult]:
    """Check whether pods count as ready only once the load balancer knows them."""
    if await inputs.looking("gate", gate_warning):
        command = await inputs.looking("gate-command", gate_command)
        yield trouble("readiness-gate-on", "it is off, or cannot be seen", fix=f"`{command}`")


async def _running(inputs: Inputs) -> list[Any]:
    running = [pod for pod in await kubernetes.pods(inputs) if kubernetes.is_running(pod)]
    if not running:
        raise NotKnownError("no pod of the service runs")
    return running


CHECKS = (
    DoctorCheck(("rollout-complete",), rollout, _KUBERNETES, _PARENTS, settles=ROLLING),
    DoctorCheck(("pods-start", "pods-stay-up"), start, _KUBERNETES, _PARENTS, settles=ROLLING),
    DoctorCheck(("pods-reach-all", "pods-newest"), health, _KUBERNETES, _PARENTS),
    DoctorCheck(("metrics-answer",), metrics, _KUBERNETES, _PARENTS),
    DoctorCheck(("logs-clean",), logs, _KUBERNETES, _PARENTS),
    DoctorCheck(("probes-set", "liveness-asks-nobody"), probes, _KUBERNETES, _PARENTS),
    DoctorCheck(tuple(dict.fromkeys(_OF_KIND.values())), beside, _KUBERNETES, _PARENTS),
    DoctorCheck(("readiness-gate-on",), gate, _KUBERNETES, _PARENTS),
)
