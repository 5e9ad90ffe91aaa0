"""A fake cluster and its kubectl, in one process.

It keeps objects and changes them as the real ones do. The results of `apply` are compared with
those of a real kubectl and kube-apiserver. The controllers and nodes are in `fake_controllers`.
"""

import copy
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from cloudmart.rollout.cluster import KubectlResult
from tests.support.api_server import Object, filled_in, invalid
from tests.support.fake_controllers import Scenario, settle, undo
from tests.support.strategic_merge import merge

RECORD = "kubectl.kubernetes.io/last-applied-configuration"
_OPTIONS = ("--context", "--namespace")
_PLURALS = {"networkpolicies": "networkpolicy", "ingresses": "ingress"}
_VALUED = {
    "--field-selector",
    "--filename",
    "--output",
    "--patch",
    "--raw",
    "--selector",
    "--tail",
    "--type",
}


class ServerError(Exception):
    """The error that kubectl prints when the server refuses something."""


@dataclass(slots=True)
class FakeCluster:
    """The objects by kind/name, the chosen scenario, and all commands so far."""

    objects: dict[str, Object] = field(default_factory=dict)
    scenario: Scenario = field(default_factory=Scenario)
    calls: list[list[str]] = field(default_factory=list)
    version: int = 0

    @classmethod
    def read(cls, text: str) -> "FakeCluster":
        """Return the cluster that was saved as a text."""
        kept = json.loads(text)
        return cls(**{**kept, "scenario": Scenario(**kept["scenario"])})

    def text(self) -> str:
        """Return the cluster as a text, for the next process."""
        return json.dumps(asdict(self))

    def __call__(self, words: Sequence[str], told: str | None) -> KubectlResult:
        """Answer a command as kubectl does."""
        self.calls.append(list(words))
        rest = list(words)
        while rest[0] in _OPTIONS:
            rest = rest[2:]
        try:
            settle(self)
            out = self._do(rest, json.loads(told) if told else None)
            settle(self)
        except ServerError as error:
            return KubectlResult(1, "", f"{error}\n")
        return KubectlResult(0 if out != "no\n" else 1, out, "")

    @property
    def changes(self) -> list[str]:
        """The commands that changed the cluster, in short."""
        return [each for call in self.calls if (each := _change(call))]

    def put(self, *given: Mapping[str, Any]) -> None:
        """Add objects, as if the server had created them."""
        for each in given:
            self._store(filled_in(each))
        settle(self)

    def live(self, reference: str) -> Object:
        """Return an object."""
        return self.objects[reference]

    def listed(self, kind: str) -> list[Object]:
        """Return the objects of a kind."""
        return [each for name, each in self.objects.items() if name.startswith(f"{kind}/")]

    def _do(self, words: list[str], told: Any) -> str:  # noqa: ANN401
        self._refuse(words)
        names, options = _parsed(words[1:])
        match words[0], names:
            case "config", _:
                return json.dumps(self.scenario.configuration)
            case "auth", [_, verb, resource]:
                return "no\n" if f"{verb} {resource}" in self.scenario.forbidden else "yes\n"
            case "get", _:
                return self._get(names, options)
            case "apply", ["set-last-applied"]:
                self._store(_recorded(self._there(told), told))
            case "apply" | "create" | "replace" as verb, _:
                return self._write(verb, told, options)
            case "label", [reference, pair]:
                name, _, value = pair.partition("=")
                changed = copy.deepcopy(self._known(reference))
                changed["metadata"].setdefault("labels", {})[name] = value
                self._store(changed)
            case "delete", [kind, name]:
                self.objects.pop(f"{kind}/{name}", None)
            case "rollout", ["undo", reference]:
                undo(self, self._known(reference), options["--to-revision"])
            case "logs", [what]:
                return self._logs(what.partition("/")[2])
        return ""

    def _raw(self, path: str) -> str:
        if path not in self.scenario.raw:
            raise ServerError("Error from server (NotFound): the server could not find it")
        told = self.scenario.raw[path]
        return told() if callable(told) else told

    def _get(self, names: list[str], options: Mapping[str, str]) -> str:
        if path := options.get("--raw"):
            return self._raw(path)
        if "/" in names[0]:
            found = [self.objects[each] for each in names if each in self.objects]
            return json.dumps({"kind": "List", "items": found}) if found else ""
        if len(names) > 1:
            return json.dumps(self._known(f"{names[0]}/{names[1]}"))
        kinds = [_singular(each) for each in names[0].split(",")]
        items = [
            each
            for kind in kinds
            for each in self.listed(kind)
            if _chosen(each, options.get("--selector", ""))
            and _about(each, options.get("--field-selector", ""))
        ]
        return json.dumps({"kind": "List", "items": items})

    def _write(self, verb: str, told: Object, options: Mapping[str, str]) -> str:
        written = []
        dry = "--dry-run" in options
        for each in told["items"] if told["kind"] == "List" else [told]:
            there = self.objects.get(_reference(each))
            made = filled_in(_applied(each, there) if verb == "apply" else each)
            if there is None and (fault := self._homeless(each)):
                raise ServerError(fault)
            if verb == "create" and there:
                raise ServerError(f'Error from server (AlreadyExists): "{_reference(each)}" exists')
            if verb == "replace" and (fault := _conflict(each, there)):
                raise ServerError(fault)
            self._refuse_kind(each, there)
            if fault := invalid(made, there):
                raise ServerError(fault)
            written.append(made if dry else self._store(made))
        if options.get("--output") == "json":
            return json.dumps(
                written[0] if told["kind"] != "List" else {"kind": "List", "items": written}
            )
        return "".join(f"{_reference(each)} configured\n" for each in written)

    def _homeless(self, made: Object) -> str | None:
        namespace = made["metadata"].get("namespace")
        if namespace is None or f"namespace/{namespace}" in self.objects:
            return None
        return (
            'Error from server (NotFound): error when creating "STDIN": namespaces '
            f'"{namespace}" not found'
        )

    def _store(self, made: Object) -> Object:
        self.version += 1
        metadata = made["metadata"]
        metadata.setdefault("uid", f"uid-{self.version}")
        metadata["resourceVersion"] = str(self.version)
        self.objects[_reference(made)] = made
        return made

    def _there(self, told: Object) -> Object:
        return copy.deepcopy(self._known(_reference(told)))

    def _known(self, reference: str) -> Object:
        if reference not in self.objects:
            kind, _, name = reference.partition("/")
            raise ServerError(f'Error from server (NotFound): {kind} "{name}" not found')
        return self.objects[reference]

    def _logs(self, name: str) -> str:
        return self.scenario.logs.get(name, self.scenario.logs.get("*", ""))

    def _refuse(self, words: list[str]) -> None:
        if self.scenario.away and words[0] != "config":
            raise ServerError("Unable to connect to the server: dial tcp: i/o timeout")
        kind = words[1].partition("/")[0] if len(words) > 1 else ""
        if f"{words[0]} {kind}" in self.scenario.forbidden:
            raise ServerError(
                f'Error from server (Forbidden): {kind} is forbidden: User "deployer" cannot '
                f'{words[0]} resource "{kind}"'
            )

    def _refuse_kind(self, made: Object, there: Object | None) -> None:
        kind = made["kind"].lower()
        if f"write {kind}" in self.scenario.forbidden:
            creating = 'error when creating "STDIN"'
            # kubectl prints the whole patch and the object before it prints the error.
            before = (
                f'error when applying patch:\n{json.dumps(made)}\nto:\nResource: "{kind}s"\n'
                'Name: "x", Namespace: "default"\nfor: "STDIN": error when patching "STDIN"'
            )
            if f"get {kind}s" in self.scenario.forbidden:
                before = (
                    f'error when retrieving current configuration of:\nResource: "{kind}s"\n'
                    'Name: "x", Namespace: "default"\nfrom server for: "STDIN"'
                )
            raise ServerError(
                f"Error from server (Forbidden): {before if there else creating}: "
                f'{kind}s is forbidden: User "deployer" cannot patch resource "{kind}s" in the '
                'namespace "default"'
            )


