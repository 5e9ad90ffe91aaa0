"""A proxy on loopback, in front of DynamoDB or STS, that fails as a test asks.

with fault_proxy(engine) as proxy:
    proxy.fail(Fault.THROTTLED, "Scan", after=1)  # from the second Scan on
    proxy.fail(Refusal(400, "AccessDenied", "…"), "AssumeRoleWithWebIdentity", times=2)
    ...
    proxy.heal()
    proxy.stop()  # connections are refused until start()
"""

import json
import socket
import struct
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4
from xml.sax.saxutils import escape


class Fault(Enum):
    """How a store fails: it answers an error, or does not answer completely."""

    RESET = "the connection is reset, nothing is answered"
    LOST = "the request is carried out, its answer lost: the connection is reset"
    HANG = "the request is taken, nothing is answered until the proxy is healed"
    CUT = "the answer ends in its middle"
    GARBLED = "the answer is a gateway's page"
    PAGE = "the answer is a page of something on the way, with status 200"
    FORBIDDEN = "the answer is such a page, with status 403"
    NOTHING = "the answer has status 200, and no body"
    BARE = "the answer is an empty object with status 200, and not the store's"
    ARRAY = "the answer is the store's, and no object"
    NAMELESS = "the store refuses, and does not say what"
    UNPROCESSED = "a batch is left undone"
    THROTTLED = (400, "ProvisionedThroughputExceededException")
    LIMITED = (400, "ThrottlingException")
    DENIED = (400, "AccessDeniedException")
    EXPIRED = (400, "ExpiredTokenException")
    NO_TABLE = (400, "ResourceNotFoundException")
    UNHEARD_OF = (400, "SerializationException")
    CONFLICT = (400, "ReplicatedWriteConflictException")
    IN_PROGRESS = (400, "TransactionInProgressException")
    LOCKED = (400, "KMSAccessDeniedException")
    BROKEN = (500, "InternalServerError")


_PAGES: dict[object, tuple[int, bytes]] = {
    Fault.GARBLED: (502, b"<html><body><h1>Bad Gateway</h1></body></html>"),
    Fault.PAGE: (200, b"<!doctype html><html><body>Please sign in.</body></html>"),
    Fault.FORBIDDEN: (403, b"<!doctype html><html><body>Blocked.</body></html>"),
    Fault.NOTHING: (200, b""),
    Fault.BARE: (200, b"{}"),
}


_OF_STORE: dict[object, tuple[int, bytes]] = {
    Fault.ARRAY: (200, b"[]"),
    Fault.NAMELESS: (400, b"{}"),
}


class Refusal(NamedTuple):
    """An error that is answered exactly as given."""

    status: int
    code: str
    message: str


@dataclass(slots=True)
class _Rule:
    fault: Fault | Refusal
    operations: tuple[str, ...]
    after: int
    times: int | None

    def applies(self, operation: str) -> bool:
        """Return whether the rule fails this call, and count it."""
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
    """Forwards operations to an engine, except those that should fail."""

    def __init__(self, engine: str) -> None:
        self.engine = engine
        self.port = 0
        self.calls: Counter[str] = Counter()
        """How often each operation was called, including failed calls."""
        self.hanging = threading.Event()
        """Set when a call hangs."""
        self.bodies: deque[bytes] = deque(maxlen=100)
        """The last request."""
        self.on_tables: deque[tuple[str, str]] = deque(maxlen=100)
        """The operation and the table of the last calls that name one table."""
        self.rewrite: Callable[[bytes], bytes] = bytes
        """Changes the body of an answer that is forwarded."""
        self.ahead = timedelta()
        """How far its clock is ahead of ours. It refuses signatures that differ by five minutes."""
        self._rules: list[_Rule] = []
        self._lock = threading.Lock()
        self._healed = threading.Event()
        self._server: _Server | None = None

    @property
    def url(self) -> str:
        """Return the URL that the service should use for the engine."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Listen, always on the same port."""
        self._server = _Server(("127.0.0.1", self.port), self)
        self.port = self._server.server_port

    def stop(self) -> None:
        """Refuse new connections, and close the open ones."""
        self.heal()
        if self._server:
            self._server.stop()
            self._server = None

    def fail(
        self,
        fault: Fault | Refusal,
        *operations: str,
        after: int = 0,
        times: int | None = None,
    ) -> None:
        """Fail some operations, or all: after so many good calls, for so many calls."""
        with self._lock:
            self._rules.append(_Rule(fault, operations, after, times))

    def heal(self) -> None:
        """Fail nothing more, and release the calls that hang."""
        with self._lock:
            self._rules.clear()
            self._healed.set()
            self._healed = threading.Event()

    def fault_of(self, operation: str) -> tuple[Fault | Refusal | None, threading.Event]:
        """Count a call. Return how it fails, and the event that ends a hang."""
        with self._lock:
            self.calls[operation] += 1
            failing = (rule.fault for rule in self._rules if rule.applies(operation))
            return next(failing, None), self._healed


