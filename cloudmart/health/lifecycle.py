"""Where the process stands between its start and its end."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime

from cloudmart.values.timestamp import now

_STARTING = "The service is starting."

_SOONER = 4 / 7
"""A check tells that a store is slow before a call gives it up: after this share of its time."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why the process ends by itself, and the exit code that says so."""

    message: str
    code: int = 1


class Lifecycle:
    """Starting, started once and for all, ending: what probes and the server go by."""

    def __init__(self) -> None:
        self.started = False
        self.ending = False
        self.waiting = _STARTING
        """What the public is told while the start waits."""
        self.failure: Failure | None = None
        self.linger = 0.0
        """Seconds the server goes on accepting requests although it ends."""

    def state(self) -> tuple[object, ...]:
        """Return what differs as soon as anything does that a probe is told."""
        return self.started, self.ending, self.waiting, self.failure

    def start(self) -> None:
        """Latch that everything the service needs was there once."""
        self.started = True
        self.waiting = ""

    def end(self, *, linger: float = 0.0) -> None:
        """Be ready no more, and let the server finish what it has."""
        if not self.ending:
            self.ending = True
            self.linger = linger

    def end_now(self) -> None:
        """End without lingering, even where lingering has begun."""
        self.end()
        self.linger = 0.0

    def fail(self, message: str, code: int = 1) -> None:
        """End, because going on is no use."""
        self.failure = self.failure or Failure(message, code)
        self.end()


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds between this and that, and the clocks that count them."""

    sample_every: tuple[float, float] = (5, 15)
    """Between two checks of a dependency, at random so that pods do not ask in step."""
    probe_within: float = 2
    """That a check may take."""
    attempt_within: float = 10
    """That one attempt may take while the start waits."""
    longest_wait: float = 8
    """Between two attempts of a start that waits."""
    restart_within: float = 300
    """Over which the pods of a deployment spread the restarts that new configuration needs."""
    linger: float = 20
    """That an unready pod which stops by itself goes on serving, until nobody sends it more."""

    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    monotonic: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = now

    def allowing(self, call: float) -> "Timing":
        """Return the times of a process whose calls of DynamoDB may take so many seconds."""
        return replace(self, probe_within=max(self.probe_within, call * _SOONER))
