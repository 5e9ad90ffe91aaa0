"""The application on a real server, for clients on a network."""

import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from cloudmart.app import create_app
from cloudmart.health.state import Health
from cloudmart.server.protocol import BoundedProtocol
from cloudmart.server.server import Server
from cloudmart.settings import Settings
from tests.support.ready_app import settled, still


@contextmanager
def served(settings: Settings, protocol: type[BoundedProtocol] = BoundedProtocol) -> Iterator[str]:
    """Serve the application on loopback, and return its URL."""
    # To the server, a list that breaks off is an error. Here the tests are about that.
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        process = still(settings)
        app = create_app(settings, process=process)
        server = Server(app, process.health.lifecycle, protocol=protocol)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            state = {"services": {Health: process.health}}
            while not (server.started and settled(state)) and thread.is_alive():
                thread.join(0.01)
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            process.health.lifecycle.end_now()
            thread.join()
