"""The load: one call, repeated on several connections at once, bounded in count and time."""

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import quantiles
from typing import Protocol

import uvloop


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one measurement may be: whichever of time and calls is used up first ends it."""

    seconds: float
    calls: int
    connections: int


@dataclass(frozen=True, slots=True)
class Sample:
    """What one measurement found. The CPU is that of the process under test alone."""

    rate: float
    p50_ms: float
    p99_ms: float
    cpu_ms: float


class Load(Protocol):
    """Something to measure: plain data, for it travels to the load generator's process."""

    async def measure(self, limits: Limits) -> Sample:
        """Repeat the call within the limits."""
        ...


Call = Callable[[int], Awaitable[None]]
"""One call; it is told its number, and raises what is wrong with the answer."""


def generate(load: Load, limits: Limits) -> Sample:
    """Measure a load: what the load generator's process runs."""
    return uvloop.run(load.measure(limits))


async def repeat(call: Call, limits: Limits, *, pid: int) -> Sample:
    """Repeat a call and return what that took, also of a process's CPU.

    It is repeated for a fifth of the time before, which opens connections and does not count.
    """
    await _drive(call, replace(limits, seconds=limits.seconds / 5))
    cpu, started = cpu_seconds(pid), time.perf_counter()
    took = await _drive(call, limits)
    elapsed, cpu = time.perf_counter() - started, cpu_seconds(pid) - cpu
    percentiles = quantiles(took, n=100, method="inclusive")
    return Sample(
        rate=len(took) / elapsed,
        p50_ms=percentiles[49] * 1000,
        p99_ms=percentiles[98] * 1000,
        cpu_ms=cpu / len(took) * 1000,
    )


async def _drive(call: Call, limits: Limits) -> list[float]:
    numbers = itertools.count()
    took: list[float] = []
    ends = time.perf_counter() + limits.seconds

    async def connection() -> None:
        while (started := time.perf_counter()) < ends and (number := next(numbers)) < limits.calls:
            await call(number)
            took.append(time.perf_counter() - started)

    async with asyncio.TaskGroup() as group:
        for _ in range(limits.connections):
            group.create_task(connection())
    return took


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that the threads of a process have used so far (Linux tells)."""
    threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(thread.read_text(encoding="ascii").split()[0]) for thread in threads) / 1e9
