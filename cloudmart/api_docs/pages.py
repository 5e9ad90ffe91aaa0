"""Swagger UI from our own origin: no CDN, no inline script."""

import asyncio
import gzip
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files

from fastapi import Request, Response, status
from starlette.responses import HTMLResponse, RedirectResponse

from cloudmart.api_docs.document import DocumentedApp
from cloudmart.http.dependencies import accept_quality
from cloudmart.rates.route_class import ClassifiedRouter, RouteClass

PATH = "/api/config.js"

ASSETS = {
    "swagger-ui-bundle.js": ("fastapi_offline", "static", "text/javascript"),
    "swagger-ui.css": ("fastapi_offline", "static", "text/css"),
    "favicon.png": ("fastapi_offline", "static", "image/png"),
    "start-swagger.js": (__package__, "assets", "text/javascript"),
}
"""By name: the package and folder it is in, and its media type."""

# The load balancer forwards only `/api`; a person at home tries `/docs`.
PREFIXES = ("", "/api")
ALIASES = (
    *("/docs/", "/redoc", "/swagger", "/swagger/"),
    *("/swagger-ui", "/swagger-ui.html", "/swagger-ui/index.html", "/api-docs"),
)
"""Addresses that people know from other services; they redirect to `/docs`."""

_CSP = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; "
        "style-src 'self'; img-src 'self' data:; font-src 'self' data:; "
        "connect-src {connect}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
# Addresses are relative, so that each page finds its own prefix's document and assets.
_SWAGGER = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>CloudMart API</title>
<link rel="icon" href="docs/assets/favicon.png">
<link rel="stylesheet" href="docs/assets/swagger-ui.css">
</head>
<body>
<div id="swagger-ui" data-document="openapi.json"></div>
<script src="docs/assets/swagger-ui-bundle.js"></script>
<script src="docs/assets/start-swagger.js"></script>
</body>
</html>
"""


def config_router(base: str | None) -> ClassifiedRouter:
    """Return the route of a script that sets `window.__CLOUDMART__`.

    Args:
        base: The shop's address, with no slash at its end; None: that of the page.
    """
    body = config_script(base)
    # A page asks each time, and sees at once that a roll-out changed the address.
    headers = {
        "Cache-Control": "no-cache",
        "ETag": f'"{sha256(body).hexdigest()[:16]}"',
    }

    async def config(request: Request) -> Response:
        known = request.headers.get("if-none-match", "")
        if headers["ETag"] in known or known == "*":
            return Response(None, status.HTTP_304_NOT_MODIFIED, headers)
        return Response(body, headers=headers, media_type="text/javascript")

    # Not in the document: it is loaded by a page, not called by a client.
    router = _pages_router()
    router.add_api_route(PATH, config)
    return router


def config_script(base: str | None) -> bytes:
    """Return the script; it may stand in a page as well as in a file."""
    told = {"publicBaseUrl": base, "apiBaseUrl": f"{base or ''}/api"}
    # All else that could end a script or a string of it is no ASCII, which JSON escapes.
    literal = json.dumps(told).replace("<", r"\u003c")
    return f"window.__CLOUDMART__ = Object.freeze({literal});\n".encode()


@dataclass(frozen=True, slots=True)
class _Content:
    plain: bytes
    compressed: bytes
    version: str


class Asset:
    """One file. A page asks each time whether it has changed; if not, nothing is sent."""

    def __init__(self, name: str) -> None:
        package, folder, self._media_type = ASSETS[name]
        self._file = files(package) / folder / name
        self._content: _Content | None = None
        self._reading = asyncio.Lock()

    async def serve(self, request: Request) -> Response:
        """Answer the file, compressed for clients that take it so."""
        content = self._content or await self._read()
        headers = {
            "Cache-Control": "no-cache",
            "ETag": content.version,
            "Vary": "Accept-Encoding",
        }
        if content.version in request.headers.get("if-none-match", ""):
            return Response(None, status.HTTP_304_NOT_MODIFIED, headers)
        body = content.plain
        if accept_quality(request.headers.get("accept-encoding", ""), "gzip") > 0:
            body, headers["Content-Encoding"] = content.compressed, "gzip"
        return Response(body, headers=headers, media_type=self._media_type)

    async def _read(self) -> _Content:
        async with self._reading:
            if self._content is None:
                # To compress the largest takes 50 ms, for which a thread needs no one's patience.
                self._content = await asyncio.to_thread(self._compress)
            return self._content

    def _compress(self) -> _Content:
        plain = self._file.read_bytes()
        version = f'W/"{sha256(plain).hexdigest()[:16]}"'
        return _Content(plain, gzip.compress(plain, mtime=0), version)


def pages_router(app: DocumentedApp, public_base_url: str | None) -> ClassifiedRouter:
    """Return the routes of the document and its pages, at the root and below `/api`."""
    connect = f"'self' {public_base_url}" if public_base_url else "'self'"
    headers = {name: value.format(connect=connect) for name, value in _CSP.items()}

    async def swagger() -> HTMLResponse:
        return HTMLResponse(_SWAGGER, headers=headers)

    async def document() -> Response:
        return Response(app.document_bytes, media_type="application/json")

    router = _pages_router()
    assets = {name: Asset(name) for name in ASSETS}
    for prefix in PREFIXES:
        for name, asset in assets.items():
            path = f"{prefix}/docs/assets/{name}"
            router.add_api_route(path, asset.serve)
        router.add_api_route(f"{prefix}/openapi.json", document)
        router.add_api_route(f"{prefix}/docs", swagger)
        for alias in ALIASES:
            lead = _leading_to(f"{prefix}/docs")
            router.add_api_route(f"{prefix}{alias}", lead)
    return router


def _pages_router() -> ClassifiedRouter:
    return ClassifiedRouter(counts_as=RouteClass.FREE, include_in_schema=False)


def _leading_to(path: str) -> Callable[[], Awaitable[Response]]:
    async def lead() -> Response:
        return RedirectResponse(path, 308)

    return lead
