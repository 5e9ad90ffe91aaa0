"""Limits before every route: a client over its limit learns when to try again."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from limits import RateLimitItemPerHour, RateLimitItemPerMinute

from cloudmart.errors import TooManyLookupsError
from cloudmart.observability.metrics import RATE_LIMITED
from cloudmart.rates.counter import LimitState, RateCounter
from cloudmart.rates.route_class import RouteClass
from cloudmart.settings import Environment, Settings

MOST_FAILED = 20
"""Failed look-ups of one client in an hour, over all its conversations."""

_LIMIT = RateLimitItemPerHour(MOST_FAILED)
_KIND = "failed-lookups"


def rate_limits_of(settings: Settings) -> dict[RouteClass, int]:
    """Return one client's limits a minute, by class; classes without a limit are left out."""
    limits = settings.limits
    told = {
        RouteClass.READ: limits.read,
        RouteClass.WRITE: limits.write,
        RouteClass.CHAT: limits.chat,
        RouteClass.EMAIL: limits.email,
    }
    if settings.environment is Environment.LOCAL:
        told = {kind: most for kind, most in told.items() if kind in limits.model_fields_set}
    return {kind: most for kind, most in told.items() if most}


LIMIT, REMAINING, RESET = "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"


class RateLimits:
    """Counts each request by its client and its class; a class without a limit is not counted."""

    def __init__(self, counter: RateCounter, limits: Mapping[RouteClass, int]) -> None:
        self._counter = counter
        self._limits = {kind: RateLimitItemPerMinute(most) for kind, most in limits.items()}

    async def count(self, kind: RouteClass, client: str) -> LimitState | None:
        """Count a request, and return where its client stands; None where nothing is counted."""
        limit = self._limits.get(kind)
        if limit is None:
            return None
        standing = await self._counter.hit(limit, kind, client)
        if not standing.allowed:
            RATE_LIMITED.labels(kind).inc()
        return standing


def standing_headers(standing: LimitState) -> list[tuple[bytes, bytes]]:
    """Return the headers with which a client learns its limit."""
    return [
        (b"ratelimit-limit", b"%d" % standing.limit),
        (b"ratelimit-remaining", b"%d" % standing.remaining),
        (b"ratelimit-reset", b"%d" % standing.reset),
    ]


class FailedLookups:
    """Counts them by client, whatever conversation they are made in.

    A client has at most as many look-ups under way as it may still fail; others wait for these.
    Without that, guesses that are sent all at once would all be answered before one is counted.
    """

    def __init__(self, counter: RateCounter) -> None:
        self._counter = counter
        self._under_way: Counter[str] = Counter()
        self._ended: dict[str, asyncio.Event] = {}

    @asynccontextmanager
    async def looking(self, client: str) -> AsyncIterator[None]:
        """Let a client look something up, or raise TooManyLookupsError if it failed too often."""
        while True:
            standing = await self._counter.look(_LIMIT, _KIND, client)
            if not standing.allowed:
                raise TooManyLookupsError
            if self._under_way[client] < standing.remaining:
                break
            await self._ended.setdefault(client, asyncio.Event()).wait()
        self._under_way[client] += 1
        try:
            yield
        finally:
            self._under_way[client] -= 1
            if not self._under_way[client]:
                del self._under_way[client]
            if ended := self._ended.pop(client, None):
                ended.set()

    async def add(self, client: str) -> None:
        """Count one more that found nothing."""
        await self._counter.hit(_LIMIT, _KIND, client)
