"""Limits before every route: who asks for too much is told when to come again."""

from collections.abc import Mapping

from limits import RateLimitItemPerMinute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cloudmart.errors import TooManyRequestsError
from cloudmart.http.client import client_address
from cloudmart.http.problem import expected
from cloudmart.observability.metrics import RATE_LIMITED
from cloudmart.rates.classes import RouteClass, class_of
from cloudmart.rates.counter import Counter, Standing

LIMIT, REMAINING, RESET = "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"


class RateLimits:
    """Counts each request by its client and its class; a class without a limit is not counted."""

    def __init__(self, app: ASGIApp, counter: Counter, limits: Mapping[RouteClass, int]) -> None:
        self.app = app
        self._counter = counter
        self._limits = {kind: RateLimitItemPerMinute(most) for kind, most in limits.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or say that it was one too many."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        kind = class_of(scope["method"], scope["path"])
        limit = self._limits.get(kind)
        if limit is None:
            await self.app(scope, receive, send)
            return
        standing = await self._counter.hit(limit, kind, client_address(scope))
        headers = _headers(standing)

        async def announced(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *headers]
            await send(message)

        if standing.allowed:
            await self.app(scope, receive, announced)
        else:
            RATE_LIMITED.labels(kind).inc()
            refusal = TooManyRequestsError(retry_after=standing.reset)
            await expected(scope, refusal)(scope, receive, announced)


def _headers(standing: Standing) -> list[tuple[bytes, bytes]]:
    return [
        (b"ratelimit-limit", b"%d" % standing.limit),
        (b"ratelimit-remaining", b"%d" % standing.remaining),
        (b"ratelimit-reset", b"%d" % standing.reset),
    ]
