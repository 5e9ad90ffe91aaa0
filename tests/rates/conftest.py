"""Counters over each storage there is."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from limits import RateLimitItemPerMinute

from cloudmart.rates.counter import LocalCounter, RateCounter
from cloudmart.rates.shared import SharedCounter
from tests.support.dependency_reporter import RecordingReporter
from tests.support.redis_server import redis_server


@pytest_asyncio.fixture(params=["memory", "redis"])
async def counter(request: pytest.FixtureRequest) -> AsyncIterator[RateCounter]:
    """Give a counter that has counted nothing yet."""
    local = LocalCounter()
    if request.param == "memory":
        yield local
        return
    reporter = RecordingReporter()
    with redis_server() as url:
        shared = SharedCounter(url, local, reporter, within=30)
        # The emulator closes a connection on which it says that it does not know a script yet.
        await shared.hit(RateLimitItemPerMinute(1), "first")
        yield shared
        await shared.close()
        assert reporter.told == []
