"""`make k8s-check ENV=… CONTEXT=…` also checks the Secret in the cluster."""

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from cloudmart.rollout.cluster import KubectlResult, Kubernetes
from k8s.cluster_secret import Judgement, judge, main
from k8s.kustomize import Rendered, render_overlay
from tests.k8s.conftest import needs_kubectl
from tests.settings import good as settings

GOOD = {name: settings.GOOD[name] for name in ("OPENAI_API_KEY", "ADMIN_USERS")}
ABSENT = KubectlResult(1, "", "Error from server (NotFound): not found")


@pytest.fixture
def production(filled: Path) -> Rendered:
    """Provide production with every value filled in."""
    return render_overlay(filled)


def cluster(secret: Mapping[str, str] | None, *, namespace: bool = True) -> Kubernetes:
    """Return a cluster with a Secret, or without."""

    def run(words: Sequence[str], _: str | None) -> KubectlResult:
        kind = words[words.index("get") + 1]
        if kind == "namespace":
            return KubectlResult(0, '{"metadata": {}}', "") if namespace else ABSENT
        if secret is None:
            return ABSENT
        coded = {name: base64.b64encode(value.encode()).decode() for name, value in secret.items()}
        return KubectlResult(0, json.dumps({"metadata": {}, "data": coded}), "")

    return Kubernetes(run, "default", "shop")


@needs_kubectl
def test_a_good_secret_is_nothing_to_talk_about(production: Rendered) -> None:
    assert judge(cluster(GOOD), production, "production") == Judgement()


@needs_kubectl
def test_a_missing_secret_and_a_missing_namespace_are_faults(production: Rendered) -> None:
    without = judge(cluster(None), production, "production")
    nowhere = judge(cluster(None, namespace=False), production, "production")

    (fault,) = without.faults
    assert fault == (
        "There is no Secret cloudmart-api-keys in the namespace default. Make it: "
        "`make k8s-secret ENV=production`."
    )
    assert nowhere.faults[0].startswith("There is no namespace default.")


@needs_kubectl
def test_each_key_that_is_mounted_by_no_name_is_named(production: Rendered) -> None:
    held = GOOD | {"OPENAI_APIKEY": "sk-1", "GCP_SERVICE_ACCOUNT_KEY": "{}"}

    found = judge(cluster(held), production, "production")

    assert found.faults == []
    assert found.notes == [
        (
            "No fault: Secret cloudmart-api-keys holds GCP_SERVICE_ACCOUNT_KEY, which this release "
            "does not read."
        ),
        (
            "No fault: Secret cloudmart-api-keys holds OPENAI_APIKEY, which this release does not "
            "read; did you mean OPENAI_API_KEY?"
        ),
    ]


@needs_kubectl
@pytest.mark.parametrize("value", ["<your-azure-api-key>", ""])
def test_a_value_with_which_no_pod_would_start_is_a_fault(production: Rendered, value: str) -> None:
    held = GOOD | {"ADMIN_USERS": value}

    (fault,) = judge(cluster(held), production, "production").faults

    assert "ADMIN_USERS" in fault


def _away(_: Sequence[str], __: str | None) -> KubectlResult:
    return KubectlResult(1, "", "Unable to connect to the server: i/o timeout")


@needs_kubectl
def test_a_cluster_that_does_not_answer_is_not_a_fault_of_the_manifests(
    production: Rendered,
) -> None:
    run: Callable[[Sequence[str], str | None], KubectlResult] = _away

    found = judge(Kubernetes(run, "default"), production, "production")

    assert found.faults == []
    assert found.notes == [
        "The Secret in the cluster was not looked at: Unable to connect to the server: i/o timeout"
    ]


@needs_kubectl
@pytest.mark.parametrize(("named", "code"), [([], 0), (["shop"], 1)])
def test_a_machine_that_knows_no_cluster_says_so(
    named: list[str],
    code: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))

    assert main(["production", *named]) == code
    assert capsys.readouterr().err.startswith("The Secret in the cluster was not looked at: ")
