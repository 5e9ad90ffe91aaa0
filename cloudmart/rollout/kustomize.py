"""Manifests as they are rendered, by the kubectl that is at hand."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

# Where the Makefile puts one for a machine that has none.
_OWN = Path(__file__).parents[2] / ".cache" / "kubectl" / "kubectl"

Manifest = Mapping[str, Any]


def kubectl() -> str | None:
    """Return where a kubectl is: `KUBECTL`, the path's, or ours; None where there is none."""
    named = os.environ.get("KUBECTL", "kubectl")
    found = shutil.which(named) or shutil.which(_OWN)
    return found and str(Path(found).absolute())


@dataclass(frozen=True, slots=True)
class Rendered:
    """What an overlay makes of itself."""

    text: str
    manifests: Sequence[Manifest]

    def of_kind(self, kind: str) -> list[Manifest]:
        """Return the manifests of a kind."""
        return [each for each in self.manifests if each["kind"] == kind]

    def named(self, kind: str, name: str) -> Manifest:
        """Return one manifest; generated names are known by how they begin."""
        (found,) = (
            each
            for each in self.of_kind(kind)
            if each["metadata"]["name"] == name or each["metadata"]["name"].startswith(f"{name}-")
        )
        return found

    def environment(self) -> dict[str, str]:
        """Return the variables the service is told, but those Kubernetes fills in."""
        container = self.named("Deployment", "cloudmart-backend")["spec"]["template"]["spec"][
            "containers"
        ][0]
        told: dict[str, str] = {}
        for source in container["envFrom"]:
            told |= self.named("ConfigMap", source["configMapRef"]["name"])["data"]
        for variable in container["env"]:
            if "value" in variable:
                told[variable["name"]] = variable["value"]
            elif key := variable["valueFrom"].get("configMapKeyRef"):
                told[variable["name"]] = self.named("ConfigMap", key["name"])["data"][key["key"]]
        return told


def render(overlay: Path) -> Rendered:
    """Return what a directory renders to.

    Raises:
        FileNotFoundError: there is no kubectl.
        subprocess.CalledProcessError: kubectl refuses it; its `stderr` says why.
    """
    program = kubectl()
    if program is None:
        raise FileNotFoundError("kubectl is not installed: `make kubectl` brings one.")
    text = subprocess.run(  # noqa: S603 - kubectl, on our own files
        [program, "kustomize", str(overlay)], check=True, capture_output=True, text=True
    ).stdout
    manifests = list(yaml.safe_load_all(text))
    for policy in manifests:
        if policy["kind"] == "NetworkPolicy":
            _divide_networks(policy)
    return Rendered(text, manifests)


def _divide_networks(policy: Any) -> None:  # noqa: ANN401 - a manifest
    # Kustomize puts one value into one place, and a load balancer has several subnets.
    for rule in policy["spec"].get("ingress", ()):
        if "from" in rule:
            rule["from"] = [each for peer in rule["from"] for each in _divided(peer)]


def _divided(peer: Manifest) -> list[Manifest]:
    if "," not in peer.get("ipBlock", {}).get("cidr", ""):
        return [peer]
    return [
        {**peer, "ipBlock": {**peer["ipBlock"], "cidr": cidr.strip()}}
        for cidr in peer["ipBlock"]["cidr"].split(",")
    ]
