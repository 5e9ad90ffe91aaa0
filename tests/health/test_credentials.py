"""Credentials: the two ways in which EKS gives them, and their end while the process runs."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from botocore.utils import ContainerMetadataFetcher

from cloudmart.settings import Settings
from tests.health.world import ASSUME, World, expiring_in, token
from tests.support.clocked_app import Pod, pod
from tests.support.credential_endpoints import Metadata, metadata
from tests.support.fault_proxy import Fault, Refusal

DENIED = Refusal(403, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity")


def causes(events: list[Any], event: str) -> list[str]:
    """Return the causes in the events with a name."""
    return [each["cause"] for each in events if each["event"] == event]


async def until(pod: Pod, *, ready: bool) -> None:
    """Repeat the checks until the pod is ready, or until it is not."""
    while await pod.is_ready() is not ready:
        await pod.checks_again()


async def test_credentials_are_renewed_before_they_expire_and_their_identity_is_checked(
    world: World,
) -> None:
    world.sts.rewrite = expiring_in(300)
    async with pod(world.settings) as it:
        await it.checks_everything()
        world.sts.rewrite = bytes
        await it.checks_again()
        await it.checks_again()
        renewals, whose = world.sts.calls[ASSUME], world.sts.calls["GetCallerIdentity"]
        await it.checks_again()

        assert await it.is_ready()
        assert (await it.report())["status"] == "pass"
    assert renewals > 1
    assert whose > 1
    assert world.sts.calls == {ASSUME: renewals, "GetCallerIdentity": whose}


async def test_credentials_are_used_to_their_end_while_sts_does_not_answer(
    world: World, events: list[Any]
) -> None:
    world.sts.rewrite = expiring_in(300)
    async with pod(world.settings) as it:
        await it.checks_everything()
        world.sts.stop()
        await it.checks_again()

        check = await it.check("credentials:validity")
        assert await it.is_ready()
        assert (await it.client.get("/api/orders/none")).status_code == 404

    assert check["status"] == "warn"
    assert check["output"] == (
        "This pod's AWS credentials expire within minutes, "
        "and the service could not renew them yet."
    )
    assert "credentials-expiring" in causes(events, "dependency_failing")


async def test_expired_credentials_that_cannot_be_renewed_unready_the_pod_until_they_are(
    world: World, events: list[Any]
) -> None:
    world.sts.rewrite = expiring_in(2)
    async with pod(world.settings) as it:
        await it.checks_everything()
        world.sts.fail(DENIED, ASSUME)
        await until(it, ready=False)
        report = await it.report("/ready")
        health = await it.client.get("/health")
        route = await it.client.get("/api/orders/none")
        started = await it.client.get("/startupz")

        world.sts.rewrite = bytes
        world.sts.heal()
        await until(it, ready=True)

        assert (await it.client.get("/api/orders/none")).status_code == 404
    assert report["status"] == "fail"
    assert report["output"] == "The role does not let this pod's ServiceAccount use it."
    assert report["checks"]["credentials:validity"][0]["status"] == "fail"
    assert [health.status_code, route.status_code, started.status_code] == [200, 503, 200]
    assert "role-denied" in causes(events, "dependency_failing")
    assert it.lifecycle.failure is None


async def test_a_rotated_token_is_the_one_that_renews_credentials(world: World) -> None:
    world.sts.rewrite = expiring_in(900)
    async with pod(world.settings) as it:
        await it.checks_everything()
        rotated = token("system:serviceaccount:default:rotated")
        world.token_file.write_text(rotated)
        world.sts.bodies.clear()
        await it.checks_again()

        assert await it.is_ready()
    asked = [parse_qs(body.decode()) for body in world.sts.bodies]
    assert {form["WebIdentityToken"][0] for form in asked if form["Action"] == [ASSUME]} == {
        rotated
    }


async def test_an_sts_that_never_answers_is_given_up_before_it_would(world: World) -> None:
    world.sts.fail(Fault.HANG)

    async with pod(world.settings, attempt_within=1) as it:
        await it.waits()

        assert not await it.is_ready()
        assert (await it.report("/ready"))["output"] == (
            "The service is starting. The dependency did not answer within 1 s."
        )
        world.sts.heal()
        it.tries_again()
        await it.checks_everything()
        assert await it.is_ready()


async def test_a_pod_without_a_region_does_not_wait(world: World) -> None:
    world.patch.delenv("AWS_REGION")
    world.patch.delenv("AWS_DEFAULT_REGION", raising=False)
    aws = world.settings.aws.model_copy(update={"region": None})

    async with pod(world.settings.model_copy(update={"aws": aws})) as it:
        await it.gives_up()

    assert it.lifecycle.failure
    assert it.lifecycle.failure.message == (
        "CloudMart cannot start, waiting for a connection to the data store.\n"
        "Cause: No AWS region is set. (region-unset)\n"
        "Answer: NoRegionError: You must specify a region.\n"
        "Remedy: AWS_REGION must be the region of the tables. Fill in `region` in operator.yaml "
        "and roll out.\n"
        "Next: kubectl set env deployment/cloudmart-backend --namespace default --list"
    )


@pytest.mark.usefixtures("in_cluster")
async def test_a_pod_without_credentials_takes_them_when_they_come(
    deployed: Settings, events: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with pod(deployed) as it:
        await it.waits()
        before = await it.is_ready()
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        it.tries_again()
        await it.checks_everything()
        after = await it.is_ready()

    assert [before, after] == [False, True]
    assert causes(events, "start_waits") == ["credentials-none"]


@pytest.fixture
def agent(in_cluster: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Metadata]:
    """Set the variables of EKS Pod Identity, and provide the node's agent."""
    assert in_cluster is None
    monkeypatch.setattr(ContainerMetadataFetcher, "SLEEP_TIME", 0)
    token_file = tmp_path / "pod-identity-token"
    token_file.write_text(token())
    with metadata() as server:
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{server.url}/v1/credentials")
        monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", str(token_file))
        yield server


