"""Checks what the old pods need to start again, before they are replaced."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from cloudmart.rollout.cluster import Kubernetes
from cloudmart.rollout.release import Manifest

_SECRET, _CONFIG = "secret", "configmap"


class NeededKey(NamedTuple):
    """A key without which a pod does not start; None stands for the object alone."""

    kind: str
    name: str
    key: str | None


def missing_for_rollback(cluster: Kubernetes, deployment: Manifest) -> Iterator[str]:
    """Yield a sentence for each thing that the pods that run read and that is not there."""
    found: dict[tuple[str, str], Manifest | None] = {}
    for kind, name, key in sorted(set(_needed(deployment)), key=str):
        if (kind, name) not in found:
            found[kind, name] = cluster.find(kind, name)
        there = found[kind, name]
        if there is None:
            made = cluster.command("create", *_made(kind, name))
            yield (
                f"The pods that run now read the {kind} {name}, which is not there: none of them "
                f"could be started again. Put it back: `{made}`."
            )
        elif (
            key
            and key not in (there.get("data") or {})
            and key not in (there.get("binaryData") or {})
        ):
            patch = f'{{"data": {{"{key}": ""}}}}'
            mended = cluster.command("patch", kind, name, "--type", "merge", "--patch", patch)
            yield (
                f"The pods that run now read {key} of the {kind} {name}, which is not there: none "
                "of them could be started again. Put it back, empty if it is obsolete: "
                f"`{mended}`. Remove it when no way back is wanted any more."
            )


def config_maps_of(deployment: Manifest) -> set[str]:
    """Return the ConfigMaps that the pods of a Deployment read, each as kubectl takes it."""
    return {f"configmap/{name}" for kind, name, _ in _needed(deployment) if kind == _CONFIG}


def _made(kind: str, name: str) -> list[str]:
    return [kind, *(["generic"] if kind == _SECRET else []), name]


def _needed(deployment: Manifest) -> Iterator[NeededKey]:
    pod = deployment["spec"]["template"]["spec"]
    for container in [*pod.get("initContainers", ()), *pod["containers"]]:
        for source in container.get("envFrom", ()):
            yield from _whole(source.get("secretRef"), _SECRET)
            yield from _whole(source.get("configMapRef"), _CONFIG)
        for variable in container.get("env", ()):
            source = variable.get("valueFrom", {})
            yield from _key(source.get("secretKeyRef"), _SECRET)
            yield from _key(source.get("configMapKeyRef"), _CONFIG)
    for volume in pod.get("volumes", ()):
        if secret := volume.get("secret"):
            yield from _mounted_keys({**secret, "name": secret["secretName"]}, _SECRET)
        yield from _mounted_keys(volume.get("configMap"), _CONFIG)
        for source in volume.get("projected", {}).get("sources", ()):
            yield from _mounted_keys(source.get("secret"), _SECRET)
            yield from _mounted_keys(source.get("configMap"), _CONFIG)


def _whole(reference: Mapping[str, Any] | None, kind: str) -> Iterator[NeededKey]:
    if reference and not reference.get("optional"):
        yield NeededKey(kind, reference["name"], None)


def _key(reference: Mapping[str, Any] | None, kind: str) -> Iterator[NeededKey]:
    if reference and not reference.get("optional"):
        yield NeededKey(kind, reference["name"], reference["key"])


def _mounted_keys(source: Mapping[str, Any] | None, kind: str) -> Iterator[NeededKey]:
    if source and not source.get("optional"):
        yield NeededKey(kind, source["name"], None)
        for item in source.get("items") or ():
            yield NeededKey(kind, source["name"], item["key"])
