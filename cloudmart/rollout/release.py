"""What a release consists of: the manifests of each stage, and the id that tells its pods."""

import copy
import hashlib
import json
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

DEPLOYMENT = "cloudmart-backend"
SECRET = "cloudmart-api-keys"  # noqa: S105 - the name of a Secret
ROLLOUT = "cloudmart/rollout-id"
"""The annotation of the pods' template that the environment variable ROLLOUT_ID repeats."""

VERSION = "app.kubernetes.io/version"
_COMPONENT = "app.kubernetes.io/component"
# What the Job that changes the tables needs, and the Job itself.
_BEFORE = ("configuration", "tables")
# How the pods are reached. The old health check stays until the new pods have taken over: a new
# one could fail the old pods while they are still needed.
_EDGE = ("Service", "Ingress", "NetworkPolicy")


def find_kubectl() -> str | None:
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
        """Return the variables of the service, except those that Kubernetes fills in."""
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


def render_overlay(overlay: Path) -> Rendered:
    """Return what a directory renders to.

    Raises:
        FileNotFoundError: there is no kubectl.
        subprocess.CalledProcessError: kubectl refuses it; its `stderr` says why.
    """
    program = find_kubectl()
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


@dataclass(frozen=True, slots=True)
class StorefrontAddress:
    """Where the Ingress sends requests for the page: a Service and its port."""

    service: str
    port: int | str
    own: bool
    """Whether the release brings this Service itself."""


@dataclass(frozen=True, slots=True)
class Release:
    """What an environment's manifests say, ready to be applied."""

    rendered: Rendered
    rollout_id: str
    tables: Sequence[Manifest]
    service: Sequence[Manifest]
    edge: Sequence[Manifest]

    @classmethod
    def of(cls, rendered: Rendered, secret: Mapping[str, Any] | None) -> "Release":
        """Return the release; `secret` is the metadata of the Secret that its pods will mount.

        An unchanged release with an unchanged Secret has the same id, and replaces no pod. The
        Secret's uid and version tell nothing of its values; a checksum could be guessed at.
        """
        deployment = rendered.named("Deployment", DEPLOYMENT)
        known = [deployment["spec"]["template"], *_version(secret)]
        text = json.dumps(known, sort_keys=True)
        rollout_id = hashlib.sha256(text.encode()).hexdigest()[:12]
        manifests = [
            _with_id(each, rollout_id) if each is deployment else _with_a_plain_name(each)
            for each in rendered.manifests
        ]
        others = [each for each in manifests if _component(each) != "tables"]
        return cls(
            rendered,
            rollout_id,
            tables=[each for each in manifests if _component(each) in _BEFORE],
            service=[each for each in others if each["kind"] not in _EDGE],
            edge=[each for each in others if each["kind"] in _EDGE],
        )

    @property
    def deployment(self) -> Manifest:
        """The pods' Deployment, as it is applied."""
        (found,) = (each for each in self.service if is_backend(each))
        return found

    @property
    def job(self) -> Manifest:
        """The Job that changes the tables."""
        (found,) = (each for each in self.tables if each["kind"] == "Job")
        return found

    @property
    def namespace(self) -> str:
        """The namespace of all of it."""
        return str(self.deployment["metadata"]["namespace"])

    @property
    def tag(self) -> str:
        """The tag of the image that is to run."""
        return tag_of(self.deployment)

    @property
    def url(self) -> str:
        """The shop's public address."""
        return self.rendered.environment()["PUBLIC_BASE_URL"].rstrip("/")

    @property
    def every(self) -> list[Manifest]:
        """All that is applied, each object once."""
        return [
            *self.tables,
            *(each for each in self.service if each not in self.tables),
            *self.edge,
        ]

    @property
    def storefront(self) -> StorefrontAddress | None:
        """Where the page is, if the Ingress leads to one."""
        for ingress in (each for each in self.edge if each["kind"] == "Ingress"):
            for rule in ingress["spec"].get("rules", ()):
                for path in rule["http"]["paths"]:
                    if path["path"] == "/" and "service" in path["backend"]:
                        return self._storefront(path["backend"]["service"])
        return None

    def _storefront(self, backend: Mapping[str, Any]) -> StorefrontAddress:
        name = backend["name"]
        port = backend["port"].get("number") or backend["port"]["name"]
        own = any(each["kind"] == "Service" and name_of(each) == name for each in self.edge)
        return StorefrontAddress(name, port, own)


def name_of(manifest: Manifest) -> str:
    """Return the name of an object."""
    return str(manifest["metadata"]["name"])


def object_reference(manifest: Manifest) -> str:
    """Return an object as kubectl takes it: kind/name."""
    return f"{manifest['kind'].lower()}/{name_of(manifest)}"


def is_backend(manifest: Manifest) -> bool:
    """Return whether this is the Deployment of the service."""
    return manifest["kind"] == "Deployment" and name_of(manifest) == DEPLOYMENT


def tag_of(deployment: Manifest) -> str:
    """Return the tag of the image that a Deployment runs."""
    image = str(deployment["spec"]["template"]["spec"]["containers"][0]["image"])
    return image.rpartition("/")[2].partition("@")[0].partition(":")[2] or "without a tag"


def _version(secret: Mapping[str, Any] | None) -> list[str]:
    return [secret["uid"], secret["resourceVersion"]] if secret else []


def _with_id(deployment: Manifest, rollout_id: str) -> Manifest:
    changed: dict[str, Any] = copy.deepcopy(dict(deployment))
    template = changed["spec"]["template"]
    template["metadata"].setdefault("annotations", {})[ROLLOUT] = rollout_id
    for container in template["spec"]["containers"]:
        if container["name"] == "cloudmart":
            container["env"].append({"name": "ROLLOUT_ID", "value": rollout_id})
    return changed


def _with_a_plain_name(manifest: Manifest) -> Manifest:
    # A Job's pods are called after it, and a host's name has no dots: the API warns of each.
    if manifest["kind"] != "Job" or "." not in name_of(manifest):
        return manifest
    metadata = {**manifest["metadata"], "name": name_of(manifest).replace(".", "-")}
    return {**manifest, "metadata": metadata}


def _component(manifest: Manifest) -> str:
    return str(manifest["metadata"].get("labels", {}).get(_COMPONENT))
