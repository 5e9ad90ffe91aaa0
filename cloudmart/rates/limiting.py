"""Limits before every route: who asks for too much is told when to come again."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from enum import StrEnum
from types import MappingProxyType

from limits import RateLimitItemPerHour, RateLimitItemPerMinute

from cloudmart.errors import TooManyLookupsError
from cloudmart.observability.metrics import RATE_LIMITED
from cloudmart.rates.counter import LimitState, RateCounter
from cloudmart.settings import Environment, Settings


class RouteClass(StrEnum):
    """Requests that are counted together, each class by itself."""

    FREE = "free"
    """Counted by nobody: who asks how the service does must always be answered."""
    READ = "read"
    WRITE = "write"
    CHAT = "chat"
    """What a provider of AI is paid for."""
    EMAIL = "email"
    """What finds a customer's orders by an address that anybody may know."""


CLASSES: Mapping[str, RouteClass] = MappingProxyType(
    {
        "GET /api/products": RouteClass.READ,
        "GET /api/products/{product_id}": RouteClass.READ,
        "POST /api/products": RouteClass.WRITE,
        "PUT /api/products/{product_id}": RouteClass.WRITE,
        "DELETE /api/products/{product_id}": RouteClass.WRITE,
        "POST /api/orders": RouteClass.WRITE,
        "GET /api/orders/{order_id}": RouteClass.READ,
        "GET /api/orders/user": RouteClass.EMAIL,
        "GET /api/orders": RouteClass.READ,
        "PUT /api/orders/{order_id}": RouteClass.WRITE,
        "DELETE /api/orders/{order_id}": RouteClass.WRITE,
        "POST /api/tickets": RouteClass.WRITE,
        "GET /api/tickets": RouteClass.READ,
        "GET /api/tickets/status": RouteClass.READ,
        "GET /api/tickets/{ticket_id}": RouteClass.READ,
        "PUT /api/tickets/{ticket_id}": RouteClass.WRITE,
        "DELETE /api/tickets/{ticket_id}": RouteClass.WRITE,
        "POST /api/ai/start": RouteClass.WRITE,
        "POST /api/ai/message": RouteClass.CHAT,
        "POST /api/ai/bedrock/start": RouteClass.WRITE,
        "POST /api/ai/bedrock/message": RouteClass.CHAT,
        "POST /api/ai/analyze-sentiment": RouteClass.CHAT,
        "GET /api/pipeline/status": RouteClass.READ,
        "GET /api/problems": RouteClass.READ,
        "GET /api/problems/{code}": RouteClass.READ,
        "GET /": RouteClass.FREE,
        "GET /api": RouteClass.FREE,
        "GET /.well-known/api-catalog": RouteClass.FREE,
        "GET /health": RouteClass.FREE,
        "GET /livez": RouteClass.FREE,
        "GET /api/health": RouteClass.FREE,
        "GET /ready": RouteClass.FREE,
        "GET /readyz": RouteClass.FREE,
        "GET /startupz": RouteClass.FREE,
        "GET /metrics": RouteClass.FREE,
        "GET /openapi.json": RouteClass.FREE,
        "GET /api/openapi.json": RouteClass.FREE,
        "GET /api/config.js": RouteClass.FREE,
        "GET /docs": RouteClass.FREE,
        "GET /api/docs": RouteClass.FREE,
        "GET /docs/": RouteClass.FREE,
        "GET /redoc": RouteClass.FREE,
        "GET /swagger": RouteClass.FREE,
        "GET /swagger/": RouteClass.FREE,
        "GET /swagger-ui": RouteClass.FREE,
        "GET /swagger-ui.html": RouteClass.FREE,
        "GET /swagger-ui/index.html": RouteClass.FREE,
        "GET /api-docs": RouteClass.FREE,
        "GET /api/docs/": RouteClass.FREE,
        "GET /api/redoc": RouteClass.FREE,
        "GET /api/swagger": RouteClass.FREE,
        "GET /api/swagger/": RouteClass.FREE,
        "GET /api/swagger-ui": RouteClass.FREE,
        "GET /api/swagger-ui.html": RouteClass.FREE,
        "GET /api/swagger-ui/index.html": RouteClass.FREE,
        "GET /api/api-docs": RouteClass.FREE,
        "GET /docs/assets/swagger-ui-bundle.js": RouteClass.FREE,
        "GET /docs/assets/swagger-ui.css": RouteClass.FREE,
        "GET /docs/assets/favicon.png": RouteClass.FREE,
        "GET /docs/assets/start-swagger.js": RouteClass.FREE,
        "GET /api/docs/assets/swagger-ui-bundle.js": RouteClass.FREE,
        "GET /api/docs/assets/swagger-ui.css": RouteClass.FREE,
        "GET /api/docs/assets/favicon.png": RouteClass.FREE,
        "GET /api/docs/assets/start-swagger.js": RouteClass.FREE,
    }
)
"""By method and path."""

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def _pattern(entry: str) -> str:
    head, slash, last = entry.rpartition("/")
    return f"{head}/{{}}" if slash and last.startswith("{") else entry


_PATTERNS = {_pattern(entry): kind for entry, kind in CLASSES.items()}


def class_of(method: str, path: str) -> RouteClass:
    """Return what a request counts as; what no route answers counts as what it would do."""
    # The framework's routes match a path with a line break at its end.
    path = path.removesuffix("\n")
    asked = f"{'GET' if method == 'HEAD' else method} {path}"
    kind = _PATTERNS.get(asked) or _PATTERNS.get(f"{asked.rpartition('/')[0]}/{{}}")
    if kind:
        return kind
    return RouteClass.READ if method in _SAFE else RouteClass.WRITE


def rate_limits_of(settings: Settings) -> dict[RouteClass, int]:
    """Return what one client may ask for a minute, by class; what has no limit is left out."""
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
    """Return the headers that tell a client where it stands."""
    return [
        (b"ratelimit-limit", b"%d" % standing.limit),
        (b"ratelimit-remaining", b"%d" % standing.remaining),
        (b"ratelimit-reset", b"%d" % standing.reset),
    ]


MOST_FAILED = 20
"""Failed look-ups of one client in an hour, over all its conversations."""

_LIMIT = RateLimitItemPerHour(MOST_FAILED)
_KIND = "failed-lookups"


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
