"""How long other clients wait: a client that requests two routes in turn, again and again."""

import asyncio
import time
from dataclasses import dataclass
from statistics import quantiles

import aiohttp
import uvloop

WATCHED = ("/health", "/api/products")
"""The paths that are requested. The first one is answered without the store."""

_BREATHER = 0.01

# A percentile needs at least two values.
_FEWEST = 2


@dataclass(frozen=True, slots=True)
class Waits:
    """How long requests took, in milliseconds."""

    count: int
    p50: float
    p99: float

    @classmethod
    def of(cls, took: list[float]) -> "Waits":
        """Return the percentiles of at least two times in seconds."""
        percentiles = quantiles(took, n=100, method="inclusive")
        return cls(len(took), percentiles[49] * 1000, percentiles[98] * 1000)


def watch(url: str, seconds: float) -> dict[str, Waits]:
    """Send requests until the time is over, and return the times of each path.

    It runs in its own process.
    """
    return uvloop.run(_watch(url, seconds))


async def _watch(url: str, seconds: float) -> dict[str, Waits]:
    async with aiohttp.ClientSession(url) as session:
        # First open the connection and warm up the engine; this is not measured.
        await _ask(session, seconds / 10)
        return {path: Waits.of(took) for path, took in (await _ask(session, seconds)).items()}


async def _ask(session: aiohttp.ClientSession, seconds: float) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {path: [] for path in WATCHED}
    ends = time.monotonic() + seconds
    while time.monotonic() < ends or len(times[WATCHED[-1]]) < _FEWEST:
        for path, took in times.items():
            started = time.perf_counter()
            async with session.get(path) as answer:
                await answer.read()
                answer.raise_for_status()
            took.append(time.perf_counter() - started)
        await asyncio.sleep(_BREATHER)
    return times
