"""A server of the standard library, which a test runs beside itself."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import BaseServer

_LOOK = 0.05
"""Seconds after which a server notices that it is to end."""


@contextmanager
def running(server: BaseServer) -> Iterator[None]:
    """Let a server answer in a thread of its own while the context lasts."""
    thread = threading.Thread(target=server.serve_forever, args=[_LOOK], daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
