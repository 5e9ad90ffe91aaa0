"""Loops that run in the background, and what happens if one of them fails."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from random import uniform
from typing import Any

import structlog

from cloudmart.health.configuration_drift import Staleness
from cloudmart.health.probes import Probe, Sampler
from cloudmart.health.startup import StartStep, StartupRetry, start
from cloudmart.health.state import Health, Lifecycle

_log = structlog.stdlib.get_logger(__name__)

_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0
"""Seconds after which failed work is started again."""


async def start_and_check(
    health: Health,
    patience: StartupRetry,
    steps: Sequence[StartStep],
    probes: Sequence[Probe],
) -> None:
    """Start, then check every dependency while the process runs."""
    sampler = Sampler(health, probes)
    if await start(health, patience, steps):
        await sampler.run()


async def restart_when_stale(health: Health, staleness: Staleness) -> None:
    """End the process some time after its configuration became old, unless it is good again.

    The time is random, so that the pods of a deployment do not all go at once.
    """
    rhythm = health.rhythm
    while True:
        await rhythm.sleep(rhythm.sample_every[0])
        if not staleness.stale:
            continue
        delay = uniform(0, rhythm.restart_within)  # noqa: S311 - no secret
        _log.warning("restart_planned", reason="configuration is stale", in_seconds=round(delay))
        await rhythm.sleep(delay)
        if staleness.stale:
            _log.warning("restarting", reason="configuration is stale")
            health.lifecycle.end(linger=rhythm.linger)
            return


async def run_forever(
    work: Callable[[], Awaitable[None]],
    *,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Run work as long as the process lives, and start it again if it fails.

    Work that only watches the shop must not end it.
    """
    pause = _FIRST_PAUSE
    while True:
        began = asyncio.get_running_loop().time()
        try:
            await work()
        except Exception:  # noqa: BLE001 - whatever it was
            _log.exception("background_broken", again_in_seconds=pause)
        else:
            return
        await sleep(pause)
        lasted = asyncio.get_running_loop().time() - began
        pause = _FIRST_PAUSE if lasted > _LONGEST_PAUSE else min(2 * pause, _LONGEST_PAUSE)


@asynccontextmanager
async def background_task(
    lifecycle: Lifecycle, *works: Coroutine[Any, Any, None]
) -> AsyncIterator[None]:
    """Run work as long as the context lasts."""
    tasks = [asyncio.create_task(_guarded(lifecycle, work)) for work in works]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task


async def _guarded(lifecycle: Lifecycle, work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except Exception as error:  # noqa: BLE001 - see below
        # Nobody awaits it: without this the process would go on half alive, in silence.
        _log.exception("background_broken")
        lifecycle.fail(f"CloudMart has a bug: {type(error).__name__}: {error}")
