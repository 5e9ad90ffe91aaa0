"""The checks in the background: none may stop or falsify another."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from cloudmart.composition.runtime import Runtime
from cloudmart.health.probes import Probe, Sampler
from cloudmart.health.state import Dependency, Health
from cloudmart.settings import Settings
from tests.support.clock import Clock

SHELF = Dependency("shelf", local=True)
TILL = Dependency("till")


async def never() -> None:
    """Never answer."""
    await asyncio.Event().wait()


async def at_once() -> None:
    """Answer."""


async def with_a_bug() -> None:
    """Fail with an unexpected error."""
    raise LookupError("a bug")


async def checked(*probes: Probe) -> dict[str, tuple[str, str]]:
    """Return the status and the output of each dependency after two rounds."""
    clock = Clock()
    health = Health(rhythm=replace(clock.rhythm, probe_within=0.01))
    health.lifecycle.start()
    running = asyncio.create_task(Sampler(health, probes).run())
    await clock.all_asleep(len(probes))
    clock.advance(health.rhythm.sample_every[1])
    await clock.all_asleep(len(probes))
    running.cancel()
    return {
        each.name: (reading.status.value, reading.output) for each, reading in health.readings()
    }


@pytest.mark.parametrize(("urgent", "status"), [(True, "fail"), (False, "warn")])
async def test_silence_is_as_serious_as_the_probe_says(*, urgent: bool, status: str) -> None:
    readings = await checked(Probe(SHELF, never, urgent=lambda: urgent))

    assert readings == {"shelf": (status, "The dependency did not answer within 0.01 s.")}


@pytest.mark.parametrize(("timeout", "of_a_check"), [(3.5, 2), (1, 2), (35, 20)])
def test_a_check_may_take_longer_where_calls_of_the_store_may(
    timeout: float, of_a_check: float, settings: Settings
) -> None:
    store = settings.dynamodb.model_copy(update={"timeout": timeout})

    process = Runtime.begin(settings.model_copy(update={"dynamodb": store}))

    assert process.health.rhythm.probe_within == of_a_check


async def test_a_check_with_a_bug_ends_no_other(events: list[Any]) -> None:
    readings = await checked(Probe(SHELF, with_a_bug), Probe(TILL, at_once))

    assert readings["till"] == ("pass", "")
    assert readings["shelf"] == (
        "fail",
        "A part that the service needs answers in a way this version does not know.",
    )
    assert [event["event"] for event in events].count("probe_broken") == 2
