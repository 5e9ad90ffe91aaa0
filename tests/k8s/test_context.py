"""`make k8s-secret` changes a named cluster, or the only one."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from k8s.context import NoContextError, chosen
from k8s.kustomize import find_kubectl
from tests.k8s.conftest import needs_kubectl
from tests.support.overlays import ROOT


def test_the_only_context_is_taken() -> None:
    assert chosen(["staging"], "") == "staging"


def test_of_several_the_one_that_is_named_is_taken_and_none_else() -> None:
    assert chosen(["staging", "production"], "staging") == "staging"
    with pytest.raises(NoContextError, match=r"Which cluster.*staging, production.*CONTEXT="):
        chosen(["staging", "production"], "")


def test_one_that_is_not_there_is_refused() -> None:
    with pytest.raises(NoContextError, match=r"no context 'stagin'.*has staging"):
        chosen(["staging"], "stagin")
    with pytest.raises(NoContextError, match="aws eks update-kubeconfig"):
        chosen([], "")


def configured(path: Path, *contexts: str, current: str = "") -> dict[str, str]:
    """Return an environment in which kubectl knows some clusters."""
    server = "https://{}.eks.example.org"
    named: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": current,
        "clusters": [{"name": c, "cluster": {"server": server.format(c)}} for c in contexts],
        "users": [],
        "contexts": [{"name": c, "context": {"cluster": c, "user": ""}} for c in contexts],
    }
    path.write_text(json.dumps(named))
    return os.environ | {"KUBECONFIG": str(path), "KUBECTL": str(find_kubectl())}


@needs_kubectl
def test_the_cluster_is_printed_and_the_current_context_is_not_used(tmp_path: Path) -> None:
    def run(*words: str, **environ: Any) -> "subprocess.CompletedProcess[str]":  # noqa: ANN401
        return subprocess.run(  # noqa: S603 - our own module
            [sys.executable, "-m", "k8s.context", *words],
            cwd=ROOT,
            env=environ["env"],
            capture_output=True,
            check=False,
            text=True,
        )

    several = configured(tmp_path / "several", "staging", "production", current="production")
    one = configured(tmp_path / "one", "staging")

    refused, named, only = run(env=several), run("staging", env=several), run(env=one)

    assert (refused.returncode, refused.stdout) == (1, "")
    assert "Which cluster?" in refused.stderr
    assert (named.stdout, only.stdout) == ("staging\n", "staging\n")
    assert named.stderr == only.stderr
    assert only.stderr == "Cluster: staging (https://staging.eks.example.org)\n"


def test_the_makefile_sends_the_secret_to_that_cluster() -> None:
    recipe = (ROOT / "Makefile").read_text("utf-8").partition("\nk8s-secret:")[2]

    assert '--context "$$context" apply' in recipe.partition("\n\n")[0]
