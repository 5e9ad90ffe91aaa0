"""The middleware that every request passes before its route."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from http import HTTPMethod

import structlog
from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig
from prometheus_client import Histogram
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from cloudmart.composition.request_log import RequestLog
from cloudmart.errors import CrossOriginError, TooManyRequestsError
from cloudmart.health import state
from cloudmart.health.causes import DependencyError
from cloudmart.health.causes.process import ANONYMOUS
from cloudmart.health.router import ProbeAnswers
from cloudmart.health.state import Health
from cloudmart.http.body_limits import Bodies
from cloudmart.http.browser_security import CorsPolicy, ResponseHeaders, SameOrigin, origin_of
from cloudmart.http.client_address import Clients
from cloudmart.http.concurrency import ConcurrencyLimit, Slot
from cloudmart.http.middleware import REQUEST_ID, NamedAnswer, take_request_id
from cloudmart.http.problem import UNEXPECTED, failure_response, problem_response
from cloudmart.observability.exemplars import EXEMPLARS
from cloudmart.observability.metrics import REQUESTS
from cloudmart.observability.tracing import RequestSpan, Tracing
from cloudmart.rates.counter import RateCounter
from cloudmart.rates.limiting import (
    LIMIT,
    REMAINING,
    RESET,
    RateLimits,
    rate_limits_of,
    standing_headers,
)
from cloudmart.rates.route_class import RouteClass, RouteClasses
from cloudmart.settings import Environment, Settings

_log = structlog.stdlib.get_logger(__name__)

MOST_PARAMETERS = 100
"""Parameters that a query may have; none of ours takes more than three."""

_MANY_PARAMETERS = (
    f"The query has more than {MOST_PARAMETERS} parameters: leave out those that the route does "
    "not have."
)

NO_TELEMETRY: TelemetryConfig = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "auto_configure": False,
}
"""What FastAPI tells an SDK of OpenTelemetry: nothing.

