"""A fake Redis on loopback that speaks the wire protocol."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from fakeredis import TcpFakeServer

from tests.support.threaded_server import running


class _Server(TcpFakeServer):
    """A server whose queue of new connections is as long as that of a real Redis."""

    # The default of socketserver is five. A process opens more at once, and the sixth would wait 1
    # s.
    request_queue_size = 511


@contextmanager
def redis_server(port: int = 0) -> Iterator[str]:
    """Run a Redis while the context lasts, and return its URL."""
    server = _Server(("127.0.0.1", port), server_version=(7, 0))
    with running(server):
        yield f"redis://127.0.0.1:{server.server_address[1]}/0"


@contextmanager
def deaf_server() -> Iterator[str]:
    """Return the URL of a server that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"redis://127.0.0.1:{listener.getsockname()[1]}/0"
