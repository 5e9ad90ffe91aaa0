"""Listening: the sockets, the servers behind them, and how their process ends."""

import asyncio
import resource
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog
from starlette.types import ASGIApp

from cloudmart.cli.protocol import MOST_CONNECTIONS, BoundedProtocol
from cloudmart.cli.server import Server, heeding_signals
from cloudmart.health.lifecycle import Lifecycle
from cloudmart.observability.exposition import metrics_app
from cloudmart.observability.termination import TERMINATION_LOG, write_last_words

_log = structlog.stdlib.get_logger(__name__)

# Connections to what the service depends on, sockets that listen, files that are read.
_OTHER_FILES = 500

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


def allow_connections() -> None:
    """Let the process open as many files as it has connections, as far as it may.

    What a shell allows it is often a thousand.
    """
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_CONNECTIONS + _OTHER_FILES
    enough = wanted if most == resource.RLIM_INFINITY else min(wanted, most)
    resource.setrlimit(resource.RLIMIT_NOFILE, (enough, most))
    BoundedProtocol.most_connections = max(1, enough - _OTHER_FILES)


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
