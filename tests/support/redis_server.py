"""A Redis on loopback, as its clients meet it on the wire."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from fakeredis import TcpFakeServer


class _Server(TcpFakeServer):
    """A Redis whose queue of new connections is as long as a real one's."""

    # socketserver's five are fewer than a process opens at once: the sixth waits a second.
    request_queue_size = 511


@contextmanager
def redis_server(port: int = 0) -> Iterator[str]:
    """Run a Redis for as long as the context lasts, and give its URL."""
    server = _Server(("127.0.0.1", port), server_version=(7, 0))
    thread = threading.Thread(target=server.serve_forever, args=[0.02])
    thread.start()
    try:
        yield f"redis://127.0.0.1:{server.server_address[1]}/0"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def deaf_server() -> Iterator[str]:
    """Give the URL of something that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"redis://127.0.0.1:{listener.getsockname()[1]}/0"
