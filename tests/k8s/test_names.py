"""Names that must agree: selectors, ports, references, and names that are in use."""

from typing import Any

import pytest

from k8s.kustomize import Rendered
from tests.support.network_policy import lets_out

BUILT_IN = {
    "apps/v1",
    "autoscaling/v2",
    "batch/v1",
    "networking.k8s.io/v1",
    "policy/v1",
    "v1",
}


def deployment(rendered: Rendered) -> Any:  # noqa: ANN401 - a manifest
    """Return the service's Deployment."""
    return rendered.named("Deployment", "cloudmart-backend")


def selects(selector: dict[str, str], labels: dict[str, str]) -> bool:
    """Return whether a selector selects something with some labels."""
    return selector.items() <= labels.items()


def test_production_has_the_names_that_are_in_use(production: Rendered) -> None:
    names = {(each["kind"], each["metadata"]["name"]) for each in production.manifests}
    pod = deployment(production)["spec"]["template"]["spec"]

    assert {
        ("Deployment", "cloudmart-backend"),
        ("Service", "cloudmart-backend"),
        ("ServiceAccount", "cloudmart-backend-sa"),
        ("Ingress", "cloudmart-production-ingress"),
    } <= names
    assert {each["metadata"]["namespace"] for each in production.manifests} == {"default"}
    assert deployment(production)["spec"]["selector"] == {
        "matchLabels": {"app": "cloudmart-backend"}
    }
    assert production.named("Service", "cloudmart-backend")["spec"]["ports"][0]["port"] == 5000
    assert production.named("ConfigMap", "cloudmart-config")["data"].keys() >= {
        "products-table",
        "orders-table",
        "tickets-table",
    }
    assert [v["secret"]["secretName"] for v in pod["volumes"] if "secret" in v] == [
        "cloudmart-api-keys"
    ]


def test_every_selector_finds_the_pods_it_is_for_and_never_the_jobs(overlay: Rendered) -> None:
    labels = deployment(overlay)["spec"]["template"]["metadata"]["labels"]
    spread = deployment(overlay)["spec"]["template"]["spec"]["topologySpreadConstraints"]
    selectors = [
        deployment(overlay)["spec"]["selector"]["matchLabels"],
        overlay.named("Service", "cloudmart-backend")["spec"]["selector"],
        *(each["labelSelector"]["matchLabels"] for each in spread),
        *(
            each["spec"]["selector"]["matchLabels"]
            for each in overlay.of_kind("PodDisruptionBudget")
        ),
        *(
            each["spec"]["podSelector"]["matchLabels"]
            for each in overlay.of_kind("NetworkPolicy")
            if each["metadata"]["name"] != "cloudmart-tables"
        ),
    ]
    others = [job["spec"]["template"]["metadata"]["labels"] for job in overlay.of_kind("Job")]

    assert all(selects(selector, labels) for selector in selectors)
    assert not any(selects(selector, other) for selector in selectors for other in others)


def test_every_port_is_one_that_the_pods_have(overlay: Rendered) -> None:
    ports = {
        port["name"]: port["containerPort"]
        for port in deployment(overlay)["spec"]["template"]["spec"]["containers"][0]["ports"]
    }
    offered = overlay.named("Service", "cloudmart-backend")["spec"]["ports"]
    allowed = [
        port["port"]
        for policy in overlay.of_kind("NetworkPolicy")
        for rule in policy["spec"].get("ingress", ())
        for port in rule["ports"]
    ]
    told = overlay.environment()

    assert ports == {
        "http": int(told.get("PORT", 5000)),
        "metrics": int(told.get("METRICS_PORT", 9000)),
    }
    assert {port["targetPort"] for port in offered} | set(allowed) <= set(ports.values())


def test_metrics_are_scraped_where_they_are(public: Rendered) -> None:
    template = deployment(public)["spec"]["template"]
    ports = {
        port["name"]: port["containerPort"] for port in template["spec"]["containers"][0]["ports"]
    }

    assert template["metadata"]["annotations"]["prometheus.io/port"] == str(ports["metrics"])


