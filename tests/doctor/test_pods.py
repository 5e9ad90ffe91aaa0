"""Findings of the cluster: the roll-out, the pods, and the objects around them."""

import copy
import json
from typing import Any

import pytest

from cloudmart.doctor.command import DoctorChoices, diagnose_target
from cloudmart.findings.finding import CheckStatus
from cloudmart.rollout.cluster import Kubernetes
from cloudmart.rollout.release import Manifest
from tests.doctor.healthy import HealthyShop, told
from tests.support.overlays import FILLED

FAIL, WARN, UNKNOWN = CheckStatus.FAIL, CheckStatus.WARN, CheckStatus.UNKNOWN
TAG = FILLED["tag"]
SELECTED = {"matchLabels": {"app": "cloudmart-backend"}}


class WithoutPods(Kubernetes):
    """A cluster in which no pod is created."""

    def every(self, kinds: str, *words: str) -> list[Manifest]:
        return [] if kinds == "pods" else super().every(kinds, *words)


def warning(kind: str, name: str, reason: str, message: str) -> dict[str, Any]:
    """Return a warning of Kubernetes about an object."""
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{name}.1"},
        "involvedObject": {"kind": kind, "name": name},
        "type": "Warning",
        "reason": reason,
        "message": message,
    }


@pytest.mark.parametrize(
    ("fate", "observed"),
    [
        ("unpullable", "ImagePullBackOff"),
        ("refusing", "it ended with exit code 78. CloudMart does not start: AUTH is not set."),
    ],
)
async def test_what_keeps_pods_from_running_is_reported(
    shop: HealthyShop, fate: str, observed: str
) -> None:
    getattr(shop.cluster.scenario, fate).append(TAG)

    found = await shop.look("rollout-complete", "pods-start")

    assert told(found, "rollout-complete", FAIL).startswith("0 of ")
    assert observed in told(found, "pods-start", FAIL)


async def test_a_stuck_rollout_is_reported_with_kubernetes_message(shop: HealthyShop) -> None:
    shop.cluster.scenario.unschedulable = True

    found = await shop.look("rollout-complete", "pods-start")

    assert "Insufficient cpu" in told(found, "pods-start", FAIL)
    assert told(found, "rollout-complete", FAIL)


async def test_a_pod_that_is_not_ready_is_reported_with_what_kubernetes_says_of_it(
    shop: HealthyShop,
) -> None:
    shop.cluster.scenario.unready.append(TAG)
    pod = shop.pod["metadata"]["name"]
    refused = "Readiness probe failed: HTTP probe failed with statuscode: 503"
    shop.cluster.put(warning("Pod", pod, "Unhealthy", refused))

    found = await shop.look("pods-ready", "startup-logs")

    observed = told(found, "pods-ready", FAIL)
    assert observed.startswith(f"{pod}: Ready is False: ContainersNotReady")
    assert observed.endswith(f"Unhealthy: {refused}")
    assert f"describe pod/{pod}" in found["pods-ready"].fix
    assert found["startup-logs"].status is CheckStatus.PASS

    shop.cluster.scenario.unready.clear()
    assert (await shop.look("pods-ready"))["pods-ready"].status is CheckStatus.PASS


async def test_where_no_pod_is_made_its_owners_say_why(shop: HealthyShop) -> None:
    quota = 'pods "x" is forbidden: exceeded quota: compute'
    owner = shop.cluster.listed("replicaset")[0]["metadata"]["name"]
    shop.cluster.put(warning("ReplicaSet", owner, "FailedCreate", quota))
    shop.parts["cluster"] = WithoutPods(shop.cluster, "default")

    found = await shop.look("pods-ready")

    assert told(found, "pods-ready", FAIL) == f"there is no new pod; FailedCreate: {quota}"


async def test_warnings_that_may_not_be_read_are_unknown(shop: HealthyShop) -> None:
    shop.cluster.scenario.unready.append(TAG)
    shop.cluster.scenario.forbidden = ["get events"]

    found = await shop.look("pods-ready")

    assert "the right to get events in the namespace" in told(found, "pods-ready", UNKNOWN)


@pytest.mark.parametrize(
    ("line", "observed"),
    [
        (
            json.dumps(
                {
                    "level": "warning",
                    "event": "start_waits",
                    "cause": "table-denied",
                    "sentence": "The role may not read the table.",
                    "user": "Ann",
                }
            ),
            "start_waits (table-denied): The role may not read the table.",
        ),
        (f"ImportError: no such thing, with key AKIA{'X' * 16}", "no such thing, with key …"),
    ],
)
async def test_a_pod_that_is_not_ready_is_reported_by_its_last_log_lines(
    shop: HealthyShop, line: str, observed: str
) -> None:
    shop.cluster.scenario.unready.append(TAG)
    shop.cluster.scenario.logs["*"] = json.dumps({"level": "info", "event": "listening"})
    shop.cluster.scenario.logs["*"] += f"\n{line}\n{line}\n"

    found = await shop.look("startup-logs")

    assert told(found, "startup-logs", FAIL).endswith(observed)
    assert "logs pod/" in found["startup-logs"].fix
    assert "Ann" not in str(found)

    shop.cluster.scenario.unready.clear()
    assert (await shop.look("startup-logs"))["startup-logs"].status is CheckStatus.PASS


