"""Fakes of a node's two endpoints of credentials: EKS's Pod Identity agent, EC2's metadata."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.support.threaded_server import running

NODE = "eks-node-role"


class Metadata(ThreadingHTTPServer):
    """Answers as both endpoints, in the form that a test chooses."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answerer)
        self.status = 200
        self.body: dict[str, Any] = {
            "Code": "Success",
            "AccessKeyId": "ASIAEXAMPLE",
            "SecretAccessKey": "of-the-pod",
            "Token": "session",
            "Expiration": f"{datetime.now(UTC) + timedelta(hours=6):%Y-%m-%dT%H:%M:%SZ}",
        }
        self.asked: list[str] = []
        self.hangs = False
        self.closing = threading.Event()

    @property
    def url(self) -> str:
        """Return its address."""
        return f"http://127.0.0.1:{self.server_port}"


@contextmanager
def metadata() -> Iterator[Metadata]:
    """Run the endpoints while the context lasts."""
    server = Metadata()
    with running(server):
        try:
            yield server
        finally:
            server.closing.set()


class _Answerer(BaseHTTPRequestHandler):
    server: Metadata

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        if self.server.hangs:
            self.server.closing.wait()
            return
        listing = self.path.endswith("/security-credentials/")
        text = NODE if listing else json.dumps(self.server.body)
        self._answer(self.server.status, text)

    def do_PUT(self) -> None:
        self._answer(200, "token-of-the-metadata-service")

    def _answer(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: Any) -> None:  # noqa: ANN401
        """Log nothing."""
