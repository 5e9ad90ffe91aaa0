"""Listening: the sockets, the servers behind them, and how their process ends."""

import asyncio
import errno
import resource
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from cloudmart.health.state import Lifecycle
from cloudmart.observability.exposition import metrics_app
from cloudmart.observability.logging import TERMINATION_LOG, write_termination_message
from cloudmart.server.protocol import MOST_CONNECTIONS, BoundedProtocol
from cloudmart.server.server import Server, handle_signals

# What the kernel says where IPv6 is not built in, is turned off, or has no such address.
_NO_IPV6 = frozenset((errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL, errno.EPROTONOSUPPORT))

# Connections to what the service depends on, sockets that listen, files that are read.
_OTHER_FILES = 500

EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - a pod is reached from outside
"""All addresses of the machine, of both families."""

LOOPBACK = ("127.0.0.1", "::1")


class MetricsProtocol(BoundedProtocol):
    """The protocol of the metrics' port: its few readers must leave files for the shop."""

    most_connections = 100


MakeSocket = Callable[[socket.AddressFamily, socket.SocketKind], socket.socket]


class PortTakenError(Exception):
    """The process cannot listen on the given address."""


class CannotListenError(OSError):
    """An address cannot be listened at."""

    def __init__(self, address: str, error: OSError) -> None:
        super().__init__(error.errno, error.strerror)
        self.address = address


def bind_all(
    addresses: Sequence[str], port: int, make_socket: MakeSocket = socket.socket
) -> list[socket.socket]:
    """Return a socket for each address, all with one port, or raise CannotListenError.

    Where a machine has no IPv6, its addresses are left out beside others.
    """
    with ExitStack() as undo:
        listeners: list[socket.socket] = []
        for address in addresses:
            try:
                listener = undo.enter_context(_bind(address, port, make_socket))
            except OSError as error:
                if error.errno in _NO_IPV6 and _is_ipv6(address) and len(addresses) > 1:
                    continue
                raise CannotListenError(address, error) from error
            # 0 is any that is free; the next is to have the same.
            port = listener.getsockname()[1]
            listeners.append(listener)
        undo.pop_all()
    return listeners


@contextmanager
def bound_sockets(
    addresses: Sequence[str], port: int, variable: str
) -> Iterator[list[socket.socket]]:
    """Give sockets that are bound while the context lasts, or raise PortTakenError."""
    try:
        listeners = bind_all(addresses, port)
    except CannotListenError as error:
        host = f"[{error.address}]" if _is_ipv6(error.address) else error.address
        remedy = f"Stop what listens there, or set {variable} to another port."
        if error.errno in _NO_IPV6:
            remedy = "Set LISTEN_ADDRESS to addresses that this machine has, or leave it out."
        raise PortTakenError(
            f"CloudMart cannot listen on {host}:{port}: {error.strerror}. {remedy}"
        ) from error
    with ExitStack() as stack:
        for listener in listeners:
            stack.enter_context(listener)
        yield listeners


def _bind(address: str, port: int, make_socket: MakeSocket) -> socket.socket:
    numeric = socket.AI_NUMERICHOST | socket.AI_PASSIVE
    ((family, kind, _, _, name), *_) = socket.getaddrinfo(
        address, port, type=socket.SOCK_STREAM, flags=numeric
    )
    listener = make_socket(family, kind)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            # IPv4 has a socket of its own, whose clients need no `::ffff:` before their address.
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind(name)
    except OSError:
        listener.close()
        raise
    return listener


def _is_ipv6(address: str) -> bool:
    return ":" in address


def allow_connections() -> None:
    """Let the process open as many files as it has connections, as far as it may.

    What a shell allows it is often a thousand.
    """
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_CONNECTIONS + _OTHER_FILES
    enough = wanted if most == resource.RLIM_INFINITY else min(wanted, most)
    resource.setrlimit(resource.RLIMIT_NOFILE, (enough, most))
    BoundedProtocol.most_connections = max(1, enough - _OTHER_FILES)


def serve_until_end(
    server: Server,
    lifecycle: Lifecycle,
    main: Sequence[socket.socket],
    metrics: Sequence[socket.socket] = (),
) -> None:
    """Let a server serve, and the metrics beside it, until the lifecycle ends."""
    with asyncio.Runner(loop_factory=server.config.get_loop_factory()) as runner:
        runner.run(_serve(server, lifecycle, main, metrics))


async def _serve(
    server: Server,
    lifecycle: Lifecycle,
    main: Sequence[socket.socket],
    metrics: Sequence[socket.socket],
) -> None:
    until_then = Lifecycle()
    with handle_signals(lifecycle, server):
        async with asyncio.TaskGroup() as group:
            if metrics:
                beside = Server(metrics_app(), until_then, protocol=MetricsProtocol)
                group.create_task(beside.serve([*metrics]))
            # The last requests are still measured, so the metrics' door is the last to close.
            await server.serve([*main])
            until_then.end()


def exit_code(lifecycle: Lifecycle, termination_log: Path = TERMINATION_LOG) -> int:
    """Return the exit code of a process that has ended, and leave word if it failed."""
    failure = lifecycle.failure
    if failure is None:
        return 0
    sys.stderr.write(f"{failure.message.strip()}\n")
    write_termination_message(failure.message, termination_log)
    return failure.code
