"""One roll-out at a time."""

import re
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any

import pytest

from cloudmart.rollout.cluster import Kubernetes
from cloudmart.rollout.command import RolloutLease
from cloudmart.rollout.output import NotRolledOutError
from tests.k8s.conftest import needs_kubectl
from tests.support.fake_cluster import FakeCluster
from tests.support.rollouts import Rig

LEASE = "lease/cloudmart-rollout"


def held(seconds_ago: float) -> dict[str, Any]:
    renewed = datetime.now(UTC) - timedelta(seconds=seconds_ago)
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": "cloudmart-rollout", "namespace": "default"},
        "spec": {
            "holderIdentity": "ann@laptop, process 7",
            "leaseDurationSeconds": 60,
            "renewTime": f"{renewed:%Y-%m-%dT%H:%M:%S.%fZ}",
        },
    }


@pytest.fixture
def cluster() -> FakeCluster:
    """Provide a cluster without a Lease."""
    cluster = FakeCluster()
    cluster.put({"kind": "Namespace", "metadata": {"name": "default"}})
    return cluster


def lease(cluster: FakeCluster, lost: Event, every: float = 60) -> RolloutLease:
    return RolloutLease(Kubernetes(cluster, "default"), lost.set, every)


@needs_kubectl
def test_a_second_roll_out_is_refused_and_names_the_owner_of_the_first(rig: Rig) -> None:
    rig.cluster.put(held(20))

    ended = rig.run()

    assert ended.code == 1
    assert ended.changes == []
    assert "Another roll-out is running in default: ann@laptop, process 7." in ended.told
    (seconds,) = re.findall(r"its lock ends in (\d+) s", ended.told)
    assert int(seconds) <= 40


def test_a_lease_whose_holder_has_died_is_taken_and_given_back(cluster: FakeCluster) -> None:
    cluster.put(held(61))
    with lease(cluster, Event()):
        taken = cluster.live(LEASE)["spec"]

    assert "ann@laptop" not in taken["holderIdentity"]
    assert taken["leaseDurationSeconds"] == 60
    assert LEASE not in cluster.objects


def test_of_two_that_take_a_dead_ones_lease_one_is_refused(cluster: FakeCluster) -> None:
    cluster.put(held(61))

    def meanwhile(words: Any, told: str | None) -> Any:  # noqa: ANN401
        if "replace" in words:
            cluster.put(held(0))
        return cluster(words, told)

    with (
        pytest.raises(NotRolledOutError, match="has just begun"),
        RolloutLease(Kubernetes(meanwhile, "default"), Event().set),
    ):
        pass


def test_a_lease_is_renewed_while_it_is_held(cluster: FakeCluster) -> None:
    with lease(cluster, Event(), every=0.01):
        began = cluster.live(LEASE)["metadata"]["resourceVersion"]
        while cluster.live(LEASE)["metadata"]["resourceVersion"] == began:
            Event().wait(0.01)


def test_a_roll_out_that_loses_its_lease_says_so(cluster: FakeCluster) -> None:
    lost = Event()
    with lease(cluster, lost, every=0.01):
        cluster.put(held(0))

        assert lost.wait(60)


def test_an_interrupted_roll_out_leaves_its_lease_to_expire(cluster: FakeCluster) -> None:
    with pytest.raises(KeyboardInterrupt), lease(cluster, Event()):
        raise KeyboardInterrupt

    assert LEASE in cluster.objects
