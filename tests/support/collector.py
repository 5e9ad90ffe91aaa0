"""A collector of traces on loopback that can be slow or fail, as a test asks."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.support.threaded_server import running

PATIENCE = 30.0


class Manner(StrEnum):
    """How a collector treats a batch."""

    TAKES = "takes"
    SLOW = "slow"
    """It accepts the batch after a second."""
    REFUSES = "refuses"
    """It answers 400. A client must not try again."""
    BUSY = "busy"
    """It always answers 503."""
    HANGS = "hangs"
    """It never answers."""
    CLOSES = "closes"
    """It closes the connection."""
    NONSENSE = "nonsense"
    """It sends an answer that is not HTTP."""


@dataclass(frozen=True, slots=True)
class SentSpan:
    """A span as it arrived."""

    name: str
    kind: int
    trace_id: str
    span_id: str
    parent_id: str
    attributes: dict[str, Any]
    status: int


@dataclass(slots=True)
class Collector:
    """The spans that have arrived."""

    url: str
    manner: Manner = Manner.TAKES
    paths: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    resource: dict[str, Any] = field(default_factory=dict)
    spans: list[SentSpan] = field(default_factory=list)
    raw: bytes = b""
    ended: threading.Event = field(default_factory=threading.Event)

    def named(self, name: str) -> list[SentSpan]:
        """Return the spans with a name."""
        return [span for span in self.spans if span.name == name]

    def take(self, body: bytes) -> None:
        """Read a batch."""
        self.raw += body
        for part in ExportTraceServiceRequest.FromString(body).resource_spans:
            self.resource = _values(part.resource.attributes)
            for scope in part.scope_spans:
                self.spans += map(_span, scope.spans)


def _span(span: Any) -> SentSpan:  # noqa: ANN401 - protobuf's
    return SentSpan(
        span.name,
        span.kind,
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex(),
        _values(span.attributes),
        span.status.code,
    )


def _values(attributes: Any) -> dict[str, Any]:  # noqa: ANN401 - protobuf's
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in attributes}


@contextmanager
def collector(manner: Manner = Manner.TAKES) -> Iterator[Collector]:
    """Run a collector while the context lasts."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.paths.append(self.path)
            told.headers.append(dict(self.headers))
            body = self.rfile.read(int(self.headers["content-length"]))
            match told.manner:
                case Manner.HANGS:
                    told.ended.wait()
                    return
                case Manner.CLOSES:
                    self.close_connection = True
                    return
                case Manner.NONSENSE:
                    self.wfile.write(b"\x00" * 100)
                    self.close_connection = True
                    return
                case Manner.SLOW:
                    time.sleep(1)
            refusals = {Manner.REFUSES: 400, Manner.BUSY: 503}
            status = refusals.get(told.manner, 200)
            if status == 200:
                told.take(body)
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    told = Collector(f"http://127.0.0.1:{server.server_port}", manner)
    with running(server):
        try:
            yield told
        finally:
            told.ended.set()
