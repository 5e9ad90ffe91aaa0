"""AWS's DynamoDB Local, in memory."""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path

HOME = Path(__file__).parents[2] / ".cache" / "dynamodb-local"
"""The folder into which `make test-dynamodb-local` unpacks it."""

_PATIENCE = 60.0


@contextmanager
def dynamodb_local() -> Iterator[str]:
    """Run DynamoDB Local on a free port while the context lasts, and return its URL."""
    port = _free_port()
    command = [
        *("java", "-Xmx768m", "-Djava.library.path=DynamoDBLocal_lib"),
        *("-jar", "DynamoDBLocal.jar", "-inMemory", "-sharedDb", "-disableTelemetry"),
        *("-port", str(port)),
    ]
    process = subprocess.Popen(  # noqa: S603 - a fixed command
        command, cwd=HOME, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait_until_it_answers(process, port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_it_answers(process: subprocess.Popen[bytes], port: int) -> None:
    give_up = time.monotonic() + _PATIENCE
    while time.monotonic() < give_up:
        if process.poll() is not None:
            msg = f"DynamoDB Local ended with status {process.returncode}"
            raise RuntimeError(msg)
        try:
            connection = HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/")
            connection.getresponse()
        except (OSError, HTTPException):
            time.sleep(0.1)
        else:
            return
        finally:
            connection.close()
    msg = f"DynamoDB Local did not answer within {_PATIENCE:.0f} seconds"
    raise RuntimeError(msg)
