"""`k8s/rollout.sh`: what it tells the cluster, in which order, and how it goes back."""

import json
import subprocess
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest

from k8s.kustomize import render
from k8s.stages import stages
from tests.k8s.conftest import needs_kubectl
from tests.support.fake_kubectl import Cluster
from tests.support.overlays import FILLED, ROOT
from tests.support.rollouts import Pages, Script, seen_from_outside, without_options

pytestmark = [needs_kubectl, pytest.mark.rollout]

JOB = f"cloudmart-tables-{FILLED['tag']}"
PAGES = {
    "/api/health": (200, '{"status":"pass","serviceId":"cloudmart-backend"}'),
    "/api/products?limit=1": (200, "[]"),
    "/metrics": (200, "<!doctype html><title>CloudMart</title>"),
}


@pytest.fixture
def shop() -> Iterator[tuple[str, Pages]]:
    """Give the shop as it is seen from outside: its address, and its pages, which may change."""
    with seen_from_outside(dict(PAGES)) as seen:
        yield seen


@pytest.fixture
def script(filled: Path, shop: tuple[str, object], tmp_path: Path) -> Script:
    """Give the script."""
    return Script(filled, shop[0], tmp_path)


BRIEFLY = ("--answers-within", "1")
BEFORE = [f"delete job {JOB}", "apply tables.yaml"]
SERVICE = ["apply service.yaml", "rollout status"]
EDGE = ["apply edge.yaml"]
BACK = ["rollout undo --to-revision 7", "rollout status"]


def test_the_tables_come_first_then_the_service(script: Script) -> None:
    ended = script.run()

    assert ended.code == 0, ended.told
    assert ended.changes == [*BEFORE, *SERVICE, *EDGE]
    assert ended.told.splitlines()[-1] == "== Rolled out: production."
    assert all(call.startswith(("--namespace default ", "get namespace ")) for call in ended.calls)


def test_tables_that_fail_leave_the_service_alone(script: Script) -> None:
    ended = script.run(cluster=Cluster(job="FailureTarget Failed"))

    assert ended.code == 1
    assert ended.changes == BEFORE
    assert "The tables are Failed. The service was not touched." in ended.told


def test_tables_that_take_too_long_leave_the_service_alone(script: Script) -> None:
    ended = script.run("--tables-timeout", "1", cluster=Cluster(job=""))

    assert ended.code == 1
    assert ended.changes == BEFORE


def test_the_tables_can_be_left_alone(script: Script) -> None:
    assert script.run("--skip-tables").changes == [*SERVICE, *EDGE]


def test_pods_that_do_not_get_ready_make_way_for_those_of_before(script: Script) -> None:
    ended = script.run(cluster=Cluster(gets_ready=False))

    assert ended.code == 1
    assert ended.changes == [*BEFORE, *SERVICE, *BACK]
    assert "The new pods do not get ready." in ended.told
    assert "The pods are those of before again (revision 7)." in ended.told


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/api/health", (503, "{}")),
        ("/api/health", (200, "<!doctype html>")),
        ("/api/products?limit=1", (502, "Bad gateway")),
        ("/metrics", (200, "cloudmart_ready 1.0")),
    ],
)
def test_a_shop_that_does_not_answer_as_it_should_goes_back(
    script: Script,
    shop: tuple[str, Pages],
    path: str,
    answer: tuple[int, str],
) -> None:
    shop[1][path] = answer

    ended = script.run(*BRIEFLY)

    assert ended.code == 1
    assert ended.changes == [*BEFORE, *SERVICE, *EDGE, *BACK]
    assert f"The shop does not answer at {shop[0]} as it should." in ended.told


def test_manifests_that_the_cluster_would_refuse_change_nothing(script: Script) -> None:
    ended = script.run(cluster=Cluster(admitted=False))

    assert ended.code == 1
    assert ended.changes == []
    assert "The cluster refuses the manifests. Nothing was changed." in ended.told


def test_manifests_that_are_refused_after_all_leave_the_pods_of_before(script: Script) -> None:
    ended = script.run(cluster=Cluster(taken=False))

    assert ended.code == 1
    assert ended.changes == [*BEFORE, "apply service.yaml"]
    assert "The pods were not replaced" in ended.told