async def test_a_pod_identity_agent_that_comes_late_is_waited_for(
    agent: Metadata, deployed: Settings, events: list[Any]
) -> None:
    agent.status = 503
    async with pod(deployed) as it:
        await it.waits()
        before = await it.is_ready()
        agent.status = 200
        it.tries_again()
        await it.checks_everything()
        after = await it.is_ready()

    assert [before, after] == [False, True]
    assert causes(events, "start_waits") == ["pod-identity-away"]


async def test_a_pod_identity_agent_that_never_comes_ends_the_start_in_time(
    agent: Metadata, deployed: Settings, events: list[Any]
) -> None:
    agent.status, agent.body = 503, {"message": "not yet"}
    startup = deployed.startup.model_copy(update={"timeout": 20})
    async with pod(deployed.model_copy(update={"startup": startup})) as it:
        await it.gives_up()

        assert not await it.is_ready()
    assert it.clock.seconds >= 20
    assert causes(events, "start_waits") == ["pod-identity-away"]
    assert it.lifecycle.failure
    assert it.lifecycle.failure.code == 1
    first, *rest = it.lifecycle.failure.message.splitlines()
    assert first.startswith("CloudMart gave up its start after ")
    assert first.endswith(" s, waiting for credentials.")
    told = dict(line.split(": ", 1) for line in rest)
    assert told.pop("Answer").endswith('503 from container metadata: {"message": "not yet"}')
    assert told == {
        "Cause": "The node's Pod Identity agent gives this pod no credentials. (pod-identity-away)",
        "Remedy": "The agent must run on the node. The cluster must have a Pod Identity "
        "association of the ServiceAccount with a role.",
        "Next": "kubectl get pods --namespace kube-system --output wide --selector "
        "app.kubernetes.io/name=eks-pod-identity-agent",
    }


async def test_an_agent_that_answers_nonsense_is_named(
    agent: Metadata, deployed: Settings, events: list[Any]
) -> None:
    good, agent.body = agent.body, {"hello": "world"}
    async with pod(deployed) as it:
        await it.waits()
        agent.body = good
        it.tries_again()
        await it.checks_everything()

        assert await it.is_ready()
    assert causes(events, "start_waits") == ["pod-identity-garbled"]


async def test_a_pod_identity_token_that_comes_late_is_waited_for(
    agent: Metadata, deployed: Settings, events: list[Any], tmp_path: Path
) -> None:
    file = tmp_path / "pod-identity-token"
    file.unlink()
    async with pod(deployed) as it:
        await it.waits()
        file.write_text(token())
        it.tries_again()
        await it.checks_everything()

        assert await it.is_ready()
    assert agent.asked == ["/v1/credentials"]
    assert causes(events, "start_waits") == ["pod-identity-token-missing"]


@pytest.mark.usefixtures("agent")
async def test_an_address_that_is_not_the_agents_is_refused_at_once(
    deployed: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://shop.example.com/credentials")

    async with pod(deployed) as it:
        await it.gives_up()

    assert it.lifecycle.failure
    assert "(pod-identity-address)" in it.lifecycle.failure.message
    assert it.clock.seconds == 0
