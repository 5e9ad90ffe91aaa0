"""The start of a process: take its steps in order, or give up in words."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

import structlog

from cloudmart.health.board import Dependency, Health
from cloudmart.health.causes import ObstacleError
from cloudmart.health.causes.services import UNKNOWN
from cloudmart.health.patience import GaveUpError, Patience
from cloudmart.observability.metrics import STARTUP_SECONDS

_log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Step:
    """Something the start needs: `ask` returns, or raises ObstacleError."""

    name: str
    ask: Callable[[], Awaitable[None]]
    dependency: Dependency | None = None


async def start(health: Health, patience: Patience, steps: Sequence[Step]) -> bool:
    """Take one step after another; tell whether the process is ready or has to end."""
    try:
        for step in steps:
            await patience.wait_for(step.name, partial(_take, health, step))
    except GaveUpError as error:
        give_up(health, error)
        return False
    health.lifecycle.start()
    STARTUP_SECONDS.set(patience.waited)
    _log.info("ready", after_seconds=round(patience.waited, 1))
    return True


async def _take(health: Health, step: Step) -> None:
    """Take a step, and write down how the dependency did that it is about."""
    try:
        await step.ask()
    except ObstacleError as obstacle:
        if step.dependency:
            health.failed(step.dependency, obstacle)
        if obstacle.serious:
            raise
    except Exception as error:
        # Not known yet: it may pass, as all that stands in the way of a start may.
        _log.exception("step_broken", step=step.name)
        raise ObstacleError(UNKNOWN) from error
    else:
        if step.dependency:
            health.succeeded(step.dependency)


def give_up(health: Health, error: GaveUpError) -> None:
    """End the process, for a reason that is written where an operator looks."""
    _log.error("start_failed", waits_for=error.what, **error.obstacle.event())
    health.lifecycle.fail(str(error))
