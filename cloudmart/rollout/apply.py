"""Applies a release to a cluster: what is removed, what is added, and the record of both."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cloudmart.rollout.cluster import KubectlError, Kubernetes, manifest_list
from cloudmart.rollout.output import RolloutOutput
from cloudmart.rollout.pod_references import config_maps_of
from cloudmart.rollout.release import (
    DEPLOYMENT,
    VERSION,
    Manifest,
    Release,
    object_reference,
    tag_of,
)

RECORD = "kubectl.kubernetes.io/last-applied-configuration"
# What others fill in, and an apply must not take away.
_OF_OTHERS = {
    "Deployment": ("replicas",),  # the autoscaler's
    "Service": (
        "clusterIP",
        "clusterIPs",
        "ipFamilies",
        "ipFamilyPolicy",
        "internalTrafficPolicy",
        "healthCheckNodePort",
        "sessionAffinity",
    ),
}
# Many programs write labels and annotations: only those of these families count as ours, and those
# that an apply has recorded.
_OURS = (
    "alb.ingress.kubernetes.io/",
    "app",
    "app.kubernetes.io/",
    "eks.amazonaws.com/",
    "kubernetes.io/ingress.class",
    "prometheus.io/",
    "service.beta.kubernetes.io/",
)
_RECORDED = (
    "Deployment",
    "HorizontalPodAutoscaler",
    "Ingress",
    "NetworkPolicy",
    "PodDisruptionBudget",
    "Service",
    "ServiceAccount",
)
_RESTARTED = "kubectl.kubernetes.io/restartedAt"
# By which of its values Kubernetes knows an entry of a list.
_KEYS = ("containerPort", "mountPath", "port", "name", "topologyKey", "host", "path", "key")


def is_recorded(manifest: Manifest) -> bool:
    """Return whether objects of this kind are recorded before they are applied."""
    return manifest["kind"] in _RECORDED


def record_manifest(cluster: Kubernetes, live: Manifest) -> None:
    """Record a live object as what was applied last."""
    words = ("apply", "set-last-applied", "--create-annotation=true", "--filename", "-")
    cluster.do(*words, told=as_applied(live))


def recorded_manifest(live: Manifest) -> Mapping[str, Any]:
    """Return what is recorded as applied to an object; nothing where nothing is."""
    text = live["metadata"].get("annotations", {}).get(RECORD)
    found: Mapping[str, Any] = json.loads(text) if text else {}
    return found


def as_applied(live: Manifest) -> dict[str, Any]:
    """Return the manifest that would make an object as it is, without what is others'."""
    kind, metadata = live["kind"], live["metadata"]
    of_before = recorded_manifest(live).get("metadata", {})
    kept: dict[str, Any] = {"name": metadata["name"], "namespace": metadata["namespace"]}
    for part in ("labels", "annotations"):
        known = of_before.get(part) or {}
        values = {
            name: value
            for name, value in (metadata.get(part) or {}).items()
            if name != RECORD and (name in known or _is_ours(name))
        }
        if values:
            kept[part] = values
    applied = {"apiVersion": live["apiVersion"], "kind": kind, "metadata": kept}
    if "spec" in live:
        others = _OF_OTHERS.get(kind, ())
        applied["spec"] = {key: each for key, each in live["spec"].items() if key not in others}
        _leave_to_others(kind, applied["spec"])
    if "automountServiceAccountToken" in live:
        applied["automountServiceAccountToken"] = live["automountServiceAccountToken"]
    return applied


def removed_paths(before: Manifest, after: Manifest) -> list[str]:
    """Return what an object has before and lacks after, each as a path."""
    return list(_gone(as_applied(before), as_applied(after), ""))


def _is_ours(name: str) -> bool:
    return any(name == each or (each.endswith("/") and name.startswith(each)) for each in _OURS)


def _leave_to_others(kind: str, spec: dict[str, Any]) -> None:
    if kind == "Service":
        spec["ports"] = [
            {key: each for key, each in port.items() if key != "nodePort"}
            for port in spec.get("ports", ())
        ]
    if kind == "Deployment":
        template = spec["template"] = json.loads(json.dumps(spec["template"]))
        # A restart by hand stays: without it an unchanged release would replace the pods.
        (template["metadata"].get("annotations") or {}).pop(_RESTARTED, None)
        template["metadata"].pop("creationTimestamp", None)


def _gone(before: object, after: object, path: str) -> Iterator[str]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name, value in before.items():
            here = f"{path}.{name}" if path else name
            if name in after:
                yield from _gone(value, after[name], here)
            elif value not in ({}, [], None):
                yield here
    elif isinstance(before, list) and isinstance(after, list):
        yield from _gone_entries(before, after, path)


