"""A proxy on loopback, in front of a DynamoDB, that fails as it is told.

with fault_proxy(engine) as proxy:
    proxy.fail(Fault.THROTTLED, "Scan", after=1)  # from the second Scan on
    ...
    proxy.heal()
    proxy.stop()  # connections are refused until start()
"""

import json
import socket
import struct
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import Enum
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit


class Fault(Enum):
    """A way in which a store fails: an error it answers, or no whole answer at all."""

    RESET = "the connection is reset, nothing is answered"
    LOST = "the request is carried out, its answer lost: the connection is reset"
    HANG = "the request is taken, nothing is answered until the proxy is healed"
    CUT = "the answer ends in its middle"
    GARBLED = "the answer is a gateway's page"
    UNPROCESSED = "a batch is left undone"
    THROTTLED = (400, "ProvisionedThroughputExceededException")
    LIMITED = (400, "ThrottlingException")
    DENIED = (400, "AccessDeniedException")
    EXPIRED = (400, "ExpiredTokenException")
    NO_TABLE = (400, "ResourceNotFoundException")
    UNHEARD_OF = (400, "SerializationException")
    BROKEN = (500, "InternalServerError")


@dataclass(slots=True)
class _Rule:
    fault: Fault
    operations: tuple[str, ...]
    after: int
    times: int | None

    def applies(self, operation: str) -> bool:
        """Tell whether the rule fails this call, and count it."""
        if self.operations and operation not in self.operations:
            return False
        if self.after:
            self.after -= 1
            return False
        if self.times is None:
            return True
        self.times -= 1
        return self.times >= 0


class FaultProxy:
    """Forwards DynamoDB's operations to an engine, except those it is told to fail."""

    def __init__(self, engine: str) -> None:
        self.engine = engine
        self.port = 0
        self.calls: Counter[str] = Counter()
        """How often each operation was asked for, failed calls included."""
        self.hanging = threading.Event()
        """Set once a call hangs."""
        self._rules: list[_Rule] = []
        self._lock = threading.Lock()
        self._healed = threading.Event()
        self._server: _Server | None = None

    @property
    def url(self) -> str:
        """Return where the service should believe DynamoDB to be."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Listen, on the same port every time."""
        self._server = _Server(("127.0.0.1", self.port), self)
        self.port = self._server.server_port

    def stop(self) -> None:
        """Refuse connections, and drop those there are."""
        self.heal()
        if self._server:
            self._server.stop()
            self._server = None

    def fail(
        self, fault: Fault, *operations: str, after: int = 0, times: int | None = None
    ) -> None:
        """Fail some operations, or all: after so many calls that pass, for so many times."""
        with self._lock:
            self._rules.append(_Rule(fault, operations, after, times))

    def heal(self) -> None:
        """Fail nothing any more, and let go what hangs."""
        with self._lock:
            self._rules.clear()
            self._healed.set()
            self._healed = threading.Event()

    def fault_of(self, operation: str) -> tuple[Fault | None, threading.Event]:
        """Count a call, and return how it fails and what ends a hang."""
        with self._lock:
            self.calls[operation] += 1
            failing = (rule.fault for rule in self._rules if rule.applies(operation))
            return next(failing, None), self._healed


@contextmanager
def fault_proxy(engine: str) -> Iterator[FaultProxy]:
    """Run a proxy in front of an engine for as long as the context lasts."""
    proxy = FaultProxy(engine)
    proxy.start()
    try:
        yield proxy
    finally:
        proxy.stop()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], proxy: FaultProxy) -> None:
        super().__init__(address, _Forwarder)
        self.proxy = proxy
        self._connections: set[Any] = set()
        self._thread = threading.Thread(target=self.serve_forever, args=[0.05], daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self.shutdown()
        self.server_close()
        self._thread.join()
        for connection in tuple(self._connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:  # noqa: ANN401
        self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, *_: Any) -> None:  # noqa: ANN401
        """Let a client go that lost its patience."""


class _Forwarder(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet: two would wait for each other's acknowledgement
    server: _Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        operation = self.headers["X-Amz-Target"].rpartition(".")[2]
        fault, healed = self.server.proxy.fault_of(operation)
        if fault is None:
            self._answer(*self._forwarded(body))
        elif fault is Fault.CUT:
            status, whole = self._forwarded(body)
            self._answer(status, whole[: len(whole) // 2], missing=len(whole) - len(whole) // 2)
        elif fault is Fault.UNPROCESSED:
            left = {"Responses": {}, "UnprocessedKeys": json.loads(body)["RequestItems"]}
            self._answer(200, json.dumps(left).encode())
        elif fault is Fault.GARBLED:
            self._answer(502, b"<html><body><h1>Bad Gateway</h1></body></html>")
        elif fault is Fault.RESET:
            self._reset()
        elif fault is Fault.LOST:
            self._forwarded(body)
            self._reset()
        elif fault is Fault.HANG:
            self.server.proxy.hanging.set()
            healed.wait()
            self.close_connection = True
        else:
            self._answer(*_refusal(*fault.value))

    def _forwarded(self, body: bytes) -> tuple[int, bytes]:
        engine = HTTPConnection(urlsplit(self.server.proxy.engine).netloc, timeout=60)
        try:
            engine.request("POST", "/", body, dict(self.headers))
            answer = engine.getresponse()
            return answer.status, answer.read()
        finally:
            engine.close()

    def _answer(self, status: int, body: bytes, *, missing: int = 0) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(len(body) + missing))
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = self.close_connection or missing > 0

    def _reset(self) -> None:
        # Closing at once, whatever is unsent, sends RST rather than FIN.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True

    def log_message(self, *_: Any) -> None:  # noqa: ANN401
        """Keep quiet."""


def _refusal(status: int, code: str) -> tuple[int, bytes]:
    # AWS's own sentences name what no client of the shop may see.
    message = "arn:aws:dynamodb:us-east-1:123456789012:table/secret-table is not to be had"
    body = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": message}
    return status, json.dumps(body).encode()
