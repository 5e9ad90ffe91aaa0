"""The cluster that a command changes: the one that is named, or the only one.

python -m k8s.context [NAME]
"""

import subprocess
import sys
from collections.abc import Sequence

from k8s.kustomize import find_kubectl


class NoContextError(Exception):
    """It is not clear which cluster is meant; the sentence says what to do."""


def chosen(contexts: Sequence[str], named: str) -> str:
    """Return the context to use, or raise NoContextError.

    It does not use kubectl's current context: with several clusters, that may still be production.
    """
    if named:
        if named not in contexts:
            raise NoContextError(f"kubectl has no context {named!r}. {_listed(contexts)}")
        return named
    if len(contexts) == 1:
        return contexts[0]
    raise NoContextError(
        f"Which cluster? {_listed(contexts)}" + (" Name one: CONTEXT=…" if contexts else "")
    )


def main(arguments: Sequence[str]) -> int:
    """Print the context to use, and on stderr the cluster's name; return the exit code."""
    program = find_kubectl()
    if program is None:
        return _complain("kubectl is not installed: `make kubectl` brings one.")
    try:
        contexts = _ask(program, "config", "get-contexts", "--output", "name").split()
        context = chosen(contexts, arguments[0] if arguments else "")
        server = _ask(
            program, "--context", context, "config", "view", "--minify", "--output", _SERVER
        )
    except NoContextError as error:
        return _complain(str(error))
    except subprocess.CalledProcessError as error:
        return _complain(error.stderr.strip())
    sys.stderr.write(f"Cluster: {context} ({server.strip() or 'no address'})\n")
    sys.stdout.write(f"{context}\n")
    return 0


_SERVER = "jsonpath={.clusters[0].cluster.server}"


def _ask(program: str, *words: str) -> str:
    return subprocess.run(  # noqa: S603 - kubectl
        [program, *words], check=True, capture_output=True, text=True
    ).stdout


def _listed(contexts: Sequence[str]) -> str:
    if not contexts:
        return "kubectl's configuration has no context: `aws eks update-kubeconfig` makes one."
    return f"kubectl's configuration has {', '.join(contexts)}."


def _complain(sentence: str) -> int:
    sys.stderr.write(f"{sentence}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
