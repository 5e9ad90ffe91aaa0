"""`cloudmart serve`: the production entry."""

import gc
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from fastapi import FastAPI
from starlette.types import ASGIApp

from cloudmart.app import create_app
from cloudmart.cli.configured import DOTENV, EXIT_CONFIGURATION, accepted, warn
from cloudmart.cli.front import Front
from cloudmart.cli.listen import (
    EVERYWHERE,
    PortTakenError,
    allow_connections,
    bound,
    exit_code,
    serve_until_end,
)
from cloudmart.health.board import Health
from cloudmart.health.causes import ObstacleError
from cloudmart.health.patience import GaveUpError
from cloudmart.health.process import Process
from cloudmart.health.secret import SecretStore, SecretVersion
from cloudmart.health.startup import give_up
from cloudmart.observability.logging import configure_logging, tell_dropped
from cloudmart.observability.standard_streams import stderr_that_never_blocks
from cloudmart.observability.termination import TERMINATION_LOG
from cloudmart.settings import Settings, load_settings
from cloudmart.settings.refusal import refusal
from cloudmart.settings.serving import for_serving

# Python's own (700, 10, 10) looks through all that the SDK keeps for good every few seconds of
# load, and stands still meanwhile: docs/decisions/garbage-collection.md.
_GARBAGE = (10_000, 10, 10)


def serve() -> None:
    """Serve the API, configured by the environment."""
    with stderr_that_never_blocks(tell_dropped):
        configure_logging(json=not sys.stderr.isatty())
        raise SystemExit(run(os.environ, host=None))


def run(
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
    settings = accepted(loaded, termination_log)
    health = Health()
    try:
        process = Process.begin(settings, health, environ)
    except ObstacleError as obstacle:
        give_up(health, GaveUpError("a session with AWS", obstacle, 0))
        return exit_code(health.lifecycle, termination_log)
    lifecycle = health.lifecycle
    grace = settings.startup.shutdown_grace
    addresses = (host,) if host else settings.listen_address or EVERYWHERE
    try:
        with (
            bound(addresses, settings.port, "PORT") as main,
            bound(addresses, settings.metrics_port, "METRICS_PORT") as metrics,
        ):
            serve_until_end(_app(settings, process), lifecycle, main, metrics, grace=grace)
    except PortTakenError as error:
        lifecycle.fail(str(error))
    return exit_code(lifecycle, termination_log)


def _app(settings: Settings, process: Process) -> ASGIApp:
    secret = settings.sources.secret_id
    if secret is None:
        return create_app(settings, process=process)
    return Front(process.health, lambda: _with_secret(secret, process))


async def _with_secret(secret_id: str, process: Process) -> FastAPI | None:
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
    warn(loaded.report)
    process.staleness.follow(SecretVersion(secret.version, store.newest))
    return create_app(loaded.settings, process=process)
