"""Which objects a release removes, however they were created, and however often it runs."""

import json
from typing import Any

import pytest

from tests.k8s.conftest import needs_kubectl
from tests.support.fake_cluster import RECORD
from tests.support.overlays import FILLED
from tests.support.rollouts import Rig, of_before

pytestmark = needs_kubectl

TAG = FILLED["tag"]


def containers(rig: Rig) -> list[str]:
    pod = rig.cluster.live("deployment/cloudmart-backend")["spec"]["template"]["spec"]
    return [each["name"] for each in pod["containers"]]


def container(rig: Rig) -> dict[str, Any]:
    (only,) = rig.cluster.live("deployment/cloudmart-backend")["spec"]["template"]["spec"][
        "containers"
    ]
    return dict(only)


def test_an_object_without_a_record_is_replaced(rig: Rig) -> None:
    rig.cluster.put(*of_before())

    ended = rig.run()

    assert ended.code == 0, ended.told
    assert containers(rig) == ["cloudmart"]
    ports = rig.cluster.live("service/cloudmart-backend")["spec"]["ports"]
    assert [each["port"] for each in ports] == [5000]
    assert (
        "deployment/cloudmart-backend will lose these fields, which this release does not have"
        in ended.told
    )
    assert "spec.template.spec.containers[backend]" in ended.told
    assert "spec.ports[80]" in ended.told


@pytest.mark.parametrize("recorded", [True, False])
def test_a_tag_with_a_typo_can_be_corrected_and_rolled_out(rig: Rig, *, recorded: bool) -> None:
    for each in of_before():
        if recorded:
            rig.cluster(["apply", "--filename", "-"], json.dumps(each))
        else:
            rig.cluster.put(each)
    rig.set_tag("typo")
    rig.cluster.scenario.unpullable = ["typo"]
    first = rig.run(tables=False)
    back = containers(rig)
    rig.set_tag("1.4.1", was="typo")

    ended = rig.run()

    assert (first.code, back) == (1, ["backend"])
    assert ended.code == 0, ended.told
    assert containers(rig) == ["cloudmart"]


def test_going_back_leaves_the_record_and_the_label_of_what_runs(rig: Rig) -> None:
    assert rig.run().code == 0
    rig.set_tag("next")
    rig.cluster.scenario.unready = ["next"]

    ended = rig.run()

    deployment = rig.cluster.live("deployment/cloudmart-backend")
    record = json.loads(deployment["metadata"]["annotations"][RECORD])
    assert ended.code == 1
    assert deployment["metadata"]["labels"]["app.kubernetes.io/version"] == TAG
    assert record["spec"]["template"]["spec"]["containers"][0]["image"].endswith(f":{TAG}")
    assert "replicas" not in record["spec"]


def test_going_back_to_a_release_that_writes_for_the_indexes_leaves_them_in_use(rig: Rig) -> None:
    assert rig.run().code == 0
    rig.set_tag("next")
    rig.cluster.scenario.unready = ["next"]

    assert not any("leave-indexes" in change for change in rig.run().changes)


def test_a_change_by_hand_does_not_block_a_roll_out(rig: Rig) -> None:
    assert rig.run().code == 0
    (first, *_) = container(rig)["env"]
    first.pop("valueFrom")
    first["value"] = "eu-west-1"
    container(rig)["env"].append({"name": "DEBUG", "value": "1"})
    rig.set_tag("next")

    ended = rig.run()

    assert ended.code == 0, ended.told
    assert "spec.template.spec.containers[cloudmart].env[DEBUG]" in ended.told
    assert "DEBUG" not in {each["name"] for each in container(rig)["env"]}
    assert "value" not in container(rig)["env"][0]


def test_what_is_others_stays(rig: Rig) -> None:
    assert rig.run().code == 0
    deployment = rig.cluster.live("deployment/cloudmart-backend")
    deployment["spec"]["replicas"] = 7
    deployment["metadata"]["annotations"]["example.org/note"] = "kept"
    template = deployment["spec"]["template"]["metadata"]["annotations"]
    template["kubectl.kubernetes.io/restartedAt"] = "2026-11-27T08:00:00Z"

    ended = rig.run()

    deployment = rig.cluster.live("deployment/cloudmart-backend")
    assert ended.code == 0, ended.told
    assert deployment["spec"]["replicas"] == 7
    assert deployment["metadata"]["annotations"]["example.org/note"] == "kept"
    assert "No pod was replaced" in ended.told


def test_what_the_cluster_refuses_is_reported_before_the_tables_change(rig: Rig) -> None:
    rig.cluster.put(
        {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": {"name": "cloudmart-backend", "namespace": "default"},
            "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "cloudmart-backend"}}},
        }
    )

    ended = rig.run()

    budget = rig.cluster.live("poddisruptionbudget/cloudmart-backend")["spec"]
    assert ended.code == 0, ended.told
    assert "minAvailable" not in budget
    assert "poddisruptionbudget/cloudmart-backend will lose" in ended.told


def test_an_old_job_of_the_same_name_goes_first(rig: Rig) -> None:
    assert rig.run().code == 0
    job = rig.cluster.live(f"job/cloudmart-tables-{TAG}")
    job["spec"]["template"]["spec"]["containers"][0]["command"] = ["other"]

    assert rig.run().code == 0
