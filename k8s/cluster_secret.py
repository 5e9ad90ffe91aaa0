"""Checks the Secret that an environment's pods will find in the cluster.

python -m k8s.cluster_secret production [CONTEXT]
"""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

from cloudmart.rollout.cluster import KubectlError, Kubernetes, kubectl_program
from cloudmart.rollout.preflight import namespace_faults, secret_faults, secret_of, unread_keys
from k8s.context import NoContextError, chosen
from k8s.kustomize import OVERLAYS, PUBLIC, Rendered, find_kubectl, render_overlay


@dataclass(frozen=True, slots=True)
class Judgement:
    """The faults of the Secret, and what an operator should know about it."""

    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def judge(cluster: Kubernetes, rendered: Rendered, environment: str) -> Judgement:
    """Return the faults of the Secret in a cluster, as a roll-out would find them."""
    try:
        if absent := list(namespace_faults(cluster, environment)):
            return Judgement(absent)
        secret, why = secret_of(cluster, environment)
    except KubectlError as error:
        return Judgement(notes=[_not_seen(str(error))])
    if secret is None:
        return Judgement([str(why)])
    return Judgement(secret_faults(rendered, secret), list(unread_keys(rendered, secret)))


def main(arguments: Sequence[str]) -> int:
    """Print the faults of the Secret, and return the exit code.

    If no cluster can be reached, it says so and does not fail, because the manifests are also
    checked on machines without a cluster.
    """
    environment, named = arguments[0], arguments[1] if len(arguments) > 1 else ""
    if environment not in PUBLIC:
        # Local mode needs no Secret.
        return 0
    path = str(find_kubectl())
    words = [path, "config", "get-contexts", "--output", "name"]
    known = subprocess.run(words, check=False, capture_output=True, text=True)  # noqa: S603 - kubectl
    try:
        context = chosen(known.stdout.split(), named)
    except NoContextError as error:
        sys.stderr.write(f"{_not_seen(str(error))}\n")
        return 1 if named else 0
    rendered = render_overlay(OVERLAYS / environment)
    namespace = rendered.named("Deployment", "cloudmart-backend")["metadata"]["namespace"]
    cluster = Kubernetes(kubectl_program(path), namespace, context)
    found = judge(cluster, rendered, environment)
    sys.stderr.writelines(f"{line}\n" for line in (*found.faults, *found.notes))
    if not found.faults and not found.notes:
        sys.stdout.write(f"{environment}: the Secret in {context} is good.\n")
    return 1 if found.faults else 0


def _not_seen(why: str) -> str:
    return f"The Secret in the cluster was not looked at: {why}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
