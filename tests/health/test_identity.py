"""Which identity the pod has at AWS, compared with the one it should have."""

from collections.abc import Iterator
from typing import Any

import pytest

from cloudmart.health.identity import same_role
from cloudmart.observability.metrics import IDENTITY_MISMATCH
from cloudmart.settings import Settings
from tests.health.world import ROLE, World
from tests.support.clocked_app import Pod, pod
from tests.support.credential_endpoints import NODE, Metadata, metadata
from tests.support.fault_proxy import Fault, FaultProxy

CALLER = "arn:aws:sts::123456789012:assumed-role/cloudmart-eks-pod-role/botocore-session-1"


def mismatch() -> float:
    """Return the value of the metric."""
    return float(next(iter(IDENTITY_MISMATCH.collect())).samples[0].value)


async def told(pod: Pod) -> tuple[str, str, bool, float]:
    """Return health's entry about the identity, whether the pod is ready, and the metric."""
    check = await pod.check("identity:role")
    return check["status"], check.get("output", ""), await pod.is_ready(), mismatch()


async def test_a_pod_that_runs_as_its_role_is_well(world: World, events: list[Any]) -> None:
    async with pod(world.settings) as it:
        await it.checks_everything()

        assert await told(it) == ("pass", "", True, 0)
    (seen,) = [event for event in events if event["event"] == "identity_seen"]
    assert same_role(ROLE, seen["role"])


async def test_static_keys_that_win_over_the_role_are_reported(
    world: World, events: list[Any]
) -> None:
    world.patch.setenv("AWS_ACCESS_KEY_ID", "test")
    world.patch.setenv("AWS_SECRET_ACCESS_KEY", "test")

    async with pod(world.settings) as it:
        await it.checks_everything()

        sentence = "This pod runs under another role than its ServiceAccount names."
        assert await told(it) == ("warn", sentence, True, 1)
        assert (await it.report())["status"] == "warn"
    (event,) = [event for event in events if event["event"] == "dependency_failing"]
    assert (event["dependency"], event["cause"]) == ("identity", "role-wrong")
    assert event["answer"] == (
        f"AWS sees arn:aws:sts::123456789012:user/moto, where {ROLE} was expected."
    )
    assert event["next_step"].startswith("kubectl set env deployment/cloudmart-backend")


@pytest.fixture
def node(in_cluster: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Metadata]:
    """Set the environment of a node whose metadata service can be reached."""
    assert in_cluster is None
    with metadata() as server:
        monkeypatch.delenv("AWS_EC2_METADATA_DISABLED")
        monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", server.url)
        yield server


async def test_a_pod_the_webhook_missed_says_that_it_runs_as_its_node(
    node: Metadata, sts: FaultProxy, deployed: Settings, events: list[Any]
) -> None:
    async with pod(deployed) as it:
        await it.checks_everything()

        sentence = "This pod runs under the role of its node, not under its own."
        assert await told(it) == ("warn", sentence, True, 1)
    assert node.asked[-1].endswith(NODE)
    assert sts.calls["GetCallerIdentity"] == 1
    assert [e["cause"] for e in events if e["event"] == "dependency_failing"] == ["role-of-node"]


@pytest.mark.usefixtures("node")
async def test_a_machine_outside_a_cluster_may_run_as_itself(
    sts: FaultProxy, deployed: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST")

    async with pod(deployed) as it:
        await it.checks_everything()

        assert (await it.check("identity:role"))["status"] == "pass"
    assert sts.calls["GetCallerIdentity"] == 0


async def test_not_to_know_whose_the_credentials_are_is_a_warning_only(world: World) -> None:
    world.sts.fail(Fault.BROKEN, "GetCallerIdentity")

    async with pod(world.settings) as it:
        await it.checks_everything()
        status, sentence, ready, _ = await told(it)
        world.sts.heal()
        await it.checks_again()

        assert (status, sentence, ready) == ("warn", "AWS's Security Token Service fails.", True)
        assert (await it.check("identity:role"))["status"] == "pass"


@pytest.mark.parametrize(
    ("role", "caller", "same"),
    [
        (ROLE, CALLER, True),
        ("arn:aws:iam::123456789012:role/teams/shop/cloudmart-eks-pod-role", CALLER, True),
        ("arn:aws-cn:iam::123456789012:role/cloudmart-eks-pod-role", CALLER, False),
        ("arn:aws:iam::210987654321:role/cloudmart-eks-pod-role", CALLER, False),
        ("arn:aws:iam::123456789012:role/cloudmart-eks-pod-role-2", CALLER, False),
        (ROLE, "arn:aws:iam::123456789012:user/cloudmart-eks-pod-role", False),
        (ROLE, "arn:aws:iam::123456789012:root", False),
        ("not an arn", CALLER, False),
    ],
)
def test_a_caller_is_its_role_whatever_path_the_role_has(
    role: str, caller: str, *, same: bool
) -> None:
    assert same_role(role, caller) is same
