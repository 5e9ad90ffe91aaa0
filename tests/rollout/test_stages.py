"""The stages of a roll-out: their order, and what ends them."""

import json
import signal
from itertools import chain
from pathlib import Path

import pytest

from cloudmart.rollout.release import Release, render_overlay
from tests.k8s.conftest import needs_kubectl
from tests.support.overlays import FILLED
from tests.support.rollouts import Page, Rig, of_before

pytestmark = needs_kubectl

TAG = FILLED["tag"]
JOB = f"cloudmart-tables-{TAG}"
TABLES = [f"delete job {JOB}", "apply"]
PODS, EDGE = ["apply"], ["apply"]
INDEXES = [f"delete job cloudmart-use-indexes-{TAG}", "apply"]
LEAVE = [f"delete job cloudmart-leave-indexes-{TAG}", "apply"]
RECORD = ["apply set-last-applied"] * 2
BACK = ["rollout undo deployment/cloudmart-backend to 1"]


def test_the_tables_come_first_then_the_pods_then_the_traffic(rig: Rig) -> None:
    ended = rig.run()

    assert ended.code == 0, ended.told
    assert ended.changes == [*TABLES, *PODS, *EDGE, *INDEXES]
    assert ended.last == f"Rolled out: production runs {TAG}."
    assert all("--namespace" in call for call in rig.cluster.calls)


def test_the_first_line_says_which_cluster_it_is(rig: Rig) -> None:
    first = rig.run().told.splitlines()[0]

    assert first == (
        "== production: context shop, server https://127.0.0.1:6443, namespace default"
    )


def test_tables_and_indexes_can_be_left_alone(rig: Rig) -> None:
    assert rig.run(tables=False).changes == [*PODS, *EDGE]


@pytest.mark.parametrize(("ends", "told"), [("Failed", "failed"), ("running", "was not done")])
def test_tables_that_are_not_ready_leave_the_pods_alone(rig: Rig, ends: str, told: str) -> None:
    rig.cluster.scenario.jobs = {JOB: ends}
    rig.cluster.scenario.logs = {JOB: "denied: the permission dynamodb:UpdateTable is missing"}

    ended = rig.run()

    assert ended.code == 1
    assert ended.changes == TABLES
    assert f"The tables are not ready. job/{JOB} {told}" in ended.told
    assert "dynamodb:UpdateTable is missing" in ended.told


def test_pods_that_do_not_become_ready_are_replaced_by_the_older_ones(rig: Rig) -> None:
    rig.cluster.put(*of_before())
    rig.cluster.scenario.unready = [TAG]
    denied = {"level": "warning", "event": "start_waits", "cause": "table-denied"}
    said = json.dumps({**denied, "sentence": "The role may not read the table."})
    rig.cluster.scenario.logs = {"*": said}

    ended = rig.run()

    assert ended.code == 1, ended.told
    label = "label deployment/cloudmart-backend app.kubernetes.io/version=node-2.3"
    assert ended.changes == [*RECORD, *TABLES, *PODS, *LEAVE, *BACK, label, *RECORD[:1]]
    assert "The new pods were not ready after 900 s." in ended.told
    assert "Ready is False: ContainersNotReady containers with unready status" in ended.told
    assert ": start_waits (table-denied): The role may not read the table." in ended.told
    assert "The pods of node-2.3 run again, as before (revision 1)." in ended.told
    assert ended.last == "Not rolled out: production."


@pytest.mark.parametrize(
    ("path", "answer", "told"),
    [
        ("/api/health", (503, "{}"), "pod: GET /api/health answered 503; 200 was expected: {}"),
        (
            *("/api/health", (200, "<!doctype html>")),
            "balancer: GET /api/health answered text/html, not JSON, and no pod did",
        ),
        (
            *("/api/products", (502, "Bad gateway")),
            "balancer: GET /api/products answered 502, and the load balancer did",
        ),
        ("/api/products", (200, '[{"id": "1"}]'), "pod: GET /api/products cannot be shown"),
        (
            *("/metrics", (200, "cloudmart_ready 1.0")),
            "balancer: GET /metrics shows the metrics to everybody",
        ),
        ("/", (503, "no targets"), "balancer: GET / answered 503, and the load balancer did"),
        ("/", (200, "[]"), "pod: GET / is no page: it is application/json"),
    ],
)
def test_a_shop_that_does_not_answer_as_it_should_goes_back(
    rig: Rig, path: str, answer: Page, told: str
) -> None:
    rig.cluster.put(*of_before())
    rig.pages[path] = answer

    ended = rig.run()

    assert ended.code == 1
    assert BACK[0] in ended.changes
    assert f": {told}" in ended.told


@pytest.mark.parametrize(
    "other",
    ['"releaseId":"0.9.0"', '"rolloutId":"another00000"'],
)
def test_another_release_that_answers_is_not_taken_for_this_one(rig: Rig, other: str) -> None:
    rig.cluster.put(*of_before())
    rig.pages["/api/health"] = (200, f'{{"serviceId":"cloudmart-backend",{other}}}')

    ended = rig.run()

    assert ended.code == 1
    assert "rollout-expected: pod: GET /api/health is answered by roll-out " in ended.told


def test_older_pods_may_answer_while_they_drain(rig: Rig) -> None:
    assert rig.run().code == 0
    rig.set_tag("next")
    rig.cluster.scenario.draining = 60

    ended = rig.run()

    assert ended.code == 0, ended.told
    assert rig.time.at > 20