def test_the_autoscaler_scales_the_deployment_that_leaves_its_size_to_it(public: Rendered) -> None:
    spec = public.named("HorizontalPodAutoscaler", "cloudmart-backend")["spec"]
    budget = public.named("PodDisruptionBudget", "cloudmart-backend")["spec"]["maxUnavailable"]

    assert spec["scaleTargetRef"]["name"] == deployment(public)["metadata"]["name"]
    assert budget < spec["minReplicas"] <= spec["maxReplicas"]
    assert "replicas" not in deployment(public)["spec"]


def test_no_pod_is_taken_away_before_another_is_ready(public: Rendered) -> None:
    assert deployment(public)["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


def test_the_ingress_leads_to_the_api_and_the_pages_and_never_to_metrics(
    public: Rendered,
) -> None:
    (ingress,) = public.of_kind("Ingress")
    (rule,) = ingress["spec"]["rules"]
    ways = {way["path"]: way["backend"]["service"] for way in rule["http"]["paths"]}
    own = {port["name"] for port in public.named("Service", "cloudmart-backend")["spec"]["ports"]}

    backend = {"name": "cloudmart-backend", "port": {"number": 5000}}
    assert ways["/api"] == ways["/.well-known"] == backend
    assert ways["/"]["name"] == "cloudmart-frontend"
    assert ways.keys() == {"/api", "/.well-known", "/"}
    assert own == {"http"}


@pytest.mark.parametrize("policy", ["cloudmart-backend", "cloudmart-tables"])
@pytest.mark.parametrize("protocol", ["UDP", "TCP"])
@pytest.mark.parametrize("server", ["172.20.0.10", "169.254.20.10", "10.0.0.2", "fd12::a"])
def test_names_resolve_wherever_a_cluster_has_its_dns(
    public: Rendered, policy: str, protocol: str, server: str
) -> None:
    (named,) = (
        each for each in public.of_kind("NetworkPolicy") if each["metadata"]["name"] == policy
    )

    assert lets_out(named, server, 53, protocol)
    assert lets_out(named, "169.254.170.23", 80)
    assert lets_out(named, "fd00:ec2::23", 80)
    assert not lets_out(named, "169.254.169.254", 80)


def test_the_target_group_of_before_is_kept_because_both_its_ports_are_numbers(
    public: Rendered,
) -> None:
    (ingress,) = public.of_kind("Ingress")
    ways = [
        way["backend"]["service"]["port"] for way in ingress["spec"]["rules"][0]["http"]["paths"]
    ]
    (port,) = public.named("Service", "cloudmart-backend")["spec"]["ports"]

    assert {frozenset(way) for way in ways} == {frozenset({"number"})}
    assert (port["port"], port["targetPort"]) == (5000, 5000)


def test_a_cluster_without_extensions_knows_every_kind_and_no_secret_is_shipped(
    overlay: Rendered,
) -> None:
    assert {each["apiVersion"] for each in overlay.manifests} <= BUILT_IN
    assert "Secret" not in {each["kind"] for each in overlay.manifests}


def test_a_namespace_that_may_hold_more_than_the_shop_is_not_ours_to_bring(
    public: Rendered,
) -> None:
    assert public.of_kind("Namespace") == []


@pytest.mark.parametrize("kind", ["ConfigMap", "ServiceAccount"])
def test_what_pods_refer_to_is_there_under_that_very_name(overlay: Rendered, kind: str) -> None:
    there = {each["metadata"]["name"] for each in overlay.of_kind(kind)}

    assert set(_referred(overlay, kind)) <= there


def _referred(rendered: Rendered, kind: str) -> list[str]:
    found = []
    for owner in rendered.of_kind("Deployment") + rendered.of_kind("Job"):
        pod = owner["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        if kind == "ServiceAccount":
            found.append(pod["serviceAccountName"])
            continue
        found += [source["configMapRef"]["name"] for source in container.get("envFrom", ())]
        found += [
            each["valueFrom"]["configMapKeyRef"]["name"]
            for each in container["env"]
            if "configMapKeyRef" in each.get("valueFrom", {})
        ]
        found += [
            source["configMap"]["name"]
            for volume in pod["volumes"]
            for source in volume.get("projected", {}).get("sources", ())
        ]
    return found
