"""`/api` and `/.well-known/api-catalog`: what there is."""

import json
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from cloudmart.explorer.directory import Directory
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

    method: str
    path: str
    summary: str
    body: Any = None
    docs: str


class Index(Model):
    """Everything this API can do, and where to read more."""

    title: str
    version: str
    docs: str
    openapi: str
    problems: str
    health: str
    operations: list[OperationSummary]


@router.get("/api", summary="List all operations")
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
