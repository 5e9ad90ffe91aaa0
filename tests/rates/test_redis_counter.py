"""Counters that replicas share, and how they count without the Redis."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from limits import RateLimitItemPerMinute
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from cloudmart.rates.counter import LocalCounter
from cloudmart.rates.redis_counter import REST, WITHIN, SharedCounter
from tests.support.dependency_reporter import RecordingReporter
from tests.support.redis_server import deaf_server, redis_server

THREE = RateLimitItemPerMinute(3)


@dataclass
class Replica:
    """A process that counts, and its reports about the Redis."""

    url: str
    reporter: RecordingReporter = field(default_factory=RecordingReporter)
    seconds: float = 0
    within: float = 30

    def __post_init__(self) -> None:
        local = LocalCounter()
        self.counter = SharedCounter(
            self.url, local, self.reporter, lambda: self.seconds, within=self.within
        )

    async def allowed(self, times: int) -> int:
        """Return how many of some hits were allowed."""
        hits = [await self.counter.hit(THREE, "read", "203.0.113.9") for _ in range(times)]
        return sum(each.allowed for each in hits)


@asynccontextmanager
async def replica(url: str, within: float = 30) -> AsyncIterator[Replica]:
    """Run a replica."""
    one = Replica(url, within=within)
    yield one
    await one.counter.close()


async def test_replicas_count_together() -> None:
    with redis_server() as url:
        async with replica(url) as one, replica(url) as other:
            assert await one.allowed(2) + await other.allowed(2) == 3
            assert REGISTRY.get_sample_value("cloudmart_rate_limits_shared") == 1


async def test_each_process_counts_alone_while_the_redis_is_away_and_logs_it_once() -> None:
    port = _free_port()
    async with replica(f"redis://:hunter2@127.0.0.1:{port}/0") as one:
        with capture_logs() as logs:
            assert await one.allowed(5) == 3
            assert one.reporter.told == [False]
            assert REGISTRY.get_sample_value("cloudmart_rate_limits_shared") == 0

    assert [line["event"] for line in logs] == ["rate_limits_counted_apart"]
    assert "hunter2" not in str(logs)


async def test_it_comes_back_by_itself() -> None:
    port = _free_port()
    async with replica(f"redis://127.0.0.1:{port}/0") as one:
        assert await one.allowed(4) == 3
        with redis_server(port):
            assert await one.allowed(1) == 0
            one.seconds += REST
            assert await one.allowed(4) == 3
            assert one.reporter.told == [False, True]
        one.seconds += REST
        assert await one.allowed(1) == 0
        assert one.reporter.told == [False, True, False]


async def test_a_redis_that_says_nothing_is_not_waited_for_twice() -> None:
    with deaf_server() as url:
        async with replica(url, within=WITHIN) as one:
            loop = asyncio.get_running_loop()
            began = loop.time()
            assert await one.allowed(1000) == 3
            assert one.reporter.told == [False]
            # A thousand times a quarter of a second would be four minutes.
            assert loop.time() - began < 60


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
