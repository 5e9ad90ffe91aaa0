"""A real Alertmanager on loopback with the sample configuration, and receivers that record."""

import json
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx2
import yaml

from tests.support.alert_rules import MONITORING
from tests.support.prometheus import program
from tests.support.serve_process import free_port
from tests.support.threaded_server import running

PATIENCE = 30.0


@dataclass(slots=True)
class Told:
    """What each receiver got: the names of the alerts, a set for each message."""

    night: list[set[str]] = field(default_factory=list)
    day: list[set[str]] = field(default_factory=list)


class _Receiver(ThreadingHTTPServer):
    def __init__(self, told: Told) -> None:
        super().__init__(("127.0.0.1", 0), _Message)
        self.told = told


class _Message(BaseHTTPRequestHandler):
    server: _Receiver

    def do_POST(self) -> None:
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        names = {each["labels"]["alertname"] for each in message["alerts"]}
        getattr(self.server.told, self.path.removeprefix("/")).append(names)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:  # noqa: ANN401 - http.server's
        """Log nothing."""


@contextmanager
def alertmanager(directory: Path) -> Iterator[tuple[str, Told]]:
    """Run Alertmanager with the sample, waiting a second at most, and with both receivers."""
    told = Told()
    receiver = _Receiver(told)
    config = directory / "alertmanager.yaml"
    config.write_text(yaml.safe_dump(_sample(receiver.server_port)), "utf-8")
    port = free_port()
    command = [
        program("prometheus-alertmanager"),
        f"--config.file={config}",
        f"--storage.path={directory / 'alertmanager'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]
    with running(receiver):
        process = subprocess.Popen(  # noqa: S603 - Alertmanager, on our own file
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_for(url)
            yield url, told
        finally:
            process.terminate()
            process.wait(timeout=PATIENCE)


def send(url: str, alerts: Sequence[Mapping[str, str]]) -> None:
    """Send alerts to Alertmanager that fire."""
    body = [{"labels": labels, "annotations": {}} for labels in alerts]
    httpx2.post(f"{url}/api/v2/alerts", json=body, timeout=5).raise_for_status()


def _sample(port: int) -> Any:  # noqa: ANN401 - YAML
    sample = yaml.safe_load((MONITORING / "alertmanager.yaml").read_text("utf-8"))
    sample["route"] |= {"group_wait": "1s", "group_interval": "1s"}
    for receiver in sample["receivers"]:
        receiver["webhook_configs"] = [{"url": f"http://127.0.0.1:{port}/{receiver['name']}"}]
    return sample


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with suppress(httpx2.TransportError):
            if httpx2.get(f"{url}/-/ready", timeout=5).is_success:
                return
        time.sleep(0.05)
    raise TimeoutError(url)
