"""Swagger UI from our own origin: no CDN, no inline script."""

from collections.abc import Awaitable, Callable

from starlette.responses import HTMLResponse, RedirectResponse, Response

from cloudmart.explorer.assets import ASSETS, Asset
from cloudmart.explorer.document import DocumentedApp

# The load balancer forwards only `/api`; a person at home tries `/docs`.
PREFIXES = ("", "/api")

ALIASES = ("/docs/", "/redoc", "/swagger")
"""What people try first, from other services: they are led to `/docs`."""

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


def add_pages(app: DocumentedApp, public_base_url: str | None) -> None:
    """Serve the document and its pages, at the root and below `/api`."""
    connect = f"'self' {public_base_url}" if public_base_url else "'self'"
    headers = {name: value.format(connect=connect) for name, value in _CSP.items()}

    async def swagger() -> HTMLResponse:
        return HTMLResponse(_SWAGGER, headers=headers)

    async def document() -> Response:
        return Response(app.document_bytes, media_type="application/json")

    assets = {name: Asset(name) for name in ASSETS}
    for prefix in PREFIXES:
        for name, asset in assets.items():
            path = f"{prefix}/docs/assets/{name}"
            app.add_api_route(path, asset.serve, include_in_schema=False)
        app.add_api_route(f"{prefix}/openapi.json", document, include_in_schema=False)
        app.add_api_route(f"{prefix}/docs", swagger, include_in_schema=False)
        for alias in ALIASES:
            lead = _leading_to(f"{prefix}/docs")
            app.add_api_route(f"{prefix}{alias}", lead, include_in_schema=False)


def _leading_to(path: str) -> Callable[[], Awaitable[Response]]:
    async def lead() -> Response:
        return RedirectResponse(path, 308)

    return lead
