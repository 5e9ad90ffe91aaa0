"""The manifests that are not in an overlay: monitoring and examples."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from k8s.kustomize import ROOT, Rendered, render_overlay
from tests.k8s.conftest import needs_kubectl


def read(path: str) -> list[Any]:
    """Return the manifests of a file."""
    return list(yaml.safe_load_all((ROOT / path).read_text("utf-8")))


@needs_kubectl
def test_the_pods_are_scraped_once_at_their_metrics_port(filled: Path) -> None:
    annotated = render_overlay(filled)
    file = filled / "kustomization.yaml"
    line = "- ../../components/pod-monitor"
    file.write_text(file.read_text("utf-8").replace(f"# {line}", line), "utf-8")
    monitored = render_overlay(filled)

    template = monitored.named("Deployment", "cloudmart-backend")["spec"]["template"]
    (monitor,) = monitored.of_kind("PodMonitor")
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    selected = monitor["spec"]["selector"]["matchLabels"]
    assert selected.items() <= template["metadata"]["labels"].items()
    assert endpoint["port"] in {port["name"] for port in template["spec"]["containers"][0]["ports"]}
    assert monitor["metadata"]["namespace"] == "default"
    assert "prometheus.io" not in str(template)
    assert annotated.of_kind("PodMonitor") == []
    assert "prometheus.io/scrape" in str(annotated.named("Deployment", "cloudmart-backend"))


@needs_kubectl
def test_the_knowledge_files_are_mounted_where_the_pods_look(filled: Path) -> None:
    file = filled / "kustomization.yaml"
    line = "- ../../components/knowledge"
    generator = "configMapGenerator:\n  - name: cloudmart-knowledge\n    files: [knowledge.md]\n"
    text = file.read_text("utf-8").replace(f"# {line}", line)
    file.write_text(text.replace("configMapGenerator:\n", generator), "utf-8")
    (filled / "knowledge.md").write_text("## Shipping\nIt takes three days.\n", "utf-8")

    rendered = render_overlay(filled)

    pod = rendered.named("Deployment", "cloudmart-backend")["spec"]["template"]["spec"]
    env = {each["name"]: each.get("value") for each in pod["containers"][0]["env"]}
    mounts = {each["name"]: each["mountPath"] for each in pod["containers"][0]["volumeMounts"]}
    (made,) = (
        each["metadata"]["name"]
        for each in rendered.of_kind("ConfigMap")
        if "knowledge.md" in each["data"]
    )
    (volume,) = (each for each in pod["volumes"] if each["name"] == "knowledge")
    assert env["ASSISTANT_KNOWLEDGE"] == mounts["knowledge"]
    # Its name ends in a hash, so a changed text is a roll-out.
    assert volume["configMap"]["name"] == made != "cloudmart-knowledge"
    assert "AWS_REGION" in env


def test_the_examples_make_and_watch_the_secret_that_the_pods_mount(production: Rendered) -> None:
    deployment = production.named("Deployment", "cloudmart-backend")
    volumes = deployment["spec"]["template"]["spec"]["volumes"]
    (mounted,) = (volume["secret"]["secretName"] for volume in volumes if "secret" in volume)
    store, external = read("examples/external-secrets.yaml")
    account = store["spec"]["provider"]["aws"]["auth"]["jwt"]["serviceAccountRef"]["name"]

    assert external["spec"]["target"]["name"] == mounted
    assert external["spec"]["secretStoreRef"]["name"] == store["metadata"]["name"]
    assert account == deployment["spec"]["template"]["spec"]["serviceAccountName"]
    watched = deployment["metadata"]["annotations"]["secret.reloader.stakater.com/reload"]
    assert watched == mounted


@pytest.mark.parametrize("example", ["collector", "redis"])
def test_the_egress_rule_selects_the_pods(production: Rendered, example: str) -> None:
    (policy,) = read(f"examples/{example}.yaml")
    template = production.named("Deployment", "cloudmart-backend")["spec"]["template"]

    selector = policy["spec"]["podSelector"]["matchLabels"]
    assert selector.items() <= template["metadata"]["labels"].items()
    assert policy["spec"]["policyTypes"] == ["Egress"]


def test_cilium_allows_the_pods_to_reach_the_credentials_agent(production: Rendered) -> None:
    (policy,) = read("examples/cilium.yaml")
    owners = production.of_kind("Deployment") + production.of_kind("Job")
    (selects,) = policy["spec"]["endpointSelector"]["matchExpressions"]

    labels = {owner["spec"]["template"]["metadata"]["labels"]["app"] for owner in owners}
    assert set(selects["values"]) == labels
    assert policy["spec"]["egress"][0]["toEntities"] == ["host"]
