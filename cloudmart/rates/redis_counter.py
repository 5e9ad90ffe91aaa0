"""Counters that replicas share in Redis. While it does not answer, each process counts alone."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Any, cast

import structlog
from limits import RateLimitItem
from limits.aio.storage import RedisStorage
from limits.errors import StorageError

from cloudmart.observability.dependency_reporter import Reporter
from cloudmart.observability.metrics import RATE_LIMITS_SHARED
from cloudmart.rates.counter import LimitState, RateCounter, StoredCounter

WITHIN = 0.25
"""Seconds a request waits for the shared counters at most."""
REST = 5.0
"""Seconds for which they are not asked after they have failed."""

_MOST_CONNECTIONS = 64
_log = structlog.stdlib.get_logger(__name__)


class SharedCounter:
    """Counts in a Redis, or in this process alone while that is away.

    Args:
        url: The Redis.
        local: What counts meanwhile.
        reporter: Hears when the Redis fails, and when it is back.
    """

    def __init__(
        self,
        url: str,
        local: RateCounter,
        reporter: Reporter,
        clock: Callable[[], float] = monotonic,
        *,
        within: float = WITHIN,
    ) -> None:
        # Only who has a Redis waits for its client to be imported.
        from redis.asyncio import BlockingConnectionPool  # noqa: PLC0415
        from redis.asyncio.retry import Retry  # noqa: PLC0415
        from redis.backoff import NoBackoff  # noqa: PLC0415

        self._pool = BlockingConnectionPool.from_url(
            url,
            max_connections=_MOST_CONNECTIONS,
            timeout=within,
            socket_timeout=within,
            socket_connect_timeout=within,
            # A connection that was idle may have been closed by the other side.
            retry=Retry(NoBackoff(), 1),
        )
        storage = RedisStorage(
            url,
            wrap_exceptions=True,
            implementation="redispy",
            key_prefix="cloudmart",
            connection_pool=cast("Any", self._pool),
        )
        self._shared = StoredCounter(storage)
        self._local = local
        self._reporter = reporter
        self._clock = clock
        self._within = within
        self._ask_after = 0.0
        self._away = False
        RATE_LIMITS_SHARED.set(1)

    async def hit(self, limit: RateLimitItem, *key: str) -> LimitState:
        """Count one more, unless that would be too many."""
        return await self._ask(lambda counter: counter.hit(limit, *key))

    async def look(self, limit: RateLimitItem, *key: str) -> LimitState:
        """Return where somebody stands, and whether one more would be allowed."""
        return await self._ask(lambda counter: counter.look(limit, *key))

    async def close(self) -> None:
        """Close the connections."""
        await self._pool.disconnect()

    async def _ask(self, ask: Callable[[RateCounter], Awaitable[LimitState]]) -> LimitState:
        now = self._clock()
        if now < self._ask_after:
            return await ask(self._local)
        if self._away:
            # One request finds out; the others do not wait with it.
            self._ask_after = now + REST
        try:
            async with asyncio.timeout(self._within):
                standing = await ask(self._shared)
        except (StorageError, TimeoutError, OSError) as error:
            self._ask_after = self._clock() + REST
            self._note(error)
            return await ask(self._local)
        self._ask_after = 0.0
        self._note(None)
        return standing

    def _note(self, cause: Exception | None) -> None:
        away = cause is not None
        if away == self._away:
            return
        self._away = away
        RATE_LIMITS_SHARED.set(not away)
        if cause:
            self._reporter.trouble(cause)
            # What Redis says may name its address, but never its password.
            _log.warning("rate_limits_counted_apart", cause=repr(cause)[:200])
        else:
            self._reporter.ok()
            _log.info("rate_limits_shared_again")
