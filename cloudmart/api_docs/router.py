"""`/`, `/api` and `/.well-known/api-catalog`: what there is; `/api/problems`: what goes wrong."""

import base64
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Annotated, Any

import jinja2
from fastapi import Depends, Path, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse
from pydantic import Field

from cloudmart import errors
from cloudmart.api_docs.operations import OperationList
from cloudmart.errors import CloudmartError, NotFoundError
from cloudmart.health.router import Board
from cloudmart.health.state import Dependency, DependencyReading, Health, Status
from cloudmart.http.dependencies import accept_quality, provide
from cloudmart.http.problem import CODES, TYPES, may_fail, problem_title
from cloudmart.rates.route_class import ClassifiedRouter, RouteClass
from cloudmart.values.model import Model

_STATES = {
    Status.PASS: ("good", "Works"),
    Status.WARN: ("odd", "Needs a look"),
    Status.FAIL: ("bad", "Fails"),
}

# References are relative to the catalogue itself, so they hold behind any name.
_LINKSET = {
    "linkset": [
        {
            "anchor": "/api",
            "service-desc": [
                {"href": "/api/openapi.json", "type": "application/vnd.oai.openapi+json"}
            ],
            "service-doc": [{"href": "/api/docs", "type": "text/html"}],
            "service-meta": [{"href": "/api", "type": "application/json"}],
            "status": [{"href": "/api/health", "type": "application/health+json"}],
        }
    ]
}
_CATALOG = 'application/linkset+json; profile="https://www.rfc-editor.org/info/rfc9727"'


@dataclass(frozen=True, slots=True)
class LandingPageLine:
    """A dependency in a row of the page: its state, and the details."""

    name: str
    mark: str
    state: str
    words: str


class LandingPage:
    """A page that needs nothing else: its style is in it, and scripts are not allowed."""

    def __init__(self) -> None:
        folder = files(__package__) / "templates"
        self._style = (folder / "landing.css").read_text("utf-8")
        self._template = jinja2.Environment(
            autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
        ).from_string((folder / "landing.html").read_text("utf-8"))
        digest = base64.b64encode(hashlib.sha256(self._style.encode()).digest()).decode()
        self.headers = {
            "Cache-Control": "no-store",
            "Content-Security-Policy": (
                f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; "
                "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
            ),
            "Referrer-Policy": "no-referrer",
            "Vary": "Accept",
            "X-Content-Type-Options": "nosniff",
        }

    def render(self, health: Health) -> str:
        """Return the page as things are now."""
        mark, sentence = _whole(health)
        return self._template.render(
            style=self._style,
            release=health.release,
            mark=mark,
            sentence=sentence,
            lines=list(_lines(health)),
        )


@cache
def landing_page() -> LandingPage:
    """Return the page, read when it is first asked for."""
    return LandingPage()


def _whole(health: Health) -> tuple[str, str]:
    if unready := health.unready():
        return "bad", unready
    if all(reading.status is Status.PASS for _, reading in health.readings()):
        return "good", "All is well: the shop is open."
    return "odd", "The shop is open, but something below needs attention."


def _lines(health: Health) -> Iterator[LandingPageLine]:
    for dependency, reading in health.readings():
        mark, state = _state(reading)
        yield LandingPageLine(dependency.title, mark, state, _words(health, dependency, reading))


def _state(reading: DependencyReading) -> tuple[str, str]:
    if reading.status is Status.PASS and reading.output:
        return "off", "Off" if reading.off else "Not used"
    return _STATES[reading.status]


def _words(health: Health, dependency: Dependency, reading: DependencyReading) -> str:
    if not reading.output:
        return ""
    routes = ", ".join(health.affected(dependency))
    affected = f" Affected: {routes}." if routes else ""
    return f"{reading.output}{affected}"


router = ClassifiedRouter(counts_as=RouteClass.FREE, tags=["discovery"])
Operations = Annotated[OperationList, Depends(provide(OperationList))]


class OperationSummary(Model):
    """An operation in one line, with a body to try."""

    method: str = Field(description="The HTTP method, in capitals.")
    path: str = Field(description="The path; fill in what is in braces.")
    summary: str = Field(description="What it does.")
    body: Any = Field(None, description="An example body; null if the operation takes none.")
    docs: str = Field(description="Its place in Swagger UI.")


class Index(Model):
    """Everything this API can do, and where to read more."""

    title: str = Field(description="The name of this API.")
    version: str = Field(description="The version of this API (Semantic Versioning).")
    docs: str = Field(description="Where Swagger UI is.")
    openapi: str = Field(description="Where the OpenAPI document is.")
    problems: str = Field(description="Where each kind of error is explained.")
    health: str = Field(description="The service's health.")
    operations: list[OperationSummary] = Field(description="All operations.")


@router.get("/", include_in_schema=False)
async def show_landing_page(request: Request, health: Board, operations: Operations) -> Response:
    accept = request.headers.get("accept", "")
    if accept_quality(accept, "application/json") > accept_quality(accept, "text/html"):
        index = await list_operations(request, operations)
        return JSONResponse(index.model_dump(mode="json"), headers={"Vary": "Accept"})
    page = landing_page()
    return HTMLResponse(page.render(health), headers=page.headers)


@router.get(
    "/api",
    summary="List all operations",
    description=(
        "Each has an example body and a link to its place in Swagger UI. `/` answers a client that "
        "asks for JSON with the same list, and a browser with a page."
    ),
)
async def list_operations(request: Request, operations: Operations) -> Index:
    return Index(
        title=request.app.title,
        version=request.app.version,
        docs="/api/docs",
        openapi="/api/openapi.json",
        problems="/api/problems",
        health="/api/health",
        operations=[OperationSummary(**entry.listed()) for entry in operations.entries],
    )


@router.get(
    "/.well-known/api-catalog",
    summary="Get the API catalog, for programs (RFC 9727)",
    response_class=Response,
    responses={200: {"description": "A linkset (RFC 9264).", "content": {_CATALOG: {}}}},
)
async def get_api_catalog() -> Response:
    return Response(json.dumps(_LINKSET), media_type=_CATALOG)


problems = ClassifiedRouter(prefix=TYPES, tags=["problems"])


class ProblemKind(Model):
    """A kind of problem."""

    type: str = Field(description="As a problem's `type` names it.")
    title: str = Field(description="The kind in a few words.")
    status: int = Field(description="The HTTP status it comes with.")
    explanation: str = Field(description="When it is answered.")


def _kinds() -> dict[str, ProblemKind]:
    described = {code: (status, explanation) for status, (code, explanation, _) in CODES.items()}
    for error in vars(errors).values():
        if isinstance(error, type) and issubclass(error, CloudmartError) and hasattr(error, "code"):
            described.setdefault(error.code, (int(error.status), (error.__doc__ or "").strip()))
    return {
        code: ProblemKind(
            type=f"{TYPES}/{code}",
            title=problem_title(code),
            status=status,
            explanation=explanation,
        )
        for code, (status, explanation) in sorted(described.items())
    }


KINDS = _kinds()
Code = Annotated[
    str,
    Path(
        max_length=100,
        description="The end of a problem's `type`.",
        openapi_examples={"price": {"value": "price-changed"}},
    ),
]


@problems.get("", summary="List the kinds of problems")
async def list_problem_kinds() -> list[ProblemKind]:
    return list(KINDS.values())


@problems.get("/{code}", summary="Explain a kind of problem", responses=may_fail(NotFoundError))
async def explain_problem(code: Code) -> ProblemKind:
    if code not in KINDS:
        raise NotFoundError("Problem", code)
    return KINDS[code]