def _applied(told: Object, there: Object | None) -> Object:
    # As kubectl does, but only where it applies.
    told = {**told, "metadata": {"annotations": {}, **told["metadata"]}}
    if there is None:
        return _recorded(copy.deepcopy(told), told)
    text = there["metadata"].get("annotations", {}).get(RECORD)
    original = json.loads(text) if text else {}
    return _recorded(merge(original, told, copy.deepcopy(there), told["kind"]), told)


def _recorded(made: Object, told: Object) -> Object:
    kept = json.loads(json.dumps(told))
    kept["metadata"].get("annotations", {}).pop(RECORD, None)
    text = json.dumps(kept, sort_keys=True, separators=(",", ":")) + "\n"
    metadata = {**made["metadata"]}
    metadata["annotations"] = {**metadata.get("annotations", {}), RECORD: text}
    return {**made, "metadata": metadata}


def _conflict(told: Object, there: Object | None) -> str | None:
    if there is None:
        return f'Error from server (NotFound): "{_reference(told)}" not found'
    wanted = told["metadata"].get("resourceVersion")
    if wanted and wanted != there["metadata"]["resourceVersion"]:
        return f"Error from server (Conflict): {_reference(told)} has been modified"
    return None


def _parsed(words: list[str]) -> tuple[list[str], dict[str, str]]:
    names, options, left = [], {}, list(words)
    while left:
        word = left.pop(0)
        if not word.startswith("--"):
            names.append(word)
        elif word in _VALUED:
            options[word] = left.pop(0)
        else:
            name, _, value = word.partition("=")
            options[name] = value
    return names, options


def _reference(made: Mapping[str, Any]) -> str:
    return f"{made['kind'].lower()}/{made['metadata']['name']}"


def _singular(plural: str) -> str:
    kind = plural.partition(".")[0]
    return _PLURALS.get(kind, kind.removesuffix("s"))


def _chosen(made: Object, selector: str) -> bool:
    labels = made["metadata"].get("labels", {})
    pairs = (each.partition("=") for each in selector.split(",") if each)
    return all(labels.get(name) == value for name, _, value in pairs)


def _about(event: Object, selector: str) -> bool:
    if not selector:
        return True
    wanted = dict(each.split("=") for each in selector.split(","))
    about = event["involvedObject"]
    return bool(
        about["name"] == wanted["involvedObject.name"]
        and about["kind"] == wanted["involvedObject.kind"]
    )


def _change(call: list[str]) -> str | None:
    words = list(call)
    while words[0] in _OPTIONS:
        words = words[2:]
    names, options = _parsed(words)
    if names[0] in {"get", "logs", "auth", "config"} or "--dry-run" in options:
        return None
    if "lease" in names or (names[0] in {"create", "replace"}):
        return None
    revision = options.get("--to-revision")
    return " ".join([*names, *([f"to {revision}"] if revision else [])])
