"""The times the process lives by, in one place, so that a test can live faster."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime

from cloudmart.values.timestamp import now

_SOONER = 4 / 7
"""A check tells that a store is slow before a call gives it up: after this share of its time."""


@dataclass(frozen=True, slots=True)
class Rhythm:
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

    def allowing(self, call: float) -> "Rhythm":
        """Return the times of a process whose calls of DynamoDB may take so many seconds."""
        return replace(self, probe_within=max(self.probe_within, call * _SOONER))
