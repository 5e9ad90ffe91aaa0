"""The alerts of `k8s/monitoring` in the form that promtool and Prometheus read."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from k8s.kustomize import ROOT

MONITORING = ROOT / "monitoring"


def groups() -> Iterator[dict[str, Any]]:
    """Yield the groups of rules of all environments."""
    for file in [*sorted(MONITORING.glob("*.yaml")), MONITORING / "staging" / "absent.yaml"]:
        manifest = yaml.safe_load(file.read_text("utf-8"))
        if manifest.get("kind") == "PrometheusRule":
            for group in manifest["spec"]["groups"]:
                yield {**group, "name": f"{file.parent.name}/{group['name']}"}


def alert_rules() -> Iterator[dict[str, Any]]:
    """Yield every rule that is an alert."""
    for group in groups():
        yield from (rule for rule in group["rules"] if "alert" in rule)


def write_rules(directory: Path) -> Path:
    """Write all rules into one file, and return it."""
    file = directory / "rules.yaml"
    file.write_text(yaml.safe_dump({"groups": list(groups())}), "utf-8")
    return file
