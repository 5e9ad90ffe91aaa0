"""What every request passes before it meets a route."""

from fastapi import FastAPI

from cloudmart.health import dependencies
from cloudmart.health.board import Health
from cloudmart.health.causes import ObstacleError
from cloudmart.health.causes.process import COUNTED_APART, STRANGER
from cloudmart.http.address import PublicAddress
from cloudmart.http.browser import CrossOrigin, SameOrigin, SecurityHeaders, origin_of
from cloudmart.http.client import Clients
from cloudmart.http.head import Head
from cloudmart.http.middleware import REQUEST_ID, RequestContext
from cloudmart.rates.admission import Admission
from cloudmart.rates.counter import Counter
from cloudmart.rates.limiting import LIMIT, REMAINING, RESET, RateLimits
from cloudmart.rates.opening import counter_of, limits_of
from cloudmart.settings import Environment, Settings

_ALLOWED = ["Authorization", "Idempotency-Key", "If-Match", REQUEST_ID]
_EXPOSED = [
    *("ETag", "Link", "Location", "Retry-After", "WWW-Authenticate", REQUEST_ID),
    *(LIMIT, REMAINING, RESET),
]


def add_entrance(app: FastAPI, settings: Settings, health: Health, counter: Counter) -> None:
    """Put around an application what every request passes; the last added is the outermost."""
    caps = settings.limits
    app.add_middleware(Admission, requests=caps.concurrency, chats=caps.chats)
    if limits := limits_of(settings):
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
    app.add_middleware(Head)


def allowed_origins(settings: Settings) -> list[str]:
    """Return the origins whose pages may call the API; `*` is any."""
    told = settings.cors.allowed_origins
    if not told and settings.environment is Environment.LOCAL:
        # The storefront's development server is another origin.
        return ["*"]
    own = [origin_of(settings.public_base_url)] if settings.public_base_url else []
    return [*dict.fromkeys([*map(origin_of, told), *own])]


def open_counter(settings: Settings, health: Health) -> Counter:
    """Return what counts clients, and have health tell whether replicas count together."""
    obstacle = ObstacleError(COUNTED_APART, serious=False)

    def tell(shared: bool) -> None:  # noqa: FBT001 - the counter's to call
        health.remark(dependencies.RATE_LIMITS, None if shared else obstacle)

    if settings.limits.storage:
        health.enable(dependencies.RATE_LIMITS)
    elif limits_of(settings):
        health.notes.append("rate limits are counted by each process for itself")
    return counter_of(settings.limits, tell)


def _clients(settings: Settings, health: Health) -> Clients:
    if settings.environment is Environment.LOCAL:
        return Clients(settings.limits.trusted_proxies)
    obstacle = ObstacleError(STRANGER, serious=False)
    return Clients(
        settings.limits.trusted_proxies,
        on_stranger=lambda: health.remark(dependencies.CLIENTS, obstacle),
    )
