"""The start of a process: steps in order, each repeated until one deadline, or given up."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import structlog
from tenacity import RetryCallState

from cloudmart.health.causes import DependencyError
from cloudmart.health.causes.process import SLOW
from cloudmart.health.causes.services import UNKNOWN
from cloudmart.health.state import Dependency, Health, Lifecycle, Timing
from cloudmart.observability.metrics import STARTUP_SECONDS, STARTUP_WAITS
from cloudmart.retry import start_retry

_log = structlog.stdlib.get_logger(__name__)

T = TypeVar("T")


class GaveUpError(Exception):
    """Something the start needs did not come, or never will."""

    def __init__(self, what: str, obstacle: DependencyError, waited: float) -> None:
        self.obstacle = obstacle
        self.what = what
        opening = (
            f"CloudMart gave up its start after {waited:.0f} s"
            if obstacle.cause.passes
            else "CloudMart cannot start"
        )
        said = f"\nAnswer: {obstacle.answer}" if obstacle.answer else ""
        super().__init__(
            f"{opening}, waiting for {what}.\n"
            f"Cause: {obstacle.sentence} ({obstacle.cause.code}){said}\n"
            f"Remedy: {obstacle.remedy}\n"
            f"Next: {obstacle.command}"
        )


class StartupRetry:
    """Waits for one thing after another until a deadline that is common to all."""

    def __init__(self, lifecycle: Lifecycle, rhythm: Timing, timeout: float) -> None:
        self._lifecycle = lifecycle
        self._rhythm = rhythm
        self._timeout = timeout
        self._began = rhythm.monotonic()
        self._told: set[tuple[str, str]] = set()

    @property
    def waited(self) -> float:
        """Return for how many seconds there has been patience so far."""
        return self._rhythm.monotonic() - self._began

    async def wait_for(self, what: str, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask until there is an answer.

        Raises:
            GaveUpError: the deadline has passed, or waiting is no use.
        """
        retrying = start_retry(
            lambda error: isinstance(error, DependencyError) and error.cause.passes,
            lambda: self._timeout - self.waited,
            self._rhythm.longest_wait,
            self._rhythm.sleep,
            lambda state: self._tell(what, state),
        )
        try:
            return await retrying(self._attempt, ask)
        except DependencyError as obstacle:
            raise GaveUpError(what, obstacle, self.waited) from obstacle

    async def _attempt(self, ask: Callable[[], Awaitable[T]]) -> T:
        within = self._rhythm.attempt_within
        try:
            async with asyncio.timeout(within):
                return await ask()
        except TimeoutError as error:
            raise DependencyError(SLOW, {"seconds": f"{within:g}"}) from error

    def _tell(self, what: str, state: RetryCallState) -> None:
        obstacle = state.outcome.exception() if state.outcome else None
        assert isinstance(obstacle, DependencyError)  # noqa: S101 - no other is retried
        self._lifecycle.waiting = f"The service is starting. {obstacle.sentence}"
        STARTUP_WAITS.labels(what, obstacle.cause.code).inc()
        if (what, obstacle.cause.code) not in self._told:
            self._told.add((what, obstacle.cause.code))
            _log.warning("start_waits", waits_for=what, patience=self._timeout, **obstacle.event())


@dataclass(frozen=True, slots=True)
class StartStep:
    """Something the start needs: `ask` returns, or raises DependencyError."""

    name: str
    ask: Callable[[], Awaitable[None]]
    dependency: Dependency | None = None


async def start(health: Health, patience: StartupRetry, steps: Sequence[StartStep]) -> bool:
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


async def _take(health: Health, step: StartStep) -> None:
    """Take a step, and record the result for its dependency."""
    try:
        await step.ask()
    except DependencyError as obstacle:
        if step.dependency:
            health.failed(step.dependency, obstacle)
        if obstacle.serious:
            raise
    except Exception as error:
        # Not known yet: it may pass, as all that stands in the way of a start may.
        _log.exception("step_broken", step=step.name)
        raise DependencyError(UNKNOWN) from error
    else:
        if step.dependency:
            health.succeeded(step.dependency)


def give_up(health: Health, error: GaveUpError) -> None:
    """End the process, for a reason that is written where an operator looks."""
    _log.error("start_failed", waits_for=error.what, **error.obstacle.event())
    health.lifecycle.fail(str(error))
