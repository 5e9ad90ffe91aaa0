"""What every request passes before it meets a route."""

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from cloudmart.health import state
from cloudmart.health.causes import DependencyError
from cloudmart.health.causes.process import ANONYMOUS
from cloudmart.health.state import Health
from cloudmart.http.bodies import Bodies
from cloudmart.http.browser_security import CrossOrigin, SameOrigin, SecurityHeaders, origin_of
from cloudmart.http.client_address import Clients, PublicAddress
from cloudmart.http.concurrency import ConcurrencyLimit, Slot
from cloudmart.http.middleware import REQUEST_ID, HeadRequests, RequestContext
from cloudmart.rates.counter import RateCounter
from cloudmart.rates.limiting import (
    LIMIT,
    REMAINING,
    RESET,
    RateLimits,
    RouteClass,
    class_of,
    rate_limits_of,
)
from cloudmart.settings import Environment, Settings


class Admission:
    """Hands each request its slot and its room; the route takes them when it needs them.

    Chats have slots of their own: they wait for a provider most of their time. Probes and
    documentation need none.
    """

    def __init__(
        self, app: ASGIApp, *, requests: int, chats: int, bodies: Bodies | None = None
    ) -> None:
        self.app = app
        self._requests = ConcurrencyLimit("requests", requests)
        self._chats = ConcurrencyLimit("chats", chats)
        self._bodies = bodies or Bodies()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, and take back its slot in the end."""
        limit = self._limit(scope)
        if limit is None:
            await self.app(scope, receive, send)
            return
        slot = Slot(limit)
        scope["state"] |= {"slot": slot, "bodies": self._bodies}
        try:
            await self.app(scope, receive, send)
        finally:
            slot.give_back()

    def _limit(self, scope: Scope) -> ConcurrencyLimit | None:
        if scope["type"] != "http":
            return None
        kind = class_of(scope["method"], scope["path"])
        if kind is RouteClass.FREE:
            return None
        return self._chats if kind is RouteClass.CHAT else self._requests


_ALLOWED = ["Authorization", "Idempotency-Key", "If-Match", REQUEST_ID]
_EXPOSED = [
    *("ETag", "Link", "Location", "Retry-After", "WWW-Authenticate", REQUEST_ID),
    *(LIMIT, REMAINING, RESET),
]


def add_middleware(app: FastAPI, settings: Settings, health: Health, counter: RateCounter) -> None:
    """Put around an application what every request passes; the last added is the outermost."""
    caps = settings.limits
    app.add_middleware(Admission, requests=caps.concurrency, chats=caps.chats)
    if limits := rate_limits_of(settings):
        app.add_middleware(RateLimits, counter=counter, limits=limits)
    origins = allowed_origins(settings)
    anybody = "*" in origins
    if not anybody:
        app.add_middleware(SameOrigin, allowed=origins)
    app.add_middleware(RequestContext, clients=_clients(settings, health))
    # What fails or is refused inside still gets its headers.
    app.add_middleware(
        CrossOrigin,
        allow_origins=origins,
        allow_methods=["*"] if anybody else ["GET", "POST", "PUT", "DELETE"],
        allow_headers=["*"] if anybody else _ALLOWED,
        expose_headers=_EXPOSED,
    )
    if settings.public_base:
        app.add_middleware(PublicAddress, base=settings.public_base)
    https = (settings.public_base_url or "").lower().startswith("https:")
    app.add_middleware(SecurityHeaders, https=https, vary=not anybody)
    # Outermost: what measures, limits and guards a request knows it as GET.
    app.add_middleware(HeadRequests)


def allowed_origins(settings: Settings) -> list[str]:
    """Return the origins whose pages may call the API; `*` is any."""
    told = settings.cors.allowed_origins
    if not told and settings.environment is Environment.LOCAL:
        # The storefront's development server is another origin.
        return ["*"]
    own = [origin_of(settings.public_base_url)] if settings.public_base_url else []
    return [*dict.fromkeys([*map(origin_of, told), *own])]


def _clients(settings: Settings, health: Health) -> Clients:
    if settings.environment is Environment.LOCAL:
        return Clients(settings.limits.trusted_proxies)
    obstacle = DependencyError(ANONYMOUS, serious=False)
    return Clients(
        settings.limits.trusted_proxies,
        on_stranger=lambda: health.remark(state.CLIENTS, obstacle),
    )
