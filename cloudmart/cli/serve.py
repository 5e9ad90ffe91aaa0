"""`cloudmart serve`: the production entry."""

import asyncio
import gc
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from cloudmart.app import create_app
from cloudmart.cli.command_settings import (
    DOTENV,
    EXIT_CONFIGURATION,
    exit_on_refusals,
    log_as_told,
    log_warnings,
)
from cloudmart.composition.middleware import NO_TELEMETRY, RequestContext
from cloudmart.composition.runtime import Runtime
from cloudmart.errors import UnavailableError
from cloudmart.health.background import background_task
from cloudmart.health.causes import DependencyError
from cloudmart.health.router import ProbeAnswers, router
from cloudmart.health.secrets_manager import SecretStore, SecretVersion
from cloudmart.health.startup import GaveUpError, give_up
from cloudmart.health.state import Health
from cloudmart.http import problem
from cloudmart.http.browser_security import ResponseHeaders
from cloudmart.observability.logging import TERMINATION_LOG, configure_logging, log_dropped_lines
from cloudmart.observability.standard_streams import stderr_that_never_blocks
from cloudmart.rates.route_class import RouteClasses
from cloudmart.server.listen import (
    EVERYWHERE,
    PortTakenError,
    allow_connections,
    bound_sockets,
    exit_code,
    serve_until_end,
)
from cloudmart.server.server import Server
from cloudmart.settings import Settings, load_settings
from cloudmart.settings.load import for_serving
from cloudmart.settings.report import Report, refusal

# Python's own (700, 10, 10) looks through all that the SDK keeps for good every few seconds of
# load, and stands still meanwhile: docs/decisions/garbage-collection.md.
_GARBAGE = (10_000, 10, 10)


class StartingApp:
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
        """Let the current application answer."""
        if scope["type"] == "lifespan":
            await self._anteroom(scope, receive, send)
        else:
            scope["state"] = {**scope.get("state", {}), **self._state}
            await self._app(scope, receive, send)

    def _build_anteroom(self) -> FastAPI:
        app = FastAPI(
            lifespan=self._lifespan,
            openapi_url=None,
            redirect_slashes=False,
            telemetry=NO_TELEMETRY,
        )
        classes = RouteClasses.of_routers([router])
        probes = ProbeAnswers(self._health)
        app.add_middleware(RequestContext, classes=classes, probe=probes.find)
        app.add_middleware(ResponseHeaders)
        problem.install_problem_handlers(app)
        app.add_exception_handler(404, self._wait)
        app.include_router(router)
        return app

    async def _wait(self, request: Request, _: Exception) -> Response:
        return problem.failure_response(
            request.scope, UnavailableError(self._health.lifecycle.waiting)
        )

    @asynccontextmanager
    async def _lifespan(self, _: FastAPI) -> AsyncIterator[None]:
        async with background_task(self._health.lifecycle, self._make_way()):
            yield

    async def _make_way(self) -> None:
        app = await self._prepare()
        if app is None:
            return
        async with app.router.lifespan_context(app) as state:
            self._state, self._app = state or {}, app
            await asyncio.Event().wait()


def serve() -> None:
    """Serve the API, configured by the environment."""
    with stderr_that_never_blocks(log_dropped_lines):
        configure_logging(json=not sys.stderr.isatty())
        raise SystemExit(run_server(os.environ, host=None))


def run_server(
    environ: Mapping[str, str],
    *,
    host: str | None,
    termination_log: Path = TERMINATION_LOG,
) -> int:
    """Serve as an environment says until told to stop, and return the exit code.

    Args:
        environ: The environment.
        host: The one address to listen at, whatever the environment says; None heeds that.
        termination_log: Where the kubelet looks for the reason of a failure.
    """
    gc.set_threshold(*_GARBAGE)
    allow_connections()
    loaded = load_settings(environ, dotenv=DOTENV)
    if loaded.settings.sources.secret_id is None:
        loaded = for_serving(loaded)
    settings = exit_on_refusals(loaded, termination_log)
    log_as_told(settings.log)
    health = Health()
    try:
        process = Runtime.begin(settings, health, environ)
    except DependencyError as obstacle:
        give_up(health, GaveUpError("a session with AWS", obstacle, 0))
        return exit_code(health.lifecycle, termination_log)
    lifecycle = health.lifecycle
    grace = settings.startup.shutdown_grace
    addresses = (host,) if host else settings.listen_address or EVERYWHERE
    try:
        with (
            bound_sockets(addresses, settings.port, "PORT") as main,
            bound_sockets(addresses, settings.metrics_port, "METRICS_PORT") as metrics,
        ):
            server = Server(_app(settings, process, loaded.report), lifecycle, grace=grace)
            serve_until_end(server, lifecycle, main, metrics)
    except PortTakenError as error:
        lifecycle.fail(str(error))
    return exit_code(lifecycle, termination_log)


def _app(settings: Settings, process: Runtime, report: Report) -> ASGIApp:
    secret = settings.sources.secret_id
    if secret is None:
        return create_app(settings, process=process)
    return StartingApp(process.health, lambda: _with_secret(secret, process, report))


async def _with_secret(secret_id: str, process: Runtime, before: Report) -> FastAPI | None:
    """Return the application, once the secret with the rest of its settings could be read."""
    store = SecretStore(process.session, secret_id, process.environ)
    try:
        secret = await process.patience.wait_for("the secret with the settings", store.read)
    except GaveUpError as error:
        give_up(process.health, error)
        return None
    loaded = for_serving(load_settings(process.environ, secret.text, dotenv=DOTENV))
    if loaded.report.refusals:
        process.health.lifecycle.fail(refusal(loaded.report.refusals), EXIT_CONFIGURATION)
        return None
    log_warnings(loaded.report, before)
    process.staleness.follow(SecretVersion(secret.version, store.newest))
    return create_app(loaded.settings, process=process)
