"""The three-way strategic merge of `kubectl apply`.

Compared with the results of a real kubectl and kube-apiserver (tests/k8s/merges). See
https://kubernetes.io/docs/tasks/manage-kubernetes-objects/declarative-config/.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

# Lists that are merged, with the key of their entries. All other lists are replaced as a whole.
_KEYS = {
    "containers": "name",
    "env": "name",
    "imagePullSecrets": "name",
    "initContainers": "name",
    "secrets": "name",
    "topologySpreadConstraints": "topologyKey",
    "volumeMounts": "mountPath",
    "volumes": "name",
}
# Of a volume only what the new manifest names is kept, because a volume has one kind.
_RETAINED = {"volumes", "strategy"}
_Entries = Sequence[Mapping[str, Any]]


def merge(
    original: Mapping[str, Any], modified: Mapping[str, Any], live: Mapping[str, Any], kind: str
) -> dict[str, Any]:
    """Return a live object after an apply: from the last applied, the new and the live object."""
    result = dict(live)
    for name in original.keys() - modified.keys():
        result.pop(name, None)
    for name, value in modified.items():
        result[name] = _value(name, original.get(name), value, live.get(name), kind)
    return result


def _value(name: str, original: Any, modified: Any, live: Any, kind: str) -> Any:  # noqa: ANN401
    if isinstance(modified, Mapping):
        was = original if isinstance(original, Mapping) else {}
        there = live if isinstance(live, Mapping) else {}
        if name in _RETAINED:
            there = {key: each for key, each in there.items() if key in modified}
        return merge(was, modified, there, kind)
    key = _key(name, kind)
    if isinstance(modified, list) and key:
        return _list(original or [], modified, live or [], (name, key), kind)
    return modified


def _key(name: str, kind: str) -> str | None:
    if kind in {"NetworkPolicy", "Ingress", "HorizontalPodAutoscaler"}:
        return None
    if name == "ports":
        return "port" if kind == "Service" else "containerPort"
    return _KEYS.get(name)


def _list(
    original: _Entries, modified: _Entries, live: _Entries, of: tuple[str, str], kind: str
) -> list[Any]:
    name, key = of
    was, there = _by(original, key), _by(live, key)
    merged = {}
    for entry in modified:
        known = there.get(entry[key], {})
        if name in _RETAINED:
            known = {each: value for each, value in known.items() if each in entry}
        merged[entry[key]] = merge(was.get(entry[key], {}), entry, known, kind)
    gone = was.keys() - merged.keys()
    others = {each: entry for each, entry in there.items() if each not in {*merged, *gone}}
    return list(_in_order(others, merged, list(there)))


def _in_order(
    others: Mapping[Any, Any], merged: Mapping[Any, Any], before: Sequence[Any]
) -> Iterator[Any]:
    """Yield applied entries in their order; live ones stay after the entry that they followed."""
    left, right = list(others), list(merged)
    while left and right:
        both = right[0] in before
        if both and before.index(left[0]) < before.index(right[0]):
            yield others[left.pop(0)]
        else:
            yield merged[right.pop(0)]
    yield from (others[each] for each in left)
    yield from (merged[each] for each in right)


def _by(entries: _Entries, key: str) -> dict[Any, Mapping[str, Any]]:
    return {each[key]: each for each in entries}
