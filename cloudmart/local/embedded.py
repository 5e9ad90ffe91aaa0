"""An embedded DynamoDB: moto's server in a thread, on loopback, its data in memory."""

import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

REGION = "us-east-1"

_Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]


def _one_at_a_time(application: _Wsgi) -> _Wsgi:
    # moto checks a condition and writes in two steps; DynamoDB does both at once.
    lock = threading.Lock()

    def locked(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:  # noqa: ANN401
        with lock:
            return application(environ, start_response)

    return locked


@contextmanager
def embedded_dynamodb() -> Iterator[str]:
    """Run a DynamoDB for as long as the context lasts, and give its URL."""
    # It logs each request it is sent.
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    application = _one_at_a_time(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, application, threaded=True)
    thread = threading.Thread(
        target=server.serve_forever, args=[0.05], name="embedded-dynamodb", daemon=True
    )
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
