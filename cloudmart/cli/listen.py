"""Listening: the sockets, the servers behind them, and how their process ends."""

import asyncio
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog
from starlette.types import ASGIApp

from cloudmart.cli.server import Server, heeding_signals
from cloudmart.health.lifecycle import Lifecycle
from cloudmart.observability.exposition import metrics_app
from cloudmart.observability.termination import TERMINATION_LOG, write_last_words

_log = structlog.stdlib.get_logger(__name__)

Announce = Callable[[], None]
"""Says that the service is ready."""


class PortTakenError(Exception):
    """The process cannot listen where it was told to."""


@contextmanager
def bound(host: str, port: int, variable: str) -> Iterator[socket.socket]:
    """Give a socket that is bound for as long as the context lasts, or raise PortTakenError."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            raise PortTakenError(
                f"CloudMart cannot listen on {host}:{port}: {error.strerror}. Stop what listens "
                f"there, or set {variable} to another port."
            ) from error
        yield listener


def serve_until_end(  # noqa: PLR0913 - all that a server is
    app: ASGIApp,
    lifecycle: Lifecycle,
    main: socket.socket,
    metrics: socket.socket | None = None,
    *,
    grace: float,
    announce: Announce | None = None,
) -> None:
    """Serve an application, and the metrics beside it, until the lifecycle ends."""
    server = Server(app, lifecycle, grace=grace, announce=announce)
    with asyncio.Runner(loop_factory=server.config.get_loop_factory()) as runner:
        runner.run(_serve(server, lifecycle, main, metrics))


async def _serve(
    server: Server, lifecycle: Lifecycle, main: socket.socket, metrics: socket.socket | None
) -> None:
    until_then = Lifecycle()
    with heeding_signals(lifecycle, server):
        async with asyncio.TaskGroup() as group:
            if metrics:
                group.create_task(Server(metrics_app(), until_then).serve([metrics]))
            # The last requests are still measured, so the metrics' door is the last to close.
            await server.serve([main])
            until_then.end()


def exit_code(lifecycle: Lifecycle, termination_log: Path = TERMINATION_LOG) -> int:
    """Return the exit code of a process that has ended, and leave word if it failed."""
    failure = lifecycle.failure
    if failure is None:
        return 0
    sys.stderr.write(f"{failure.message.strip()}\n")
    write_last_words(failure.message, termination_log)
    return failure.code
