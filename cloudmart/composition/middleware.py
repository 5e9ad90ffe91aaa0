"""What every request passes before it meets a route."""

from fastapi import FastAPI

from cloudmart.composition.request_context import Admission, RequestContext
from cloudmart.health import state
from cloudmart.health.causes import DependencyError
from cloudmart.health.causes.process import ANONYMOUS
from cloudmart.health.router import ProbeAnswers
from cloudmart.health.state import Health
from cloudmart.http.browser_security import CorsPolicy, ResponseHeaders, SameOrigin, origin_of
from cloudmart.http.client_address import Clients
from cloudmart.http.middleware import REQUEST_ID
from cloudmart.rates.counter import RateCounter
from cloudmart.rates.limiting import LIMIT, REMAINING, RESET, RateLimits, rate_limits_of
from cloudmart.rates.route_class import RouteClasses
from cloudmart.settings import Environment, Settings

_ALLOWED = ["Authorization", "Idempotency-Key", "If-Match", REQUEST_ID]
_EXPOSED = [
    *("ETag", "Link", "Location", "Retry-After", "WWW-Authenticate", REQUEST_ID),
    *(LIMIT, REMAINING, RESET),
]


def add_middleware(
    app: FastAPI, settings: Settings, health: Health, counter: RateCounter, classes: RouteClasses
) -> None:
    """Put around an application what every request passes; the last added is the outermost."""
    caps = settings.limits
    limits = rate_limits_of(settings)
    origins = allowed_origins(settings)
    cors = CorsPolicy(origins, allowed_headers=_ALLOWED, exposed_headers=_EXPOSED)
    app.add_middleware(
        RequestContext,
        clients=_clients(settings, health),
        classes=classes,
        same_origin=None if cors.any_origin else SameOrigin(origins),
        limits=RateLimits(counter, limits) if limits else None,
        admission=Admission(requests=caps.concurrency, chats=caps.chats),
        probe=ProbeAnswers(health).find,
    )
    https = (settings.public_base_url or "").lower().startswith("https:")
    app.add_middleware(ResponseHeaders, https=https, cors=cors, base=settings.public_base)


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
