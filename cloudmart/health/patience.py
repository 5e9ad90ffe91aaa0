"""Waiting for what passes by itself: with full jitter, up to one deadline, saying why."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, wait_random_exponential

from cloudmart.health.causes import ObstacleError
from cloudmart.health.causes.process import SLOW
from cloudmart.health.lifecycle import Lifecycle
from cloudmart.health.rhythm import Rhythm
from cloudmart.observability.metrics import STARTUP_WAITS

T = TypeVar("T")

_log = structlog.stdlib.get_logger(__name__)


class GaveUpError(Exception):
    """Something the start needs did not come, or never will."""

    def __init__(self, what: str, obstacle: ObstacleError, waited: float) -> None:
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


class Patience:
    """Waits for one thing after another until a deadline that is common to all."""

    def __init__(self, lifecycle: Lifecycle, rhythm: Rhythm, timeout: float) -> None:
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
        jitter = wait_random_exponential(multiplier=0.5, max=self._rhythm.longest_wait)
        retrying = AsyncRetrying(
            retry=retry_if_exception(
                lambda error: isinstance(error, ObstacleError) and error.cause.passes
            ),
            # The last attempt is made when the deadline comes, not one wait before.
            wait=lambda state: max(0.0, min(jitter(state), self._timeout - self.waited)),
            stop=lambda _: self.waited >= self._timeout,
            before_sleep=lambda state: self._tell(what, state),
            sleep=self._rhythm.sleep,
            reraise=True,
        )
        try:
            return await retrying(self._attempt, ask)
        except ObstacleError as obstacle:
            raise GaveUpError(what, obstacle, self.waited) from obstacle

    async def _attempt(self, ask: Callable[[], Awaitable[T]]) -> T:
        within = self._rhythm.attempt_within
        try:
            async with asyncio.timeout(within):
                return await ask()
        except TimeoutError as error:
            raise ObstacleError(SLOW, {"seconds": f"{within:g}"}) from error

    def _tell(self, what: str, state: RetryCallState) -> None:
        obstacle = state.outcome.exception() if state.outcome else None
        assert isinstance(obstacle, ObstacleError)  # noqa: S101 - no other is retried
        self._lifecycle.waiting = f"The service is starting. {obstacle.sentence}"
        STARTUP_WAITS.labels(what, obstacle.cause.code).inc()
        if (what, obstacle.cause.code) not in self._told:
            self._told.add((what, obstacle.cause.code))
            _log.warning("start_waits", waits_for=what, patience=self._timeout, **obstacle.event())
