"""What answers while the settings are being fetched, and then makes way for the application."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from cloudmart.errors import UnavailableError
from cloudmart.health.background import in_background
from cloudmart.health.board import Health
from cloudmart.health.router import router
from cloudmart.http import problem
from cloudmart.http.browser import SecurityHeaders
from cloudmart.http.middleware import RequestContext


class Front:
    """Answers probes, and 503 to all else, until the application it prepares can answer.

    Both are behind the same socket and the same server: no connection is lost between them.
    """

    def __init__(self, health: Health, prepare: Callable[[], Awaitable[FastAPI | None]]) -> None:
        self._health = health
        self._prepare = prepare
        self._anteroom = self._build_anteroom()
        self._app: ASGIApp = self._anteroom
        self._state: Mapping[str, Any] = {"services": {Health: health}}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the one answer whose turn it is."""
        if scope["type"] == "lifespan":
            await self._anteroom(scope, receive, send)
        else:
            scope["state"] = {**scope.get("state", {}), **self._state}
            await self._app(scope, receive, send)

    def _build_anteroom(self) -> FastAPI:
        app = FastAPI(lifespan=self._lifespan, openapi_url=None, redirect_slashes=False)
        app.add_middleware(RequestContext)
        app.add_middleware(SecurityHeaders, https=False, vary=True)
        problem.install(app)
        app.add_exception_handler(404, self._wait)
        app.include_router(router)
        return app

    async def _wait(self, request: Request, _: Exception) -> Response:
        return problem.expected(request.scope, UnavailableError(self._health.lifecycle.waiting))

    @asynccontextmanager
    async def _lifespan(self, _: FastAPI) -> AsyncIterator[None]:
        async with in_background(self._health.lifecycle, self._make_way()):
            yield

    async def _make_way(self) -> None:
        app = await self._prepare()
        if app is None:
            return
        async with app.router.lifespan_context(app) as state:
            self._state, self._app = state or {}, app
            await asyncio.Event().wait()