def _gone_entries(before: Sequence[object], after: Sequence[object], path: str) -> Iterator[str]:
    if not all(map(_key, (*before, *after))):
        yield from _gone_by_place(before, after, path)
        return
    there = dict(zip(map(_key, after), after, strict=True))
    for entry in before:
        key = _key(entry)
        if key not in there:
            yield f"{path}[{key}]"
        else:
            yield from _gone(entry, there[key], f"{path}[{key}]")


def _gone_by_place(before: Sequence[object], after: Sequence[object], path: str) -> Iterator[str]:
    for place, entry in enumerate(before):
        here = f"{path}[{place}]"
        if place < len(after):
            yield from _gone(entry, after[place], here)
        else:
            yield here


def _key(entry: object) -> str | None:
    if not isinstance(entry, Mapping):
        return str(entry)
    return next((str(entry[name]) for name in _KEYS if name in entry), None)


def record_live_objects(
    cluster: Kubernetes, output: RolloutOutput, manifests: Sequence[Manifest]
) -> list[Manifest]:
    """Record each object as it is as what was applied last, and return those that are there."""
    references = [object_reference(each) for each in manifests if is_recorded(each)]
    live = cluster.present(references) if references else []
    for each in live:
        if recorded_manifest(each) != as_applied(each):
            words = ("apply", "set-last-applied", "--create-annotation=true", "--filename")
            output.command(
                f"{cluster.command(*words)} {object_reference(each).replace('/', '-')}.json"
            )
            record_manifest(cluster, each)
    return live


def report_removals(
    cluster: Kubernetes,
    output: RolloutOutput,
    manifests: Sequence[Manifest],
    live: Sequence[Manifest],
) -> None:
    """Print what an apply will remove from the live objects.

    Raises:
        KubectlError: the server refuses the result.
    """
    there = {object_reference(each): each for each in live}
    answer = cluster.do(
        "apply",
        "--dry-run=server",
        "--filename",
        "-",
        "--output",
        "json",
        told=manifest_list(manifests),
    )
    read = json.loads(answer)
    for after in read["items"] if read["kind"] == "List" else [read]:
        before = there.get(object_reference(after))
        if before and is_recorded(before) and (gone := removed_paths(before, after)):
            output.say(
                f"{object_reference(after)} will lose these fields, which this release does not "
                "have:"
            )
            output.detail("\n".join(gone))


def apply_stage(
    cluster: Kubernetes, output: RolloutOutput, name: str, manifests: Sequence[Manifest]
) -> None:
    """Apply a stage's manifests."""
    output.command(f"{cluster.command('apply', '--filename')} {name}.json")
    told = cluster.do("apply", "--filename", "-", told=manifest_list(manifests))
    output.detail(told)


def record_running_state(cluster: Kubernetes, output: RolloutOutput) -> str:
    """Record and label the Deployment as it is after going back; return the tag that runs."""
    live = cluster.get("deployment", DEPLOYMENT)
    tag = tag_of(live)
    try:
        if VERSION in (live["metadata"].get("labels") or {}):
            words = ("label", "--overwrite", f"deployment/{DEPLOYMENT}", f"{VERSION}={tag}")
            output.command(cluster.command(*words))
            cluster.do(*words)
        record_live_objects(cluster, output, [live])
    except KubectlError as error:
        # The next roll-out records it again.
        output.warn(f"The running manifests could not be recorded: {error}")
    return tag


def save_running_release(cluster: Kubernetes, release: Release) -> tuple[list[Manifest], list[str]]:
    """Return what runs now as it can be applied again, and what of it is not there."""
    running = cluster.find("deployment", DEPLOYMENT)
    configs = sorted(config_maps_of(running)) if running else []
    kinds = ("ServiceAccount", "Deployment", "Service", "Ingress")
    wanted = [
        object_reference(each)
        for each in (*release.service, *release.edge)
        if each["kind"] in kinds
    ]
    live = cluster.present([*wanted, *configs])
    there = {object_reference(each) for each in live}
    return [_saved(each) for each in live], [
        each for each in (*wanted, *configs) if each not in there
    ]


def _saved(live: Manifest) -> Manifest:
    applied = as_applied(live)
    if "data" in live:
        applied["data"] = live["data"]
    if live["kind"] == "Deployment" and "replicas" in live["spec"]:
        applied["spec"]["replicas"] = live["spec"]["replicas"]
    return applied
