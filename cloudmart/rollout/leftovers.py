"""Finds other objects in the namespace that interfere with a release."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from cloudmart.rollout.cluster import KubectlError, Kubernetes
from cloudmart.rollout.release import DEPLOYMENT, Manifest, Release, name_of, object_reference

_CHECKED = "networkpolicies,ingresses,horizontalpodautoscalers,poddisruptionbudgets,services"
_RELEASED = f"deployments,serviceaccounts,{_CHECKED}"
_OURS = "app.kubernetes.io/part-of=cloudmart,app.kubernetes.io/managed-by=kustomize"
# Of the manifests before these; nothing reads it.
_WAF_RULES = "waf-rules-config"


def leftovers(cluster: Kubernetes, release: Release) -> list[str]:
    """Return a sentence for each such object, with what to do about it."""
    try:
        return list(_leftovers(cluster, release))
    except KubectlError as error:
        return [f"What else is in the namespace cannot be seen: {error}"]


def _leftovers(cluster: Kubernetes, release: Release) -> Iterator[str]:
    own = {object_reference(each) for each in release.every}
    labels = release.deployment["spec"]["template"]["metadata"]["labels"]
    page = release.storefront.service if release.storefront else None
    for _, sentence in strangers(cluster, own, labels, page):
        yield sentence
    seen = set[str]()
    for each in cluster.every(_RELEASED, "--selector", _OURS):
        name = object_reference(each)
        if name not in own and name not in seen:
            seen.add(name)
            yield (
                f"{name} is of an earlier release, and this one has none. Remove it: "
                f"{_remove(cluster, each)}."
            )
    yield from _scraped_twice(cluster, release)
    for each in cluster.every("configmaps"):
        name = object_reference(each)
        if name_of(each) == _WAF_RULES:
            yield f"{name} is read by nothing. Remove it: {_remove(cluster, each)}."
        elif job := _scrape_job(each):
            yield (
                f"{name} has a scrape job for the backend ({job}). Metrics are on port "
                "9000 of each pod now: make it use the pods' annotations, or a PodMonitor."
            )


def strangers(
    cluster: Kubernetes, own: Collection[str], labels: Mapping[str, str], page: str | None
) -> Iterator[tuple[str, str]]:
    """Yield what else acts on pods with some labels: its kind, and a sentence about it.

    `own` are the references of what may; `page` is the Service of the storefront.
    """
    for each in cluster.every(_CHECKED):
        if object_reference(each) not in own and (what := _what(each, labels, page)):
            remove = _remove(cluster, each)
            sentence = f"{object_reference(each)} {what} Remove it, if it is not meant: {remove}."
            yield each["kind"], sentence


def ours(cluster: Kubernetes) -> set[str]:
    """Return the references of what a release has brought, as its labels tell."""
    return {object_reference(each) for each in cluster.every(_RELEASED, "--selector", _OURS)}


def _scraped_twice(cluster: Kubernetes, release: Release) -> Iterator[str]:
    metadata = release.deployment["spec"]["template"]["metadata"]
    if metadata.get("annotations", {}).get("prometheus.io/scrape") != "true":
        return
    try:
        monitors = cluster.every("podmonitors.monitoring.coreos.com")
    except KubectlError:
        return  # Without the Prometheus Operator there is no such kind.
    for each in monitors:
        name = object_reference(each)
        if _selects(each["spec"].get("selector"), metadata["labels"]):
            yield (
                f"{name} scrapes the pods, and their annotations offer them to another "
                "Prometheus: metrics may be counted twice. Choose the component "
                "k8s/components/pod-monitor in the overlay."
            )


def _what(manifest: Manifest, labels: Mapping[str, str], page: str | None) -> str | None:
    """Return what an object does to the pods of the backend, if it does anything."""
    spec = manifest["spec"]
    found: str | None = None
    match manifest["kind"]:
        case "NetworkPolicy" if _selects(spec.get("podSelector"), labels):
            found = _policy(spec)
        case "Ingress" if led := _backends(spec) & {DEPLOYMENT, page}:
            found = f"leads to {min(filter(None, led))} as well, by rules that no release changes."
        case "HorizontalPodAutoscaler" if spec["scaleTargetRef"]["name"] == DEPLOYMENT:
            found = (
                "scales the Deployment as well: with two of them neither works (AmbiguousSelector)."
            )
        case "PodDisruptionBudget" if _selects(spec.get("selector"), labels):
            found = (
                "covers the pods of the backend as well: with two of them no pod can be evicted."
            )
        case "Service" if _is_exposed(spec) and _covers(spec.get("selector"), labels):
            found = "leads into the pods from outside the cluster, past the Ingress."
    return found


def _is_exposed(spec: Mapping[str, Any]) -> bool:
    return spec.get("type") in {"LoadBalancer", "NodePort"}


def _policy(spec: Mapping[str, Any]) -> str | None:
    if "Ingress" not in spec.get("policyTypes", ["Ingress"]):
        return None
    anybody = any(not rule.get("from") for rule in spec.get("ingress") or ())
    who = "lets everybody in" if anybody else "adds to who is let in"
    return f"{who} to the pods of the backend: what policies allow adds up."


def _selects(selector: Mapping[str, Any] | None, labels: Mapping[str, str]) -> bool:
    if selector is None or selector.get("matchExpressions"):
        return False
    return _covers(selector.get("matchLabels") or {}, labels)


def _covers(wanted: Mapping[str, str] | None, labels: Mapping[str, str]) -> bool:
    return wanted is not None and all(labels.get(name) == value for name, value in wanted.items())


def _backends(spec: Mapping[str, Any]) -> set[str | None]:
    backends = [spec.get("defaultBackend") or {}]
    for rule in spec.get("rules") or ():
        backends += [path["backend"] for path in (rule.get("http") or {}).get("paths", ())]
    return {each["service"]["name"] for each in backends if "service" in each}


def _scrape_job(config: Manifest) -> str | None:
    for name, text in (config.get("data") or {}).items():
        if "scrape_configs" in text and DEPLOYMENT in text:
            return str(name)
    return None


def _remove(cluster: Kubernetes, manifest: Manifest) -> str:
    return f"`{cluster.command('delete', object_reference(manifest))}`"