async def test_a_rollout_is_followed_to_its_end(shop: HealthyShop) -> None:
    shop.cluster.scenario.unready.append(TAG)
    told_meanwhile: list[str] = []

    def tell(state: str) -> None:
        told_meanwhile.append(state)
        shop.cluster.scenario.unready.clear()

    choices = DoctorChoices(phase="during", only=("rollout-complete",), wait=60)
    found = (await diagnose_target(choices, shop.target(), tell)).found.findings

    assert told_meanwhile[0].startswith("rollout-complete: 0 of ")
    assert [(each.id, each.status) for each in found] == [("rollout-complete", CheckStatus.PASS)]


async def test_a_pod_that_is_restarted_again_and_again_is_reported(shop: HealthyShop) -> None:
    pod = shop.add_pod("pod-2")
    ended = {"terminated": {"reason": "OOMKilled", "exitCode": 137}}
    pod["status"]["containerStatuses"][0] |= {"restartCount": 7, "lastState": ended}

    found = await shop.look("pods-stay-up")

    assert told(found, "pods-stay-up", WARN) == "pod-2: 7 restarts, OOMKilled"
    assert "logs pod/pod-2 --previous" in found["pods-stay-up"].fix


@pytest.mark.parametrize(
    ("key", "status", "name", "output"),
    [
        ("pods-reach-all", FAIL, "orders:table", "The shop's data store does not answer."),
        (
            "pods-newest",
            WARN,
            "configuration:age",
            "The cluster's configuration has been newer than",
        ),
    ],
)
async def test_what_a_pod_says_of_itself_is_reported(
    shop: HealthyShop, key: str, status: CheckStatus, name: str, output: str
) -> None:
    pod = shop.pod["metadata"]["name"]
    shop.says(pod, checks={name: [{"status": "warn", "output": output}]})

    found = await shop.look(key)

    assert told(found, key, status) == f"{pod}: {name}: {output}"


async def test_a_pod_without_metrics_is_reported(shop: HealthyShop) -> None:
    shop.shows("")

    found = await shop.look("metrics-answer")

    assert told(found, "metrics-answer", WARN).endswith("shows no metrics on port 9000")


async def test_errors_in_the_logs_are_reported_by_their_events_alone(shop: HealthyShop) -> None:
    lines = [
        {"level": "error", "event": "provider_refused", "reason": "Ann's secret wish"},
        {"level": "info", "event": "order_placed"},
    ]
    shop.cluster.scenario.logs["*"] = "\n".join(map(json.dumps, lines)) + "\nplain text\n"

    found = await shop.look("logs-clean")

    assert told(found, "logs-clean", WARN).endswith(": provider_refused (1)")
    assert "Ann" not in str(found["logs-clean"])


async def test_probes_that_are_missing_are_reported(shop: HealthyShop) -> None:
    container = shop.deployment["spec"]["template"]["spec"]["containers"][0]
    del container["startupProbe"]
    container["livenessProbe"]["httpGet"]["path"] = "/ready"

    found = await shop.look("probes-set", "liveness-asks-nobody")

    assert told(found, "probes-set", FAIL) == "there is no startupProbe"
    assert told(found, "liveness-asks-nobody", FAIL) == "it asks /ready"


@pytest.mark.parametrize(
    ("key", "status", "kind", "spec"),
    [
        (
            *("policies-add-up", WARN, "NetworkPolicy"),
            {"podSelector": SELECTED, "ingress": [{}]},
        ),
        (
            *("one-autoscaler", FAIL, "HorizontalPodAutoscaler"),
            {"scaleTargetRef": {"name": "cloudmart-backend"}},
        ),
        ("one-disruption-budget", WARN, "PodDisruptionBudget", {"selector": SELECTED}),
        (
            *("no-other-way-in", WARN, "Service"),
            {"type": "LoadBalancer", "selector": {"app": "cloudmart-backend"}, "ports": []},
        ),
    ],
)
async def test_what_is_left_over_is_reported_with_the_command_that_removes_it(
    shop: HealthyShop, key: str, status: CheckStatus, kind: str, spec: dict[str, Any]
) -> None:
    shop.cluster.put({"kind": kind, "metadata": {"name": "before"}, "spec": copy.deepcopy(spec)})

    found = await shop.look(key)
    assert told(found, key, status).startswith(f"{kind.lower()}/before ")
    assert f"kubectl --namespace default delete {kind.lower()}/before" in found[key].fix

    del shop.cluster.objects[f"{kind.lower()}/before"]
    assert (await shop.look(key))[key].status is CheckStatus.PASS


async def test_a_gate_that_is_off_is_switched_on_by_the_fix(shop: HealthyShop) -> None:
    shop.cluster.live("namespace/default")["metadata"]["labels"] = {}

    found = await shop.look("readiness-gate-on")
    assert told(found, "readiness-gate-on", WARN)

    *_, verb, kind, name, label = found["readiness-gate-on"].fix.strip("`").split()
    shop.cluster([verb, f"{kind}/{name}", label], None)
    mended = await shop.look("readiness-gate-on")
    assert mended["readiness-gate-on"].status is CheckStatus.PASS


async def test_a_pod_that_may_not_be_asked_is_unknown(shop: HealthyShop) -> None:
    shop.cluster.scenario.raw.clear()

    found = await shop.look("pods-reach-all")

    assert told(found, "pods-reach-all", UNKNOWN)
