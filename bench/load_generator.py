"""The load generator: one call, repeated on several connections, for a limited time and number."""

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
    """The limits of one measurement. It ends when the time or the number of calls is used up."""

    seconds: float
    calls: int
    connections: int


@dataclass(frozen=True, slots=True)
class Sample:
    """The result of one measurement. The CPU time is that of the process under test alone."""

    rate: float
    p50_ms: float
    p99_ms: float
    cpu_ms: float


class Load(Protocol):
    """Something to measure. It is plain data, because it goes to the load generator's process."""

    async def measure(self, limits: Limits) -> Sample:
        """Repeat the call within the limits."""
        ...


Call = Callable[[int], Awaitable[None]]
"""One call. It gets its number, and raises an error if the answer is wrong."""


def generate(load: Load, limits: Limits) -> Sample:
    """Measure a load. The load generator's process runs this function."""
    return uvloop.run(load.measure(limits))


async def repeat(call: Call, limits: Limits, *, pid: int) -> Sample:
    """Repeat a call, and return the times and the CPU time of a process.

    First it repeats the call for a fifth of the time. This opens the connections and is not
    measured.
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
    """Return the CPU time that the threads of a process have used so far, as Linux reports it."""
    threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(thread.read_text(encoding="ascii").split()[0]) for thread in threads) / 1e9