By itself it does as soon as there is one, paths and queries with customers' addresses too.
"""

_METHODS = frozenset(HTTPMethod)
_GONE = 499
"""Stands for the status of an answer that nobody waited for."""

_ALLOWED = ["Authorization", "Idempotency-Key", "If-Match", REQUEST_ID]
_EXPOSED = [
    *("ETag", "Link", "Location", "Retry-After", "WWW-Authenticate", REQUEST_ID),
    *(LIMIT, REMAINING, RESET),
]


class Admission:
    """Hands each request its slot and its room; the route takes them when it needs them.

    Chats have slots of their own: they wait for a provider most of their time. Probes and
    documentation need none.
    """

    def __init__(self, *, requests: int, chats: int, bodies: Bodies | None = None) -> None:
        self._requests = ConcurrencyLimit("requests", requests)
        self._chats = ConcurrencyLimit("chats", chats)
        self.bodies = bodies or Bodies()

    def slot(self, kind: RouteClass) -> Slot | None:
        """Return the slot that a request may take."""
        if kind is RouteClass.FREE:
            return None
        return Slot(self._chats if kind is RouteClass.CHAT else self._requests)


class RequestContext:
    """Names, judges, measures and guards each request on its way to its route.

    Args:
        clients: Returns the client of a request.
        classes: Tell what a request counts as; by default no route is known.
        same_origin: Judges what pages have browsers change; by default nobody does.
        limits: Count what clients ask; by default nobody does.
        admission: Bounds what is worked on at once; by default nobody does.
        probe: Returns the answer to a probe by its path, or None where the path is no probe's.
        log: Writes lines about requests; by default of no read that went well.
        tracing: Traces what is not FREE; by default nothing does.
    """

    def __init__(  # noqa: PLR0913 - what every request passes
        self,
        app: ASGIApp,
        clients: Clients | None = None,
        *,
        classes: RouteClasses | None = None,
        same_origin: SameOrigin | None = None,
        limits: RateLimits | None = None,
        admission: Admission | None = None,
        probe: Callable[[str], Response | None] = lambda _: None,
        log: RequestLog | None = None,
        tracing: Tracing | None = None,
    ) -> None:
        self.app = app
        self._clients = clients or Clients()
        self._class_of = (classes or RouteClasses({})).of
        self._same_origin = same_origin
        self._limits = limits
        self._admission = admission
        self._probe = probe
        self._log = log or RequestLog()
        self._tracing = tracing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = take_request_id(scope)
        kind = self._class_of(scope["method"], scope["path"])
        span = self._begin_span(scope, kind)
        structlog.contextvars.bind_contextvars(
            request_id=request_id, **(span.place.log_fields() if span else {})
        )
        failed: str | None = None
        client = self._clients.name(scope)
        scope.setdefault("state", {}).update(
            request_id=request_id, client=client, crowd=self._clients.is_shared_address(client)
        )
        answer = NamedAnswer(send, request_id)
        started = time.perf_counter()
        try:
            await self._serve(scope, receive, answer, kind)
        except ClientDisconnect:
            _log.info("client_gone", method=_method(scope), route=_route(scope))
        except asyncio.CancelledError:
            # Only a server that stops cancels a request.
            await answer.end(scope)
        except Exception as error:
            failed = type(error).__name__
            _log.exception("request_failed", method=_method(scope), route=_route(scope))
            if answer.status:
                raise
            await problem_response(scope, 500, UNEXPECTED)(scope, receive, answer.send)
        finally:
            took = time.perf_counter() - started
            method, route, status = _method(scope), _route(scope), answer.status or _GONE
            _timer(method, route, status).observe(took, EXEMPLARS.current())
            self._log.note(scope, method, route, status, took)
            if span:
                span.end(scope, _template(scope), answer.status, failed)

    def _begin_span(self, scope: Scope, kind: RouteClass) -> RequestSpan | None:
        if self._tracing is None or kind is RouteClass.FREE:
            return None
        return self._tracing.begin(scope)

    async def _serve(
        self, scope: Scope, receive: Receive, answer: NamedAnswer, kind: RouteClass
    ) -> None:
        if refusal := self._refusal(scope):
            await refusal(scope, receive, answer.send)
            return
        if kind is RouteClass.FREE and (probe := self._probed(scope)):
            await probe(scope, receive, answer.send)
            return
        if self._limits and (standing := await self._limits.count(kind, scope["state"]["client"])):
            answer.headers += standing_headers(standing)
            if not standing.allowed:
                refusal = failure_response(scope, TooManyRequestsError(retry_after=standing.reset))
                await refusal(scope, receive, answer.send)
                return
        slot = self._admission.slot(kind) if self._admission else None
        if self._admission is None or slot is None:
            await self.app(scope, receive, answer.send)
            return
        scope["state"].update(slot=slot, bodies=self._admission.bodies)
        try:
            await self.app(scope, receive, answer.send)
        finally:
            slot.give_back()

    def _refusal(self, scope: Scope) -> Response | None:
        if scope["query_string"].count(b"&") >= MOST_PARAMETERS:
            return problem_response(scope, 422, _MANY_PARAMETERS)
        if self._same_origin and not self._same_origin.allows(scope):
            return failure_response(scope, CrossOriginError())
        return None

    def _probed(self, scope: Scope) -> Response | None:
        if scope["method"] != "GET":
            return None
        answer = self._probe(scope["path"])
        if answer:
            # For the metrics: there is one route by that path.
            scope["route"] = _ProbeRoute(scope["path"])
        return answer


@dataclass(frozen=True, slots=True)
class _ProbeRoute:
    """Stands for the route of a probe, which was not looked for."""

    path: str


def _route(scope: Scope) -> str:
    return _template(scope) or "unknown"


def _template(scope: Scope) -> str | None:
    return getattr(scope.get("route"), "path", None)


def _method(scope: Scope) -> str:
    # A caller may send any word as its method: labels must stay few, and a word may be a secret.
    method: str = scope["method"]
    return method if method in _METHODS else "other"


@cache
def _timer(method: str, route: str, status: int) -> Histogram:
    return REQUESTS.labels(method, route, str(status))


def add_middleware(  # noqa: PLR0913 - what every request passes
    app: FastAPI,
    settings: Settings,
    health: Health,
    counter: RateCounter,
    classes: RouteClasses,
    *,
    tracing: Tracing | None = None,
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
        log=RequestLog(settings.log.reads),
        tracing=tracing,
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
