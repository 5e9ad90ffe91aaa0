"""The cluster, as kubectl reaches it: reads, changes, and refusals."""

import json
import re
import shlex
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from cloudmart.rollout.release import Manifest

_PATIENCE = 60
"""Seconds that one command of kubectl may take."""

# kubectl shows the whole patch, or what it wanted to look at, before it comes to the point.
_PREAMBLE = re.compile(
    r"error when (?:applying patch|retrieving current configuration of):\n.*?\n"
    r'(?:from server )?for: "[^"]*": |error when \w+ing "STDIN": ',
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class KubectlResult:
    """What kubectl left when it ended."""

    code: int
    out: str
    err: str


Run = Callable[[Sequence[str], str | None], KubectlResult]
"""Runs kubectl with some words and, if any, an input."""


def kubectl_program(path: str) -> Run:
    """Return what runs a kubectl."""

    def run(words: Sequence[str], told: str | None) -> KubectlResult:
        try:
            ended = subprocess.run(  # noqa: S603 - kubectl, with words of ours
                [path, *words],
                # Without input it must not read the terminal.
                input=told or "",
                capture_output=True,
                check=False,
                text=True,
                timeout=_PATIENCE,
            )
        except subprocess.TimeoutExpired:
            return KubectlResult(1, "", f"Unable to connect: no answer within {_PATIENCE} s")
        return KubectlResult(ended.returncode, ended.stdout, ended.stderr)

    return run


class KubectlReason(StrEnum):
    """Why a command of kubectl failed."""

    ABSENT = "absent"
    EXISTS = "exists"
    CHANGED = "changed meanwhile"
    FORBIDDEN = "forbidden"
    INVALID = "invalid"
    AWAY = "away"
    OTHER = "other"


_WORDS = (
    ("(NotFound)", KubectlReason.ABSENT),
    ("(AlreadyExists)", KubectlReason.EXISTS),
    ("(Conflict)", KubectlReason.CHANGED),
    ("(Forbidden)", KubectlReason.FORBIDDEN),
    ("is invalid", KubectlReason.INVALID),
    ("Unable to connect", KubectlReason.AWAY),
    ("was refused", KubectlReason.AWAY),
    ("(ServiceUnavailable)", KubectlReason.AWAY),
    ("(Timeout)", KubectlReason.AWAY),
    ("(TooManyRequests)", KubectlReason.AWAY),
    ("(InternalError)", KubectlReason.AWAY),
    ("i/o timeout", KubectlReason.AWAY),
    ("TLS handshake", KubectlReason.AWAY),
)


class KubectlError(Exception):
    """A command of kubectl failed; the text is kubectl's own."""

    def __init__(self, answered: KubectlResult) -> None:
        # Warnings of the API come first, and are no reason.
        lines = [each for each in answered.err.splitlines() if not each.startswith("Warning:")]
        text = _PREAMBLE.sub("", "\n".join(lines)).strip()
        super().__init__(text or f"kubectl ended with {answered.code}.")
        found = (reason for word, reason in _WORDS if word in answered.err)
        self.reason = next(found, KubectlReason.OTHER)


class Kubernetes:
    """One namespace of one cluster."""

    def __init__(self, run: Run, namespace: str, context: str | None = None) -> None:
        self._run = run
        self.namespace = namespace
        self.context = context

    @property
    def options(self) -> list[str]:
        """The options with which kubectl acts here and nowhere else."""
        named = ["--context", self.context] if self.context else []
        return [*named, "--namespace", self.namespace]

    def command(self, *words: str) -> str:
        """Return a command for a person to run."""
        return shlex.join(["kubectl", *self.options, *words])

    def do(self, *words: str, told: object = None) -> str:
        """Run kubectl and return what it prints; `told` is its input, made JSON.

        Raises:
            KubectlError: it refuses, or cannot reach the cluster.
        """
        answered = self._run([*self.options, *words], None if told is None else json.dumps(told))
        if answered.code:
            raise KubectlError(answered)
        return answered.out

    def find(self, kind: str, name: str) -> Manifest | None:
        """Return an object, or None where there is none."""
        try:
            return self.get(kind, name)
        except KubectlError as error:
            if error.reason is KubectlReason.ABSENT:
                return None
            raise

    def get(self, *words: str) -> dict[str, Any]:
        """Return what `kubectl get` finds."""
        found: dict[str, Any] = json.loads(self.do("get", *words, "--output", "json"))
        return found

    def every(self, kinds: str, *words: str) -> list[Manifest]:
        """Return all objects of some kinds in the namespace, or those that `words` choose."""
        items: list[Manifest] = self.get(kinds, *words)["items"]
        return items

    def present(self, references: Sequence[str]) -> list[Manifest]:
        """Return those objects, each kind/name, that are there."""
        text = self.do("get", *references, "--ignore-not-found", "--output", "json")
        if not text.strip():
            return []
        found = json.loads(text)
        items: list[Manifest] = found["items"] if found["kind"] == "List" else [found]
        return items

    def may(self, verb: str, resource: str) -> bool:
        """Return whether this account may do something here."""
        answered = self._run([*self.options, "auth", "can-i", verb, resource], None)
        return answered.out.strip() == "yes"

    def where(self) -> str:
        """Say which cluster this is: the context and the server that kubectl takes.

        Raises:
            KubectlError: there is no such context, or none at all.
        """
        chosen = self.get_configuration()
        contexts, clusters = chosen.get("contexts") or [], chosen.get("clusters") or []
        context = contexts[0]["name"] if contexts else "none"
        server = clusters[0]["cluster"]["server"] if clusters else "unknown"
        return f"context {context}, server {server}, namespace {self.namespace}"

    def get_configuration(self) -> Mapping[str, Any]:
        """Return the part of kubectl's configuration that counts here."""
        text = self.do("config", "view", "--minify", "--output", "json")
        read: Mapping[str, Any] = json.loads(text)
        return read


def manifest_list(manifests: Sequence[Manifest]) -> Manifest:
    """Return manifests as one input for kubectl."""
    return {"apiVersion": "v1", "kind": "List", "items": list(manifests)}
