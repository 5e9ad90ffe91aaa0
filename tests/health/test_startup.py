"""The start: what it waits for, what it says meanwhile, and how it ends if that never comes."""

from typing import Any

import pytest

from cloudmart.observability.metrics import STARTUP_WAITS
from tests.health.world import ASSUME, HOPELESS, PASSING, World
from tests.support.clocked_app import Pod, pod
from tests.support.fault_proxy import Refusal
from tests.support.snapshots import Snapshots

TOLD = ("sentence", "remedy", "next_step", "answer")


def waits(events: list[Any]) -> list[Any]:
    """Return the causes for which the start waited, from the log."""
    return [event for event in events if event["event"] == "start_waits"]


def told(event: dict[str, Any], world: World) -> dict[str, str]:
    """Return an event's message for an operator, with a fixed name for the table."""
    return {name: world.anonymous(str(event.get(name, ""))) for name in TOLD}


async def seen_while_starting(pod: Pod) -> tuple[int, int, int, int]:
    """Return the answers of three probes and of a route that needs a table."""
    paths = ("/health", "/ready", "/startupz", "/api/orders/none")
    answers = [await pod.client.get(path) for path in paths]
    assert answers[-1].status_code != 503 or int(answers[-1].headers["Retry-After"]) > 0
    health, ready, startup, route = (answer.status_code for answer in answers)
    return health, ready, startup, route


def _waited(cause: str) -> dict[str, float]:
    """Return how often starts have waited because of a cause, by what they waited for."""
    return {
        each.labels["waits_for"]: each.value
        for family in STARTUP_WAITS.collect()
        for each in family.samples
        if each.name.endswith("_total") and each.labels["cause"] == cause
    }


@pytest.mark.parametrize("name", PASSING)
async def test_a_start_says_once_why_it_waits_and_continues_after_the_fault(
    name: str, world: World, events: list[Any], snapshot: Snapshots
) -> None:
    trouble = PASSING[name]
    trouble.bring(world)
    before = _waited(trouble.cause)

    async with pod(world.settings) as it:
        await it.waits()
        seen = [await seen_while_starting(it)]
        it.tries_again()
        await it.waits()
        seen.append(await seen_while_starting(it))
        trouble.lift(world)
        it.tries_again()
        await it.checks_everything()
        seen.append(await seen_while_starting(it))

    assert seen == [(200, 503, 503, 503), (200, 503, 503, 503), (200, 200, 200, 404)]
    (event,) = waits(events)
    assert event["cause"] == trouble.cause
    # Two attempts failed.
    waits_for = event["waits_for"]
    assert _waited(trouble.cause)[waits_for] == before.get(waits_for, 0) + 2
    snapshot.check(name, told(event, world))


@pytest.mark.parametrize("name", PASSING)
async def test_a_start_gives_up_in_time_and_names_the_cause(
    name: str, world: World, snapshot: Snapshots
) -> None:
    trouble = PASSING[name]
    trouble.bring(world)

    async with pod(world.with_patience(0)) as it:
        await it.gives_up()
        ready = await it.is_ready()

    assert not ready
    assert it.clock.seconds == 0
    assert it.lifecycle.failure
    assert it.lifecycle.failure.code == 1
    assert f"({trouble.cause})" in it.lifecycle.failure.message
    snapshot.check(f"{name}, for ever", world.anonymous(it.lifecycle.failure.message))


@pytest.mark.parametrize("name", HOPELESS)
async def test_a_start_that_cannot_succeed_does_not_wait(
    name: str, world: World, events: list[Any], snapshot: Snapshots
) -> None:
    trouble = HOPELESS[name]
    trouble.bring(world)

    async with pod(world.settings) as it:
        await it.gives_up()

    assert it.clock.seconds == 0
    assert waits(events) == []
    assert it.lifecycle.failure
    assert f"({trouble.cause})" in it.lifecycle.failure.message
    snapshot.check(name, world.anonymous(it.lifecycle.failure.message))


async def test_a_start_is_ready_at_the_first_attempt_that_succeeds(
    world: World, events: list[Any]
) -> None:
    world.sts.fail(Refusal(400, "InvalidIdentityToken", "No OpenIDConnect provider"), times=3)

    async with pod(world.settings) as it:
        seen = []
        for _ in range(3):
            await it.waits()
            seen.append(await it.is_ready())
            it.tries_again()
        await it.checks_everything()
        seen.append(await it.is_ready())

    assert seen == [False] * 3 + [True]
    assert world.sts.calls[ASSUME] == 4
    assert len(waits(events)) == 1
    assert [event["after_seconds"] for event in events if event["event"] == "ready"] == [24.0]
