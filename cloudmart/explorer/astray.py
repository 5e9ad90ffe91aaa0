"""A wrong address is answered with the nearest right ones."""

from collections.abc import Sequence

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException

from cloudmart.explorer.directory import Directory, Entry
from cloudmart.http.problem import problem, shown_path


def guide(app: FastAPI, directory: Directory) -> None:
    """Answer 404 and 405 of an app as problems that name the nearest operations."""

    async def not_found(request: Request, _: Exception) -> Response:
        nearest = directory.nearest(request.method, request.scope["path"])
        sentence = f"There is no {request.method} {shown_path(request.scope)!r}.{_guess(nearest)}"
        return problem(request.scope, 404, sentence, details=_details(nearest))

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


def _guess(nearest: Sequence[Entry]) -> str:
    if not nearest:
        return " GET /api lists what there is."
    return f" Did you mean {nearest[0].method} {nearest[0].path}?"


def _details(nearest: Sequence[Entry]) -> dict[str, object] | None:
    return {"nearest": [entry.listed() for entry in nearest]} if nearest else None
