"""A proxy in front of a shop, like a load balancer, that breaks chosen operations.

with breaking_proxy(url) as proxy:
    proxy.break_operation("GET", "/api/products/{product_id}", Break.HANG)
"""

import json
import re
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import Enum
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from math import inf
from typing import Any
from urllib.parse import urlsplit

from tests.support.threaded_server import running

_HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length"})


class Break(Enum):
    """How an operation is broken."""

    CRASH = "a pod answers 500"
    PAGE = "the storefront answers, with a page"
    HANG = "nobody answers"
    LATE = "a pod does as it is asked, and its answer never comes"
    CUT = "a pod's answer ends in its middle"
    BAD_GATEWAY = 502
    NO_TARGET = 503
    TIMEOUT = 504


@dataclass(frozen=True, slots=True)
class PodAnswer:
    """The answer of a pod in place of the right one: JSON that the shop was not asked for."""

    told: object
    status: int = 200

    @classmethod
    def problem(cls, status: int, code: str, sentence: str = "It broke.") -> "PodAnswer":
        """Return an error in the shop's form."""
        return cls({"type": f"/api/problems/{code}", "error": sentence}, status)


@dataclass(frozen=True, slots=True)
class OtherMembers:
    """The shop handles the request, and some members of its answer are changed."""

    members: Mapping[str, object]


Broken = Break | PodAnswer | OtherMembers


@dataclass(slots=True)
class _Rule:
    method: str
    template: str
    how: Broken
    holding: bytes
    after: int
    times: float

    def applies(self, method: str, path: str, whole: bytes) -> bool:
        """Return whether the rule breaks this request, and count it."""
        if method != self.method or not matches(self.template, path) or self.holding not in whole:
            return False
        self.after -= 1
        return -self.times <= self.after < 0


class BreakingProxy:
    """Forwards requests, except those that it breaks."""

    def __init__(self, shop: str) -> None:
        self.shop = urlsplit(shop).netloc
        self.seen: list[tuple[str, str]] = []
        """The method and path of every request."""
        self.hosts: set[str] = set()
        """The `Host` of the requests."""
        self.ended = threading.Event()
        self.hanging = threading.Event()
        """Set when a request hangs."""
        self.url = ""
        self.pages: dict[str, tuple[str, bytes]] = {}
        """Answers to some paths that do not come from the shop: a media type and a body."""
        self._broken: list[_Rule] = []

    def break_operation(  # noqa: PLR0913 - each says which of the requests is meant
        self,
        method: str,
        template: str,
        how: Broken,
        *,
        holding: bytes = b"",
        after: int = 0,
        times: float = inf,
    ) -> None:
        """Break the requests of one operation that contain some bytes.

        The bytes may be in the query, in a header or in the body. The first `after` requests pass,
        and so do all requests after `times` broken ones.
        """
        self._broken.append(_Rule(method, template, how, holding, after, times))

    def heal(self) -> None:
        """Break nothing more."""
        self._broken.clear()

    def break_of(self, method: str, path: str, whole: bytes) -> Broken | None:
        """Return how a request is broken, or None."""
        self.seen.append((method, path))
        return next((rule.how for rule in self._broken if rule.applies(method, path, whole)), None)


def matches(template: str, path: str) -> bool:
    """Return whether a path is that of an operation."""
    pattern = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template))
    # The document also has these as fixed paths, beside a path with an id.
    spelt = path in {"/api/orders/user", "/api/tickets/status"}
    return path == template if spelt else re.fullmatch(pattern, path) is not None


@contextmanager
def breaking_proxy(shop: str, tls: ssl.SSLContext | None = None) -> Iterator[BreakingProxy]:
    """Run a proxy on loopback while the context lasts."""
    proxy = BreakingProxy(shop)
    server = _Server(proxy)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    proxy.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"
    with running(server):
        try:
            yield proxy
        finally:
            proxy.ended.set()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, proxy: BreakingProxy) -> None:
        super().__init__(("127.0.0.1", 0), _Forwarding)
        self.proxy = proxy

    def handle_error(self, *_: Any) -> None:  # noqa: ANN401
        """Close the connection of a client that gave up."""


class _Forwarding(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        self._do()

    def do_POST(self) -> None:
        self._do()

    def do_PUT(self) -> None:
        self._do()

    def do_DELETE(self) -> None:
        self._do()

    def do_OPTIONS(self) -> None:
        self._do()

    def _do(self) -> None:
        proxy = self.server.proxy
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        path = urlsplit(self.path).path
        proxy.hosts.add(self.headers.get("Host", ""))
        whole = f"{self.path}\n{self.headers}".encode() + body
        how = proxy.break_of(self.command, path, whole)
        if page := proxy.pages.get(path):
            self._send(200, page[1], page[0], {})
            return
        match how:
            case None | Break.CUT | Break.LATE | OtherMembers():
                self._forward(body, how)
            case Break.CRASH:
                self._answer(PodAnswer.problem(500, "internal-error"))
            case PodAnswer():
                self._answer(how)
            case Break.PAGE:
                self._send(200, b"<!doctype html><title>Shop</title>", "text/html", {})
            case Break.HANG:
                self._hang()
            case _:
                self._send(int(how.value), b"<html>Gateway</html>", "text/html", {})

    def _answer(self, answer: PodAnswer) -> None:
        kind = "application/json" if answer.status == 200 else "application/problem+json"
        request = self.headers.get("X-Request-ID", "")
        body = json.dumps(answer.told).encode()
        self._send(answer.status, body, kind, {"X-Request-ID": request})

    def _forward(self, body: bytes, how: Broken | None) -> None:
        shop = HTTPConnection(self.server.proxy.shop, timeout=60)
        try:
            headers = {
                name: value
                for name, value in self.headers.items()
                if name.lower() not in _HOP_BY_HOP
            }
            shop.request(self.command, self.path, body or None, headers)
            answer = shop.getresponse()
            whole = answer.read()
        finally:
            shop.close()
        told = {k: v for k, v in answer.getheaders() if k.lower() not in _HOP_BY_HOP}
        if how is Break.LATE:
            self._hang()
        elif how is Break.CUT:
            self._send(answer.status, whole[: len(whole) // 2], "", told, length=len(whole))
            self.close_connection = True
        else:
            if isinstance(how, OtherMembers):
                whole = json.dumps({**json.loads(whole), **how.members}).encode()
            self._send(answer.status, whole, "", told)

    def _send(
        self,
        status: int,
        body: bytes,
        kind: str,
        headers: dict[str, str],
        length: int | None = None,
    ) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if kind:
            self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def _hang(self) -> None:
        """Send no answer until the client has disconnected."""
        self.server.proxy.hanging.set()
        self.close_connection = True
        self.connection.settimeout(0.05)
        while not self.server.proxy.ended.is_set():
            with suppress(TimeoutError):
                if not self.connection.recv(1, socket.MSG_PEEK):
                    return

    def log_message(self, *_: Any) -> None:  # noqa: ANN401
        """Log nothing."""
