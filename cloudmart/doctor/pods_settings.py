"""The settings of the pods of a cluster, read from its Deployment and its objects."""

import base64
import binascii
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from cloudmart.rollout.cluster import Kubernetes
from cloudmart.rollout.release import SECRET, Manifest
from cloudmart.settings.proxies import FILES

_CONTAINER = "cloudmart"
# In the pod, the directory has these values. It does not exist here.
_OF_PODS = ("CLOUDMART_SECRETS_DIR", "CLOUDMART_CONFIG_DIR", *FILES)


@dataclass(frozen=True, slots=True)
class PodsSettings:
    """The variables of a Deployment's pods, and the objects that it names and that do not exist."""

    environ: Mapping[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    """Keys of the Secret that no pod reads."""


def settings_of_pods(cluster: Kubernetes, deployment: Manifest) -> PodsSettings:
    """Return the settings of the pods of a Deployment, including the mounted Secret."""
    pod = deployment["spec"]["template"]["spec"]
    reader = _Reader(cluster)
    secret = reader.data("secret", SECRET)
    mounted = _mounted(pod, secret)
    told = {name: secret[name] for name in mounted if name in secret}
    told |= dict(_environment(pod, reader))
    for name in _OF_PODS:
        told.pop(name, None)
    read = mounted | set(_secret_keys(pod))
    return PodsSettings(told, tuple(reader.missing), tuple(sorted(secret.keys() - read)))


def main_container(pod: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the container of the service."""
    containers: list[Mapping[str, Any]] = pod["containers"]
    return next((each for each in containers if each["name"] == _CONTAINER), containers[0])


class _Reader:
    def __init__(self, cluster: Kubernetes) -> None:
        self._cluster = cluster
        self._known: dict[tuple[str, str], dict[str, str]] = {}
        self.missing: list[str] = []

    def data(self, kind: str, name: str, *, optional: bool = False) -> dict[str, str]:
        if (kind, name) not in self._known:
            found = self._cluster.find(kind, name)
            if found is None and not optional:
                self.missing.append(f"{kind}/{name}")
            data = (found or {}).get("data") or {}
            decoded = {key: _text(each) if kind == "secret" else each for key, each in data.items()}
            self._known[kind, name] = decoded
        return self._known[kind, name]


def _environment(pod: Mapping[str, Any], reader: _Reader) -> Iterator[tuple[str, str]]:
    container = main_container(pod)
    for source in container.get("envFrom") or ():
        for reference, kind in (("configMapRef", "configmap"), ("secretRef", "secret")):
            if named := source.get(reference):
                prefix = source.get("prefix", "")
                data = reader.data(kind, named["name"], optional=named.get("optional", False))
                yield from ((f"{prefix}{key}", each) for key, each in data.items())
    for variable in container.get("env") or ():
        if "value" in variable:
            yield variable["name"], variable["value"]
        for reference, kind in (("configMapKeyRef", "configmap"), ("secretKeyRef", "secret")):
            if named := (variable.get("valueFrom") or {}).get(reference):
                optional = named.get("optional", False)
                data = reader.data(kind, named["name"], optional=optional)
                if named["key"] in data:
                    yield variable["name"], data[named["key"]]
                elif not optional and data:
                    reader.missing.append(f"{kind}/{named['name']}: {named['key']}")


def _mounted(pod: Mapping[str, Any], secret: Mapping[str, str]) -> set[str]:
    """Return the keys of the Secret that pods mount as files."""
    keys: set[str] = set()
    for volume in pod.get("volumes") or ():
        sources = [volume, *volume.get("projected", {}).get("sources", ())]
        for source in (each["secret"] for each in sources if "secret" in each):
            if source.get("secretName", source.get("name")) == SECRET:
                items = source.get("items")
                keys |= {each["key"] for each in items} if items else set(secret)
    return keys


def _secret_keys(pod: Mapping[str, Any]) -> Iterator[str]:
    for variable in main_container(pod).get("env") or ():
        named = (variable.get("valueFrom") or {}).get("secretKeyRef")
        if named and named["name"] == SECRET:
            yield named["key"]


def _text(coded: str | None) -> str:
    try:
        return base64.b64decode(coded or "").decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""