def test_a_shop_that_did_not_answer_before_either_is_not_taken_back_further(
    script: Script, shop: tuple[str, Pages]
) -> None:
    shop[1]["/api/health"] = (503, "{}")

    ended = script.run(*BRIEFLY, cluster=Cluster(changes=False))

    assert ended.code == 1
    assert "rollout undo --to-revision 7" not in ended.changes


def test_a_first_roll_out_has_nothing_to_go_back_to(script: Script) -> None:
    ended = script.run(cluster=Cluster(revision="", gets_ready=False))

    assert ended.code == 3
    assert ended.changes == [*BEFORE, *SERVICE]


def test_a_way_back_that_fails_needs_a_person(script: Script) -> None:
    ended = script.run(cluster=Cluster(gets_ready=False, comes_back=False))

    assert ended.code == 3
    assert "The way back failed" in ended.told


def test_a_dry_run_says_what_it_would_do_and_asks_no_cluster(script: Script) -> None:
    ended = script.run("--dry-run", "--context", "shop")

    assert ended.code == 0
    assert ended.calls == []
    would = [line for line in ended.told.splitlines() if line.startswith("+ ")]
    assert [
        without_options(line.removeprefix("+ kubectl --context shop --namespace default "))
        for line in would
    ] == [
        *BEFORE,
        *SERVICE,
        *EDGE,
    ]


def test_nothing_is_changed_while_a_value_is_missing_or_the_secret_is(
    script: Script, filled: Path
) -> None:
    without_secret = script.run(cluster=Cluster(secret=False))
    file = filled / "operator.yaml"
    file.write_text(file.read_text().replace(f'tag: "{FILLED["tag"]}"', "tag: changeme"))
    without_tag = script.run()

    assert (without_secret.code, without_tag.code) == (1, 1)
    assert without_secret.changes == without_tag.changes == []
    assert "make k8s-secret ENV=production" in without_secret.told
    assert "tag is a placeholder" in without_tag.told


def test_the_number_of_pods_that_older_manifests_set_is_not_taken_away(script: Script) -> None:
    older = json.dumps({"spec": {"replicas": 2, "template": {}}})

    ended = script.run(cluster=Cluster(last_applied=older.replace(" ", "")))

    assert ended.code == 0
    assert ended.changes[:2] == ["apply view-last-applied", "apply set-last-applied"]
    assert ended.changes[2:] == [*BEFORE, *SERVICE, *EDGE]


def test_a_namespace_without_readiness_gates_is_warned_of(script: Script) -> None:
    assert "pod-readiness-gate-inject=enabled" in script.run(cluster=Cluster(gate="")).told


def test_each_stage_has_what_it_needs_and_together_they_are_everything(filled: Path) -> None:
    rendered = render(filled)

    parts = stages(rendered)

    assert {
        (each["kind"], each["metadata"]["name"].rpartition("-")[0]) for each in parts["tables"]
    } == {
        ("ConfigMap", "cloudmart-config"),
        ("ConfigMap", "cloudmart-settings"),
        ("ServiceAccount", "cloudmart-tables"),
        ("NetworkPolicy", "cloudmart"),
        ("Job", "cloudmart-tables"),
    }
    assert {each["kind"] for each in parts["edge"]} == {"Service", "Ingress", "NetworkPolicy"}
    assert all(each in chain(*parts.values()) for each in rendered.manifests)
    assert [each for each in parts["service"] + parts["edge"] if each["kind"] == "Job"] == []


@pytest.mark.parametrize("words", [[], ["local"], ["--timeout", "soon", "production"], ["--url"]])
def test_it_says_how_it_is_called(words: list[str]) -> None:
    ended = subprocess.run(  # noqa: S603 - our own script
        [str(ROOT / "k8s" / "rollout.sh"), *words], capture_output=True, check=False, text=True
    )

    assert ended.returncode == 2
    assert ended.stderr.startswith("k8s/rollout.sh [options] staging|production")
