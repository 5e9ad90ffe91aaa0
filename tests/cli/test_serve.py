"""`cloudmart serve`, where it differs from `dev`."""

import signal
import socket
import time
from http import HTTPStatus
from http.client import HTTPConnection

import httpx2
import pytest

from cloudmart.settings import Settings
from tests.support.cli_process import Command, running

_WITH_NOTHING_TO_SPARE = """
import sys
for name in ("moto", "flask", "flask_cors", "werkzeug", "cloudmart.local", "openai", "azure"):
    sys.modules[name] = None
sys.argv = ["cloudmart", "serve"]
from cloudmart.__main__ import main
main()
"""

# A stand-in for the kubelet does this: it replaces `run` by a function with two parameters, so that
# several pods can use one port on loopback.
_ON_LOOPBACK = """
import sys
import cloudmart.cli.serve as s
_run = s.run_server
s.run_server = lambda environ, host: _run(environ, host="127.0.0.1")
from cloudmart.__main__ import main
sys.argv = ["cloudmart", "serve"]
sys.exit(main())
"""


def test_it_needs_nothing_of_local_mode_and_no_sdk_that_is_not_configured(
    settings: Settings,
) -> None:
    environ = _environ_of(settings)
    port = int(environ["PORT"])

    with running("-c", _WITH_NOTHING_TO_SPARE, **environ) as command:
        products = _products_of(command, port)
        command.send(signal.SIGTERM)
        ended = command.ended()

    assert products == b"[]"
    assert "Traceback" not in ended.err


def test_a_caller_may_narrow_the_address_whatever_the_environment_says(settings: Settings) -> None:
    environ = _environ_of(settings) | {"LISTEN_ADDRESS": "192.0.2.1"}

    with running("-c", _ON_LOOPBACK, **environ) as command:
        products = _products_of(command, int(environ["PORT"]))
        command.send(signal.SIGTERM)
        ended = command.ended()

    assert products == b"[]"
    assert "Traceback" not in ended.err


@pytest.mark.parametrize(
    ("name", "value"),
    [("SSL_CERT_FILE", "/nowhere/ca.pem"), ("HTTPS_PROXY", "http://proxy:port")],
)
def test_what_breaks_a_provider_s_client_stops_the_start_or_that_provider(
    name: str, value: str, settings: Settings
) -> None:
    environ = _environ_of(settings) | {"OPENAI_API_KEY": "sk-Zp3Q8R7LKM", name: value}
    port = int(environ["PORT"])

    with running("-m", "cloudmart", "serve", **environ) as command:
        refused = command.ended()
    with running("-m", "cloudmart", "serve", **environ, DEGRADED_START="true") as command:
        products = _products_of(command, port)
        health = httpx2.get(f"http://127.0.0.1:{port}/health", timeout=60, trust_env=False).json()
        chat = httpx2.post(f"http://127.0.0.1:{port}/api/ai/start", timeout=60, trust_env=False)
        command.send(signal.SIGTERM)
        ended = command.ended()

    (told,) = health["checks"]["openai:availability"]
    assert refused.code == 78
    assert f"  {name} " in refused.err
    assert products == b"[]"
    assert told["status"] == "warn"
    assert told["output"].startswith(f"Disabled: {name} ")
    assert chat.status_code == 503
    assert "Traceback" not in refused.err + ended.err


def _environ_of(settings: Settings) -> dict[str, str]:
    return {
        "AUTH": "off",
        "PORT": str(_free_port()),
        "METRICS_PORT": str(_free_port()),
        "DYNAMODB_PRODUCTS_TABLE": settings.dynamodb.products_table,
        "DYNAMODB_ORDERS_TABLE": settings.dynamodb.orders_table,
        "DYNAMODB_TICKETS_TABLE": settings.dynamodb.tickets_table,
        "DYNAMODB_CONVERSATIONS_TABLE": settings.dynamodb.conversations_table,
    }


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