def test_a_first_roll_out_has_nothing_to_go_back_to(rig: Rig) -> None:
    rig.cluster.scenario.unready = [TAG]

    ended = rig.run()

    assert ended.code == 3
    assert ended.changes == [*TABLES, *PODS]
    assert "It is the first roll-out here: there is nothing to go back to." in ended.told
    assert "kubectl --namespace default delete deployment cloudmart-backend" in ended.told


def test_a_failed_way_back_needs_a_person(rig: Rig) -> None:
    rig.cluster.put(*of_before())
    rig.cluster.scenario.unready = [TAG, "node-2.3"]

    ended = rig.run()

    assert ended.code == 3
    assert "Going back failed. The new pods were not ready after 900 s." in ended.told
    assert "kubectl --namespace default describe deployment/cloudmart-backend" in ended.told
    assert "label namespace default elbv2.k8s.aws/pod-readiness-gate-inject-" in ended.told


def test_a_pod_whose_settings_are_wrong_ends_the_wait_at_once(rig: Rig) -> None:
    rig.cluster.put(*of_before())
    rig.cluster.scenario.refusing = [TAG]

    ended = rig.run(tables=False)

    assert ended.code == 1
    assert rig.time.at < 20
    assert "it ended with exit code 78. CloudMart does not start: AUTH is not set." in ended.told


def test_an_image_that_is_not_there_does_not_use_up_the_time(rig: Rig) -> None:
    rig.cluster.put(*of_before())
    rig.cluster.scenario.unpullable = [TAG]

    ended = rig.run(tables=False)

    assert ended.code == 1
    assert rig.time.at < 60
    assert "The new pods cannot start." in ended.told
    assert "ImagePullBackOff" in ended.told


def test_missing_capacity_is_reported_at_once_and_waited_for(rig: Rig) -> None:
    rig.cluster.put(*of_before())

    def full(at: float) -> None:
        rig.cluster.scenario.unschedulable = 0 < at < 100

    rig.time.on_sleep = full
    rig.cluster.scenario.unschedulable = True

    ended = rig.run(tables=False)

    assert ended.code == 0, ended.told
    assert "Unschedulable. 0/3 nodes are available: 3 Insufficient cpu." in ended.told


def test_a_shop_that_did_not_answer_before_either_is_not_taken_back_further(rig: Rig) -> None:
    assert rig.run().code == 0
    rig.pages["/api/products"] = (503, "{}")

    ended = rig.run()

    assert ended.code == 1
    assert "The pods were not replaced" in ended.told
    assert not any("undo" in change for change in ended.changes)


def test_an_unchanged_release_replaces_no_pod_and_a_changed_secret_does(rig: Rig) -> None:
    first = rig.run().document["rolloutId"]
    again = rig.run()
    rig.cluster.version += 1
    rig.cluster.live("secret/cloudmart-api-keys")["metadata"]["resourceVersion"] = "999"
    changed = rig.run()

    assert (again.code, changed.code) == (0, 0)
    assert again.document["rolloutId"] == first
    assert "No pod was replaced" in again.told
    assert changed.document["rolloutId"] != first
    assert "No pod was replaced" not in changed.told


def test_each_stage_has_what_it_needs_and_together_they_are_everything(rig: Rig) -> None:
    rendered = render_overlay(rig.overlay)

    release = Release.of(rendered, {"uid": "1", "resourceVersion": "1"})

    assert {each["kind"] for each in release.tables} >= {"ConfigMap", "ServiceAccount", "Job"}
    assert {each["kind"] for each in release.edge} == {"Service", "Ingress", "NetworkPolicy"}
    together = list(chain(release.tables, release.service, release.edge))
    names = {(each["kind"], each["metadata"]["name"]) for each in together}
    assert names == {(each["kind"], each["metadata"]["name"]) for each in rendered.manifests}
    assert not any(each["kind"] == "Job" for each in (*release.service, *release.edge))


def test_a_dotted_tag_makes_a_job_whose_name_is_a_hosts(rig: Rig) -> None:
    rig.set_tag("1.4.0")

    ended = rig.run()

    assert "delete job cloudmart-tables-1-4-0" in ended.changes


def test_a_report_of_all_that_was_done_and_seen_is_kept(rig: Rig, tmp_path: Path) -> None:
    ended = rig.run()

    report = tmp_path / "report.json"
    assert report.stat().st_mode & 0o077 == 0
    assert "sk-proj" not in report.read_text("utf-8")
    assert [(each["name"], each["outcome"]) for each in ended.document["stages"]] == [
        (name, "done") for name in ("checks", "tables", "pods", "edge", "answers", "indexes")
    ]


def test_a_roll_out_that_is_interrupted_at_the_indexes_says_that_a_job_may_still_run(
    rig: Rig,
) -> None:
    job = f"cloudmart-use-indexes-{TAG}"
    rig.cluster.scenario.jobs = {job: "running"}

    def break_off(_: float) -> None:
        if f"job/{job}" in rig.cluster.objects:
            signal.raise_signal(signal.SIGTERM)

    rig.time.on_sleep = break_off
    ended = rig.run()

    assert ended.code == 3
    assert f"Broken off. The release runs: {TAG}, roll-out " in ended.told
    assert "A Job that builds the indexes may continue: `kubectl" in ended.told
    assert "look-ups read whole tables: run `cloudmart rollout production` again" in ended.told
    assert "rollout undo" not in " ".join(ended.changes)
