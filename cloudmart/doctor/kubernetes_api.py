"""The Kubernetes API, asked from inside a pod without a kubectl, in the words of kubectl."""

import json
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2

from cloudmart.rollout.cluster import KubectlResult

_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_SECONDS = 5.0
_GROUPS = {
    "deployment": "apis/apps/v1",
    "replicaset": "apis/apps/v1",
    "daemonset": "apis/apps/v1",
    "ingress": "apis/networking.k8s.io/v1",
    "networkpolicy": "apis/networking.k8s.io/v1",
    "horizontalpodautoscaler": "apis/autoscaling/v2",
    "poddisruptionbudget": "apis/policy/v1",
}
_PLURALS = {"ingress": "ingresses", "networkpolicy": "networkpolicies"}
_CHOICES = {"--selector": "labelSelector", "--field-selector": "fieldSelector"}
_VALUED = {"--context", "--namespace", "--output", "--raw", "--tail", *_CHOICES}
_KUBECTL_NAMES = {404: "NotFound", 403: "Forbidden", 401: "Unauthorized"}
_KINDS = {plural: kind for kind, plural in _PLURALS.items()}


@dataclass(frozen=True, slots=True)
class KubernetesApi:
    """Asks the API server with the token of the pod's ServiceAccount, and only looks."""

    url: str
    token: Callable[[], str]
    client: Callable[[], httpx2.Client]

    @classmethod
    def of_this_pod(cls, environ: Mapping[str, str]) -> "KubernetesApi | None":
        """Return it, or None where the pod has been given no token."""
        token = _ACCOUNT / "token"
        if not token.is_file():
            return None
        host, port = environ["KUBERNETES_SERVICE_HOST"], environ["KUBERNETES_SERVICE_PORT"]
        shown = f"[{host}]" if ":" in host else host
        context = ssl.create_default_context(cafile=str(_ACCOUNT / "ca.crt"))
        return cls(
            f"https://{shown}:{port}",
            # The kubelet renews it.
            lambda: token.read_text("utf-8").strip(),
            lambda: httpx2.Client(timeout=_SECONDS, verify=context, trust_env=False),
        )

    def __call__(self, words: Sequence[str], told: str | None) -> KubectlResult:
        """Answer as kubectl does what a doctor asks of it."""
        _ = told
        names, options = _parsed(words)
        match names:
            case ["config", *_]:
                return KubectlResult(0, json.dumps(self._configuration()), "")
            case ["get", *_] if path := options.get("--raw"):
                return self._ask(path, {})
            case ["get", kinds]:
                return self._every(kinds.split(","), options)
            case ["get", kind, name]:
                return self._ask(f"{_path(kind, options)}/{quote(name)}", {})
            case ["logs", pod]:
                path = f"{_path('pod', options)}/{quote(pod.removeprefix('pod/'))}/log"
                asked = {"tailLines": options.get("--tail", "200")}
                return self._ask(path, asked | _previous(options))
        return KubectlResult(1, "", f"error: {' '.join(names)} is not asked in a pod")

    def _every(self, kinds: Sequence[str], options: Mapping[str, str]) -> KubectlResult:
        items: list[Any] = []
        asked = {asks: options[name] for name, asks in _CHOICES.items() if name in options}
        for kind in kinds:
            answered = self._ask(_path(kind, options), asked)
            if answered.code:
                return answered
            listed = json.loads(answered.out)
            # In a list the API leaves out what is the same for all.
            each_kind = str(listed.get("kind", "")).removesuffix("List")
            items += [{"kind": each_kind, **each} for each in listed.get("items") or ()]
        return KubectlResult(0, json.dumps({"kind": "List", "items": items}), "")

    def _ask(self, path: str, asked: Mapping[str, str]) -> KubectlResult:
        headers = {"Authorization": f"Bearer {self.token()}"}
        try:
            with self.client() as client:
                answer = client.get(f"{self.url}{path}", params=dict(asked), headers=headers)
        except (httpx2.HTTPError, OSError) as error:
            return KubectlResult(1, "", f"Unable to connect to the server: {error}")
        if answer.status_code == httpx2.codes.OK:
            return KubectlResult(0, answer.text, "")
        name = _KUBECTL_NAMES.get(answer.status_code, "ServiceUnavailable")
        return KubectlResult(1, "", f"Error from server ({name}): {_message(answer)}")

    def _configuration(self) -> dict[str, Any]:
        return {
            "contexts": [{"name": "this pod's cluster"}],
            "clusters": [{"cluster": {"server": self.url}}],
        }


def _parsed(words: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    names: list[str] = []
    options: dict[str, str] = {}
    left = list(words)
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


def _path(kind: str, options: Mapping[str, str]) -> str:
    bare = kind.partition(".")[0]
    singular = _KINDS.get(bare, bare.removesuffix("s") if bare != "ingress" else bare)
    if singular == "namespace":
        return "/api/v1/namespaces"
    plural = _PLURALS.get(singular, f"{singular}s")
    group = _GROUPS.get(singular, "api/v1")
    if singular == "endpointslice":
        group = "apis/discovery.k8s.io/v1"
    return f"/{group}/namespaces/{quote(options.get('--namespace', 'default'))}/{plural}"


def _previous(options: Mapping[str, str]) -> dict[str, str]:
    return {"previous": "true"} if "--previous" in options else {}


def _message(answer: httpx2.Response) -> str:
    try:
        return str(answer.json()["message"])
    except (ValueError, KeyError, TypeError):
        return f"it answers {answer.status_code}"
