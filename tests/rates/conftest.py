"""Counters with each kind of storage."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from limits import RateLimitItemPerMinute

from cloudmart.rates.counter import LocalCounter, RateCounter
from cloudmart.rates.redis_counter import SharedCounter
from tests.support.dependency_reporter import RecordingReporter
from tests.support.redis_server import redis_server


@pytest_asyncio.fixture(params=["memory", "redis"])
async def counter(request: pytest.FixtureRequest) -> AsyncIterator[RateCounter]:
    """Provide a counter that has counted nothing yet."""
    local = LocalCounter()
    if request.param == "memory":
        yield local
        return
    reporter = RecordingReporter()
    with redis_server() as url:
        shared = SharedCounter(url, local, reporter, within=30)
        # When the emulator does not know a script yet, it says so and closes the connection.
        await shared.hit(RateLimitItemPerMinute(1), "first")
        yield shared
        await shared.close()
        assert reporter.told == []
