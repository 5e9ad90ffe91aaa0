"""`/health`, `/ready`, `/startupz`: what Kubernetes, load balancers and people ask."""

from collections.abc import Iterable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response, status
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute

from cloudmart.health import report
from cloudmart.health.report import MEDIA_TYPE, STARTING, WELL, HealthReport, ProbeAnswer
from cloudmart.health.state import Health
from cloudmart.http.dependencies import provide
from cloudmart.rates.route_class import ClassifiedRouter, RouteClass

router = ClassifiedRouter(counts_as=RouteClass.FREE, tags=["health"])
Board = Annotated[Health, Depends(provide(Health))]

_GOOD: dict[int | str, dict[str, Any]] = {
    200: {"description": "The service's health.", "content": {MEDIA_TYPE: {"example": WELL}}}
}
_MAY_BE_503 = _GOOD | {
    503: {
        "model": HealthReport,
        "description": "Not ready: `output` says why.",
        "content": {MEDIA_TYPE: {"example": STARTING}},
    }
}

_PROBES = {
    "/health": report.alive,
    "/livez": report.alive,
    "/api/health": report.alive,
    "/ready": report.ready,
    "/readyz": report.ready,
    "/startupz": report.started,
}
"""What each path answers."""

PROBE_PATHS = frozenset(_PROBES)


class HealthResponse(JSONResponse):
    """A report, written by its own model."""

    media_type = MEDIA_TYPE

    def render(self, content: HealthReport) -> bytes:
        """Return the body."""
        return content.model_dump_json(exclude_none=True).encode()


class ProbeAnswers:
    """The answers to probes: each is written again when something changed, else once a second.

    Load balancers and kubelets ask often, and most answers equal the last one.
    """

    def __init__(self, health: Health) -> None:
        self._health = health
        self._written: dict[str, Response] = {}
        self._of: object = None

    def find(self, path: str) -> Response | None:
        """Return the answer of a probe's path; None where the path is no probe's."""
        if path not in _PROBES:
            return None
        # Readings grow old by themselves, so an answer is good for its second only.
        now = (int(self._health.rhythm.now().timestamp()), self._health.state())
        if now != self._of:
            self._of = now
            self._written.clear()
        answer = self._written.get(path)
        if answer is None:
            answer = self._written[path] = _respond(_PROBES[path](self._health))
        return answer


def affected_paths(routers: Iterable[APIRouter]) -> dict[str, str]:
    """Return what health calls the path of each operation, by its id, and of each router's tag.

    A router is called by its prefix where a route has that path, else by a template (RFC 6570).
    """
    paths: dict[str, str] = {}
    for each in routers:
        own = {
            route.name: route.path
            for route in each.routes
            if isinstance(route, APIRoute) and route.include_in_schema
        }
        whole = each.prefix if each.prefix in own.values() else f"{each.prefix}/{{+path}}"
        paths |= own | {str(tag): whole for tag in each.tags if each.prefix}
    return paths


def _respond(answer: ProbeAnswer) -> Response:
    code = status.HTTP_200_OK if answer.good else status.HTTP_503_SERVICE_UNAVAILABLE
    return HealthResponse(answer.report, code, {"Cache-Control": "no-store"})


@router.get("/livez", include_in_schema=False)
@router.get("/api/health", include_in_schema=False)
@router.get(
    "/health",
    summary="Check that the process is alive",
    description=(
        "200 as long as the process can answer, even if its dependencies fail. The body shows "
        "their health. Also at `/livez` and `/api/health`."
    ),
    response_class=HealthResponse,
    response_model=HealthReport,
    responses=_GOOD,
)
async def tell_health(health: Board) -> Response:
    return _respond(report.alive(health))


@router.get("/readyz", include_in_schema=False)
@router.get(
    "/ready",
    summary="Check whether this pod should get requests",
    description="503 until credentials and tables have worked once, while the pod stops, and when "
    "its own credentials have expired. An outage that all pods share does not make it unready. "
    "Also at `/readyz`.",
    response_class=HealthResponse,
    response_model=HealthReport,
    responses=_MAY_BE_503,
)
async def tell_readiness(health: Board) -> Response:
    return _respond(report.ready(health))


@router.get(
    "/startupz",
    summary="Check whether the start is done",
    description="503 until credentials and tables have worked once, then always 200.",
    response_class=HealthResponse,
    response_model=HealthReport,
    responses=_MAY_BE_503,
)
async def tell_startup(health: Board) -> Response:
    return _respond(report.started(health))
