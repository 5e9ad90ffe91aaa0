"""`/api/config.js`: what a page that is built once may learn where it is run."""

import json
from hashlib import sha256

from fastapi import FastAPI, Request, Response, status

PATH = "/api/config.js"


def add_config(app: FastAPI, base: str | None) -> None:
    """Serve a script that sets `window.__CLOUDMART__`.

    Args:
        app: The application.
        base: The shop's address, with no slash at its end; None: that of the page.
    """
    body = script(base)
    # A page asks each time, and is told at once when a roll-out changed the address.
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
    app.add_api_route(PATH, config, include_in_schema=False)


def script(base: str | None) -> bytes:
    """Return the script; it may stand in a page as well as in a file."""
    told = {"publicBaseUrl": base, "apiBaseUrl": f"{base or ''}/api"}
    # All else that could end a script or a string of it is no ASCII, which JSON escapes.
    literal = json.dumps(told).replace("<", r"\u003c")
    return f"window.__CLOUDMART__ = Object.freeze({literal});\n".encode()
