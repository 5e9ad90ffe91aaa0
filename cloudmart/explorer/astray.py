"""A wrong address is answered with the nearest right ones."""

from collections.abc import Sequence
from html import escape

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse
from starlette.exceptions import HTTPException

from cloudmart.explorer.directory import Directory, Entry
from cloudmart.http.accept import quality
from cloudmart.http.problem import problem, shown_path

_CSP = (
    "default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Not found: CloudMart API</title>
<link rel="icon" href="data:,">
</head>
<body>
<h1>Not found</h1>
<p>{sentence}</p>
{guess}
<p><a href="/api/docs">All there is, in Swagger UI</a></p>
</body>
</html>
"""


def guide(app: FastAPI, directory: Directory) -> None:
    """Answer 404 and 405 of an app as problems that name the nearest operations."""

    async def not_found(request: Request, _: Exception) -> Response:
        nearest = directory.nearest(request.method, request.scope["path"])
        sentence = f"There is no {request.method} {shown_path(request.scope)!r}."
        if _is_for_a_person(request):
            return page(sentence, nearest)
        told = f"{sentence}{_guess(nearest)}"
        return problem(request.scope, 404, told, details=_details(nearest))

    async def not_allowed(request: Request, error: Exception) -> Response:
        path = request.scope["path"]
        methods = directory.methods(path)
        if not methods and isinstance(error, HTTPException):
            methods = [(error.headers or {}).get("Allow", "GET")]
        nearest = directory.nearest(request.method, path)
        sentence = f"{shown_path(request.scope)!r} does not take {request.method}.{_guess(nearest)}"
        # What answers GET answers HEAD.
        allow = {"Allow": ", ".join(["HEAD"] * ("GET" in methods) + methods)}
        return problem(request.scope, 405, sentence, details=_details(nearest), headers=allow)

    app.add_exception_handler(404, not_found)
    app.add_exception_handler(405, not_allowed)


def page(sentence: str, nearest: Sequence[Entry]) -> Response:
    """Return the answer to a wrong address for a person with a browser."""
    guess = ""
    if nearest:
        entry = nearest[0]
        guess = (
            f'<p>Did you mean <a href="{escape(entry.docs)}">{entry.method} {entry.path}</a>?</p>'
        )
    content = _PAGE.format(sentence=escape(sentence), guess=guess)
    return HTMLResponse(content, 404, {"Content-Security-Policy": _CSP, "Vary": "Accept"})


def _is_for_a_person(request: Request) -> bool:
    accept = request.headers.get("accept", "")
    wanted = quality(accept, "text/html")
    others = ("application/json", "application/problem+json", "application/*")
    return request.method in {"GET", "HEAD"} and wanted > max(
        quality(accept, each) for each in others
    )


def _guess(nearest: Sequence[Entry]) -> str:
    if not nearest:
        return " GET /api lists what there is."
    return f" Did you mean {nearest[0].method} {nearest[0].path}?"


def _details(nearest: Sequence[Entry]) -> dict[str, object] | None:
    return {"nearest": [entry.listed() for entry in nearest]} if nearest else None
