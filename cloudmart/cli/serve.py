"""`cloudmart serve`: the production entry."""

import gc
import os
import sys

import uvicorn

from cloudmart.app import create_app
from cloudmart.cli.configured import configured
from cloudmart.observability.logging import configure_logging
from cloudmart.settings import Settings

# Python's own (700, 10, 10) looks through all that the SDK keeps for good every few seconds of
# load, and stands still meanwhile: docs/decisions/garbage-collection.md.
_GARBAGE = (10_000, 10, 10)


def serve() -> None:
    """Serve the API, configured by the environment."""
    configure_logging(json=not sys.stderr.isatty())
    settings = configured(os.environ)
    listen(settings, host="0.0.0.0")  # noqa: S104 - a pod is reached from outside


def listen(settings: Settings, *, host: str) -> None:
    """Serve the API until the process is told to stop."""
    gc.set_threshold(*_GARBAGE)
    config = uvicorn.Config(
        create_app(settings),
        host=host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        # Longer than a load balancer keeps an idle connection (60 s), or it meets a closed one.
        timeout_keep_alive=75,
    )
    uvicorn.Server(config).run()
