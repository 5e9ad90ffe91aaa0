"""What the metrics tell of the process itself: how late its event loop is, and its memory."""

import asyncio
import math
from collections.abc import Awaitable, Callable
from pathlib import Path

from cloudmart.observability.metrics import LOOP_LAG, MEMORY_LIMIT

CGROUP = Path("/sys/fs/cgroup")

_EVERY = 0.5
_LIMITS = ("memory.max", "memory/memory.limit_in_bytes")
"""Where the kernel tells a container's limit: control groups of version 2, and of version 1."""
_NO_LIMIT = 2**60
"""More than this is version 1's word for no limit."""


async def watch_event_loop(
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep, every: float = _EVERY
) -> None:
    """Measure how late a task is woken, for as long as the process lives."""
    clock = asyncio.get_running_loop().time
    while True:
        due = clock() + every
        await sleep(every)
        LOOP_LAG.observe(max(0.0, clock() - due))


def show_memory_limit(cgroup: Path = CGROUP) -> None:
    """Show the container's limit of memory, which does not change while it runs."""
    MEMORY_LIMIT.set(_memory_limit(cgroup))


def _memory_limit(cgroup: Path) -> float:
    for name in _LIMITS:
        try:
            limit = int((cgroup / name).read_text(encoding="ascii"))
        except (OSError, ValueError):
            continue
        return limit if limit < _NO_LIMIT else math.nan
    return math.nan
