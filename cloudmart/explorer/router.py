"""`/`, `/api` and `/.well-known/api-catalog`: what there is."""

import json
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse
from pydantic import Field

from cloudmart.explorer.directory import Directory
from cloudmart.explorer.landing import landing_page
from cloudmart.health.router import Board
from cloudmart.http.accept import quality
from cloudmart.http.inject import provide
from cloudmart.values.model import Model

router = APIRouter(tags=["discovery"])
Operations = Annotated[Directory, Depends(provide(Directory))]

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


class OperationSummary(Model):
    """An operation in one line, with a body to try."""

    method: str = Field(description="The HTTP method, in capitals.")
    path: str = Field(description="The path; what is in braces is yours to fill in.")
    summary: str = Field(description="What it does.")
    body: Any = Field(None, description="A body to try; null where none is taken.")
    docs: str = Field(description="Its place in Swagger UI.")


class Index(Model):
    """Everything this API can do, and where to read more."""

    title: str = Field(description="What this API is called.")
    version: str = Field(description="The version of this API (Semantic Versioning).")
    docs: str = Field(description="Where Swagger UI is.")
    openapi: str = Field(description="Where the OpenAPI document is.")
    problems: str = Field(description="Where each kind of error is explained.")
    health: str = Field(description="How the service does.")
    operations: list[OperationSummary] = Field(description="All there are.")


@router.get("/", include_in_schema=False)
async def show_landing_page(request: Request, health: Board, directory: Operations) -> Response:
    accept = request.headers.get("accept", "")
    if quality(accept, "application/json") > quality(accept, "text/html"):
        index = await list_operations(request, directory)
        return JSONResponse(index.model_dump(mode="json"), headers={"Vary": "Accept"})
    page = landing_page()
    return HTMLResponse(page.render(health), headers=page.headers)


@router.get(
    "/api",
    summary="List all operations",
    description="Each with a body to try and its place in Swagger UI. `/` answers the same to who "
    "asks for JSON, and a page to a person.",
)
async def list_operations(request: Request, directory: Operations) -> Index:
    return Index(
        title=request.app.title,
        version=request.app.version,
        docs="/api/docs",
        openapi="/api/openapi.json",
        problems="/api/problems",
        health="/api/health",
        operations=[OperationSummary(**entry.listed()) for entry in directory.entries],
    )


@router.get(
    "/.well-known/api-catalog",
    summary="Find this API by machine (RFC 9727)",
    response_class=Response,
    responses={200: {"description": "A linkset (RFC 9264).", "content": {_CATALOG: {}}}},
)
async def get_api_catalog() -> Response:
    return Response(json.dumps(_LINKSET), media_type=_CATALOG)
