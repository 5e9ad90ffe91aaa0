"""`cloudmart serve` in its own process, as the kubelet sees it."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2

from cloudmart.settings import Settings

# Runs `cloudmart serve` with another termination log, because the default path is the machine's.
PROGRAM = """
import os, sys
from pathlib import Path
from cloudmart.cli.serve import run_server
from cloudmart.observability.logging import configure_logging, log_dropped_lines
from cloudmart.observability.standard_streams import open_closed_streams, stderr_that_never_blocks
open_closed_streams()
with stderr_that_never_blocks(log_dropped_lines):
    configure_logging(json=True)
    raise SystemExit(run_server(os.environ, host=None, termination_log=Path(sys.argv[1])))
"""


PATIENCE = 60.0
"""Seconds to wait for something that an idle machine does at once."""


def free_port() -> int:
    """Return a port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(frozen=True, slots=True)
class Serving:
    """A process that serves, and its output."""

    process: subprocess.Popen[str]
    port: int
    metrics_port: int
    termination_log: Path

    @property
    def url(self) -> str:
        """Return its address."""
        return f"http://127.0.0.1:{self.port}"

    def wait_for(self, status: int, path: str, host: str = "127.0.0.1") -> httpx2.Response:
        """Return the first answer of a probe with a given status."""
        url = f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.process.communicate()[1]
            try:
                answer = httpx2.get(f"{url}{path}", timeout=5)
            except httpx2.TransportError:
                continue
            if answer.status_code == status:
                return answer
            time.sleep(0.02)
        raise TimeoutError(path)

    def stop(self) -> None:
        """Send SIGTERM."""
        self.process.send_signal(signal.SIGTERM)

    def ended(self) -> tuple[int, str]:
        """Wait for the end, and return the exit code and the whole log."""
        _, log = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, log


def environment(settings: Settings, **changes: str) -> dict[str, str]:
    """Return the environment of a process that uses some tables."""
    names = settings.dynamodb
    return {
        **os.environ,
        "AUTH": "off",
        "AWS_REGION": "us-east-1",
        "LISTEN_ADDRESS": "127.0.0.1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "DYNAMODB_PRODUCTS_TABLE": names.products_table,
        "DYNAMODB_ORDERS_TABLE": names.orders_table,
        "DYNAMODB_TICKETS_TABLE": names.tickets_table,
        "DYNAMODB_CONVERSATIONS_TABLE": names.conversations_table,
        **changes,
    }


@contextmanager
def serving_process(
    environ: Mapping[str, str],
    directory: Path,
    *,
    stderr: int = subprocess.PIPE,
    redirected: str = "",
) -> Iterator[Serving]:
    """Run a process while the context lasts. `redirected` redirects its streams, as in a shell."""
    log = directory / "termination-log"
    log.touch()
    port = int(environ.get("PORT") or free_port())
    metrics_port = int(environ.get("METRICS_PORT") or free_port())
    process = subprocess.Popen(  # noqa: S603 - our own program
        ["/bin/sh", "-c", f'exec "$@" {redirected}', "sh", sys.executable, "-c", PROGRAM, str(log)],
        env={**environ, "PORT": str(port), "METRICS_PORT": str(metrics_port)},
        stderr=stderr,
        text=True,
        cwd=directory,
    )
    try:
        yield Serving(process, port, metrics_port, log)
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
