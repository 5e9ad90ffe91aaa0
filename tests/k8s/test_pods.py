"""The pods: their rights, their probes, and their times."""

import re
from copy import deepcopy
from typing import Any

import pytest
from fastapi.testclient import TestClient

from cloudmart.health.state import Lifecycle
from cloudmart.server.server import LAST_WORDS, Server
from cloudmart.settings import load_settings
from k8s.kustomize import Rendered
from tests.support.pod_security import breaches

MARGIN = 10
SUFFIXES = {"": 1, "m": 0.001, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30}


def pods(rendered: Rendered) -> list[dict[str, Any]]:
    """Return the specifications of all pods, including those of Jobs."""
    owners = rendered.of_kind("Deployment") + rendered.of_kind("Job")
    return [owner["spec"]["template"]["spec"] for owner in owners]


def service(rendered: Rendered) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the service's pod and its container."""
    pod = rendered.named("Deployment", "cloudmart-backend")["spec"]["template"]["spec"]
    return pod, pod["containers"][0]


def amount(quantity: Any) -> float:  # noqa: ANN401 - what a manifest has there
    """Return a quantity as Kubernetes reads it, or raise ValueError."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(m|[KMG]i|)", str(quantity))
    if found is None:
        raise ValueError(quantity)
    return float(found[1]) * SUFFIXES[found[2]]


def test_every_pod_may_run_in_a_restricted_namespace(overlay: Rendered) -> None:
    assert [breach for pod in pods(overlay) for breach in breaches(pod)] == []


@pytest.mark.parametrize(
    ("where", "change", "breach"),
    [
        ("pod", {"hostNetwork": True}, "hostNetwork"),
        ("pod", {"securityContext": {"seccompProfile": {"type": "Unconfined"}}}, "no seccomp"),
        ("pod", {"volumes": [{"name": "x", "hostPath": {"path": "/"}}]}, "volume of hostPath"),
        ("container", {"securityContext": {}}, "may gain privileges"),
        ("container", {"ports": [{"containerPort": 1, "hostPort": 1}]}, "a port of the node"),
    ],
)
def test_a_breach_of_restricted_would_be_found(
    production: Rendered, where: str, change: dict[str, Any], breach: str
) -> None:
    pod = deepcopy(service(production)[0])
    (pod if where == "pod" else pod["containers"][0]).update(change)

    assert any(found.startswith(breach) for found in breaches(pod))


def test_no_pod_writes_but_to_tmp_or_asks_anything_of_kubernetes(overlay: Rendered) -> None:
    accounts = overlay.of_kind("ServiceAccount")

    assert {account["automountServiceAccountToken"] for account in accounts} == {False}
    for pod in pods(overlay):
        (container,) = pod["containers"]
        writable = [
            mount["mountPath"] for mount in container["volumeMounts"] if "readOnly" not in mount
        ]
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert writable == ["/tmp"]  # noqa: S108 - the pod's
        assert pod["automountServiceAccountToken"] is False


def test_every_quantity_can_be_read_and_no_request_is_above_its_limit(overlay: Rendered) -> None:
    for pod in pods(overlay):
        resources = pod["containers"][0]["resources"]
        wanted, most = resources["requests"], resources["limits"]
        assert wanted.keys() == most.keys() == {"cpu", "memory", "ephemeral-storage"}
        assert all(amount(wanted[name]) <= amount(most[name]) for name in wanted)
        assert all(
            amount(volume["emptyDir"]["sizeLimit"])
            for volume in pod["volumes"]
            if "emptyDir" in volume
        )


def test_probes_ask_what_the_application_answers(
    overlay: Rendered, shared_client: TestClient
) -> None:
    container = service(overlay)[1]
    ports = {port["name"] for port in container["ports"]}

    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        asked = container[probe]["httpGet"]
        answer = shared_client.get(asked["path"])
        assert answer.headers["content-type"] == "application/health+json"
        assert asked["port"] in ports


def test_the_load_balancer_asks_whether_a_pod_is_ready(
    public: Rendered, shared_client: TestClient
) -> None:
    target = public.named("Service", "cloudmart-backend")["metadata"]["annotations"]

    answer = shared_client.get(target["alb.ingress.kubernetes.io/healthcheck-path"])

    assert answer.url.path == "/ready"
    assert str(answer.status_code) == target["alb.ingress.kubernetes.io/success-codes"]


def test_the_start_gives_up_before_kubernetes_does(overlay: Rendered) -> None:
    settings = load_settings(overlay.environment()).settings
    probe = service(overlay)[1]["startupProbe"]

    assert probe["failureThreshold"] * probe["periodSeconds"] >= settings.startup.timeout + MARGIN


def test_a_pod_has_time_to_finish_what_it_began(public: Rendered) -> None:
    settings = load_settings(public.environment()).settings
    pod, container = service(public)
    waits = container["lifecycle"]["preStop"]["sleep"]["seconds"]

    least = waits + settings.startup.shutdown_grace + LAST_WORDS + MARGIN
    assert pod["terminationGracePeriodSeconds"] >= least
    assert settings.startup.shutdown_grace >= settings.assistant.turn_timeout + MARGIN


def test_a_connection_is_kept_for_longer_than_the_load_balancer_keeps_it(public: Rendered) -> None:
    settings = load_settings(public.environment()).settings
    balancer = attributes(public.of_kind("Ingress")[0], "load-balancer-attributes")
    target = attributes(public.named("Service", "cloudmart-backend"), "target-group-attributes")
    idle = int(balancer["idle_timeout.timeout_seconds"])

    assert settings.assistant.turn_timeout < idle
    assert idle < Server(None, Lifecycle()).config.timeout_keep_alive  # type: ignore[arg-type]
    assert int(target["deregistration_delay.timeout_seconds"]) >= idle
    assert target["stickiness.enabled"] == "false"


def attributes(manifest: Any, name: str) -> dict[str, str]:  # noqa: ANN401
    """Return the attributes that an annotation sets at the load balancer."""
    annotation = manifest["metadata"]["annotations"][f"alb.ingress.kubernetes.io/{name}"]
    return dict(pair.split("=") for pair in annotation.split(","))
