"""A collector of OpenTelemetry's traces on loopback."""

import gzip
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from tests.support.scripted_server import Reply, Request, loopback


@dataclass(slots=True)
class Collector:
    """The spans that arrived: how many of each name, and how many of them failed."""

    url: str = ""
    text: str = ""
    """The content of all spans, to be searched for what must not be there."""
    spans: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)

    @property
    def environ(self) -> dict[str, str]:
        """The settings of the service for it."""
        return {"OTEL_EXPORTER_OTLP_ENDPOINT": self.url, "OTEL_TRACES_SAMPLER": "always_on"}

    def take(self, request: Request) -> Reply:
        """Accept spans like a collector."""
        body = request.body
        if request.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        told = ExportTraceServiceRequest.FromString(body)
        self.text += str(told)
        for each in told.resource_spans:
            for scope in each.scope_spans:
                for span in scope.spans:
                    self.spans[span.name] += 1
                    if span.status.code == Status.STATUS_CODE_ERROR:
                        self.failed[span.name] += 1
        return Reply(200, {"content-type": "application/x-protobuf"})


@contextmanager
def collecting() -> Iterator[Collector]:
    """Run a collector while the context lasts."""
    with loopback() as server:
        collector = Collector(server.url)
        server.answer = collector.take
        yield collector
