"""A server on loopback that sends what a test has given it: bytes and faults.

with loopback() as server:
    server.play(Reply(chunks=[b"first", Fault.HANG]))
    ...
    assert server.requests[0].json == {...}
    assert server.abandoned.wait(5)  # the client closed the connection while the server hung
"""

import json
import socket
import ssl
import struct
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Fault(Enum):
    """How an answer that has begun can go wrong."""

    HANG = "nothing more comes until the client goes away"
    RESET = "the connection is reset"
    CUT = "the answer ends, in order, where it should not"
    NONSENSE = "what follows is no HTTP"


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it arrived."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:  # noqa: ANN401 - any JSON
        """Return the JSON of the body."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply: each chunk is sent by itself, with the faults between them."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    chunks: Iterable[bytes | Fault] = ()

    @classmethod
    def json(cls, status: int, body: object, **headers: str) -> "Reply":
        """Return a reply with JSON."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return cls(
            status, {"content-type": "application/json", **named}, [json.dumps(body).encode()]
        )


class LoopbackServer:
    """Answers each request with the next reply that it was given, or by calling `answer`."""

    def __init__(self) -> None:
        self.url = ""
        self.requests: list[Request] = []
        self.connections = 0
        self.abandoned = threading.Event()
        self.answer: Callable[[Request], Reply] | None = None
        self._script: deque[Reply] = deque()
        self._http: _Server | None = None

    def start(self, tls: ssl.SSLContext | None = None) -> None:
        """Listen on a free port, in plain text or with a certificate."""
        self._http = _Server(self)
        if tls:
            self._http.socket = tls.wrap_socket(self._http.socket, server_side=True)
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self._http.server_port}"
        # The interval is short because every test waits for it once.
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        """Close every connection and refuse new ones."""
        if self._http is not None:
            self._http.shutdown()
            self._http.close_all()
            self._http.server_close()
            self._http = None

    def play(self, *replies: Reply) -> None:
        """Set the next replies."""
        self._script.extend(replies)

    def reply_to(self, request: Request) -> Reply:
        """Return the reply to a request."""
        self.requests.append(request)
        if self._script:
            return self._script.popleft()
        assert self.answer, f"no reply is left for {request.method} {request.path}"
        return self.answer(request)


@contextmanager
def loopback(tls: ssl.SSLContext | None = None) -> Iterator[LoopbackServer]:
    """Run a server while the context lasts."""
    server = LoopbackServer()
    server.start(tls)
    try:
        yield server
    finally:
        server.stop()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, loopback: LoopbackServer) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.loopback = loopback
        self.open: set[socket.socket] = set()

    def close_all(self) -> None:
        for connection in list(self.open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, *_: Any) -> None:  # noqa: ANN401 - clients go away, which is no news
        pass


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.server.open.add(self.connection)
        self.server.loopback.connections += 1

    def finish(self) -> None:
        self.server.open.discard(self.connection)
        with suppress(OSError):
            super().finish()

    def do_GET(self) -> None:
        self._do("GET")

    def do_POST(self) -> None:
        self._do("POST")

    def _do(self, method: str) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        headers = {name.lower(): value for name, value in self.headers.items()}
        reply = self.server.loopback.reply_to(Request(method, self.path, headers, body))
        # Each reply has a date, unless the test sets another.
        dated = any(name.lower() == "date" for name in reply.headers)
        (self.send_response_only if dated else self.send_response)(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for chunk in reply.chunks:
            if isinstance(chunk, Fault):
                self._fail(chunk)
                return
            self.wfile.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
        self.wfile.write(b"0\r\n\r\n")

    def _fail(self, fault: Fault) -> None:
        if fault is Fault.CUT:
            self.wfile.write(b"0\r\n\r\n")
            return
        self.close_connection = True
        if fault is Fault.NONSENSE:
            self.wfile.write(b"no length\r\n")
        elif fault is Fault.HANG:
            self.wfile.flush()
            with suppress(OSError):
                self.connection.recv(1)
            self.server.loopback.abandoned.set()
        else:
            # Without lingering, a close resets the connection.
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.connection.close()

    def log_message(self, *_: Any) -> None:  # noqa: ANN401
        pass
