"""`cloudmart serve`, as far as it differs from `dev`."""

import signal
import socket
import time
from http import HTTPStatus
from http.client import HTTPConnection

from cloudmart.settings import Settings
from tests.support.command import Command, running

_WITH_NOTHING_TO_SPARE = """
import sys
for name in ("moto", "flask", "flask_cors", "werkzeug", "cloudmart.local", "openai", "azure"):
    sys.modules[name] = None
sys.argv = ["cloudmart", "serve"]
from cloudmart.__main__ import main
main()
"""


def test_it_needs_nothing_of_local_mode_and_no_sdk_that_is_not_configured(
    settings: Settings,
) -> None:
    port, metrics_port = _free_port(), _free_port()
    environ = {
        "AUTH": "off",
        "PORT": str(port),
        "METRICS_PORT": str(metrics_port),
        "DYNAMODB_PRODUCTS_TABLE": settings.dynamodb.products_table,
        "DYNAMODB_ORDERS_TABLE": settings.dynamodb.orders_table,
        "DYNAMODB_TICKETS_TABLE": settings.dynamodb.tickets_table,
        "DYNAMODB_CONVERSATIONS_TABLE": settings.dynamodb.conversations_table,
    }

    with running("-c", _WITH_NOTHING_TO_SPARE, **environ) as command:
        products = _products_of(command, port)
        command.send(signal.SIGTERM)
        ended = command.ended()

    assert products == b"[]"
    assert "Traceback" not in ended.err


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _products_of(command: Command, port: int) -> bytes:
    give_up = time.monotonic() + 60
    while command.running and time.monotonic() < give_up:
        connection = HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/api/products")
            answer = connection.getresponse()
            if answer.status == HTTPStatus.OK:
                return answer.read()
        except OSError:
            pass
        finally:
            connection.close()
        time.sleep(0.1)
    raise RuntimeError(command.ended().err)