@contextmanager
def fault_proxy(engine: str) -> Iterator[FaultProxy]:
    """Run a proxy in front of an engine while the context lasts."""
    proxy = FaultProxy(engine)
    proxy.start()
    try:
        yield proxy
    finally:
        proxy.stop()


_OK = 200
_OUT_OF_TIME = Refusal(
    400,
    "InvalidSignatureException",
    "Signature expired: 20261128T080000Z is now earlier than 20261128T080500Z",
)


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
        """Close the connection of a client that gave up."""


class _Forwarder(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # Head and body go in one packet: two packets would wait for an acknowledgement.
    server: _Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        operation = self._operation(body)
        self._note(operation, body)
        fault, healed = self.server.proxy.fault_of(operation)
        fault = self._fault_of_clock() or fault
        if fault is None:
            strictly = operation == "UpdateItem" and not self._asks_for_xml
            self._answer(*(self._updated(body) if strictly else self._forwarded(body)))
        elif fault is Fault.CUT:
            status, whole = self._forwarded(body)
            self._answer(status, whole[: len(whole) // 2], missing=len(whole) - len(whole) // 2)
        elif fault is Fault.UNPROCESSED:
            left = {"Responses": {}, "UnprocessedKeys": json.loads(body)["RequestItems"]}
            self._answer(200, json.dumps(left).encode())
        elif fault in _PAGES:
            status, page = _PAGES[fault]
            self._answer(status, page, of_store=False)
        elif fault in _OF_STORE:
            self._answer(*_OF_STORE[fault])
        elif fault is Fault.RESET:
            self._reset()
        elif fault is Fault.LOST:
            self._forwarded(body)
            self._reset()
        elif fault is Fault.HANG:
            self.server.proxy.hanging.set()
            healed.wait()
            self.close_connection = True
        elif isinstance(fault, Refusal):
            self._answer(*self._refusal(fault))
        else:
            # The messages are AWS's own. They name things that clients of the shop must not see.
            message = "arn:aws:dynamodb:us-east-1:123456789012:table/secret-table is not to be had"
            status, code = fault.value
            self._answer(*self._refusal(Refusal(status, code, message)))

    def _note(self, operation: str, body: bytes) -> None:
        self.server.proxy.bodies.append(body)
        if not self._asks_for_xml and (table := json.loads(body).get("TableName")):
            self.server.proxy.on_tables.append((operation, table))

    def _fault_of_clock(self) -> Refusal | None:
        if not self.server.proxy.ahead:
            return None
        signed = datetime.fromisoformat(self.headers["X-Amz-Date"])
        off = abs(datetime.now(UTC) + self.server.proxy.ahead - signed)
        return _OUT_OF_TIME if off > timedelta(minutes=5) else None

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Return the value of the header `Date`."""
        now = time.time() if timestamp is None else timestamp
        return super().date_time_string(now + self.server.proxy.ahead.total_seconds())

    @property
    def _asks_for_xml(self) -> bool:
        """Return whether this is AWS's older protocol with forms and XML, which STS uses."""
        return "X-Amz-Target" not in self.headers

    def _operation(self, body: bytes) -> str:
        if self._asks_for_xml:
            return parse_qs(body.decode())["Action"][0]
        return self.headers["X-Amz-Target"].rpartition(".")[2]

    def _refusal(self, refusal: Refusal) -> tuple[int, bytes]:
        if self._asks_for_xml:
            error = f"<Code>{refusal.code}</Code><Message>{escape(refusal.message)}</Message>"
            text = f"<ErrorResponse><Error>{error}</Error></ErrorResponse>"
        else:
            kind = f"com.amazonaws.dynamodb.v20120810#{refusal.code}"
            text = json.dumps({"__type": kind, "message": refusal.message})
        return refusal.status, text.encode()

    def _forwarded(self, body: bytes) -> tuple[int, bytes]:
        engine = HTTPConnection(urlsplit(self.server.proxy.engine).netloc, timeout=60)
        try:
            engine.request("POST", "/", body, dict(self.headers))
            answer = engine.getresponse()
            return answer.status, self.server.proxy.rewrite(answer.read())
        finally:
            engine.close()

    def _updated(self, body: bytes) -> tuple[int, bytes]:
        """Update an item as DynamoDB does, which is stricter than the embedded engine.

        It refuses an update that would leave the key of an index empty, NULL or of another type,
        even if the update does not touch that attribute.
        """
        asked = json.loads(body)
        table, key = asked["TableName"], asked["Key"]
        before = self._ask("GetItem", TableName=table, Key=key, ConsistentRead=True).get("Item")
        status, answer = self._forwarded(body)
        after = self._ask("GetItem", TableName=table, Key=key, ConsistentRead=True).get("Item", {})
        wrong = self._wrong_index_key(table, after) if status == _OK else None
        if wrong is None:
            return status, answer
        if before is None:
            self._ask("DeleteItem", TableName=table, Key=key)
        else:
            self._ask("PutItem", TableName=table, Item=before)
        return self._refusal(Refusal(400, "ValidationException", wrong))

    def _wrong_index_key(self, table: str, item: dict[str, Any]) -> str | None:
        described = self._ask("DescribeTable", TableName=table)["Table"]
        defined = described["AttributeDefinitions"]
        types = {each["AttributeName"]: each["AttributeType"] for each in defined}
        keys = [
            (index["IndexName"], each["AttributeName"])
            for index in described.get("GlobalSecondaryIndexes", [])
            for each in index["KeySchema"]
        ]
        for index, name in keys:
            for kind, value in item.get(name, {}).items():
                if kind != types[name]:
                    return (
                        "One or more parameter values were invalid: Type mismatch for Index Key "
                        f"{name} Expected: {types[name]} Actual: {kind} IndexName: {index}"
                    )
                if not value:
                    return (
                        "One or more parameter values are not valid. The AttributeValue for a key "
                        "attribute cannot contain an empty string value. "
                        f"IndexName: {index}, IndexKey: {name}"
                    )
        return None

    def _ask(self, operation: str, **asked: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
        target = self.headers["X-Amz-Target"].rpartition(".")[0]
        kept = {
            name: value
            for name, value in self.headers.items()
            if name.lower() not in {"x-amz-target", "content-length"}
        }
        engine = HTTPConnection(urlsplit(self.server.proxy.engine).netloc, timeout=60)
        try:
            headers = kept | {"X-Amz-Target": f"{target}.{operation}"}
            engine.request("POST", "/", json.dumps(asked).encode(), headers)
            told: dict[str, Any] = json.loads(engine.getresponse().read())
        finally:
            engine.close()
        return told

    def _answer(self, status: int, body: bytes, *, missing: int = 0, of_store: bool = True) -> None:
        self.send_response(status)
        kind = "text/xml" if self._asks_for_xml else "application/x-amz-json-1.0"
        if of_store:
            # Every answer of AWS has this header. A proxy in between does not add it.
            self.send_header("x-amzn-RequestId", uuid4().hex)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body) + missing))
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = self.close_connection or missing > 0

    def _reset(self) -> None:
        # A close with unsent bytes sends RST instead of FIN.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True

    def log_message(self, *_: Any) -> None:  # noqa: ANN401
        """Log nothing."""
