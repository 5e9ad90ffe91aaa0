"""Sending spans to a collector with OpenTelemetry's SDK, which is imported here and nowhere else.

A thread of the SDK's sends them, in batches. Whatever the collector does, no request waits for it.
"""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

import structlog
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import Tracer

from cloudmart.observability.metrics import SPANS
from cloudmart.observability.semantic_conventions import SCHEMA_URL
from cloudmart.settings.tracing import TracingSettings, parse_pairs

MOST_WAITING = 2048
"""Spans that wait to be sent; what does not fit is left out and counted."""

EXPORT_WITHIN = 10.0
"""Seconds in which a batch is sent, with its retries."""

FLUSH_WITHIN = 2.0
"""Seconds that the end of the process waits for the last spans to be sent."""

_BATCH = 512
_EVERY = 2_000
"""Milliseconds between two batches that are not full."""

_SERVICE = "cloudmart-backend"
_LOGGER = "opentelemetry.exporter.otlp.proto.http.trace_exporter"
_QUIET = ("opentelemetry.exporter", "opentelemetry.sdk")

_log = structlog.stdlib.get_logger(__name__)


class LastWords(logging.Filter):
    """Keeps what the SDK says of a failure from the log, where it would be a line a second."""

    def __init__(self) -> None:
        super().__init__()
        self.words = ""

    def filter(self, record: logging.LogRecord) -> bool:
        """Note a message, and let it go no further."""
        self.words = record.getMessage()[:200]
        return False


class CountedExporter(SpanExporter):
    """Counts what another exporter sends, and logs its failures once until it works again."""

    def __init__(self, exporter: SpanExporter, said: LastWords) -> None:
        self._exporter = exporter
        self._said = said
        self._failing = False
        self.taken = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send a batch."""
        self.taken += len(spans)
        try:
            result = self._exporter.export(spans)
        except Exception as error:  # noqa: BLE001 - whatever it is, the next batch is tried
            self._said.words = type(error).__name__
            result = SpanExportResult.FAILURE
        failed = result is not SpanExportResult.SUCCESS
        SPANS.labels("failed" if failed else "sent").inc(len(spans))
        if failed and not self._failing:
            _log.warning("traces_not_sent", reason=self._said.words)
        elif self._failing and not failed:
            _log.info("traces_sent_again")
        self._failing = failed
        return result

    def shutdown(self) -> None:
        """Close the other."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Do as the other does."""
        return self._exporter.force_flush(timeout_millis)


class BoundedSpanProcessor(BatchSpanProcessor):
    """The SDK's batches, with what they have no room for counted."""

    def __init__(self, exporter: CountedExporter) -> None:
        super().__init__(
            exporter,
            max_queue_size=MOST_WAITING,
            schedule_delay_millis=_EVERY,
            max_export_batch_size=_BATCH,
        )
        self._counted = exporter
        self._put = 0

    def on_end(self, span: ReadableSpan) -> None:
        """Put a span behind those that wait, or leave it out."""
        if self._put - self._counted.taken >= MOST_WAITING:
            SPANS.labels("dropped").inc()
            return
        self._put += 1
        super().on_end(span)


def resource_of(settings: TracingSettings, version: str) -> dict[str, str]:
    """Return what each trace says of the process."""
    told = parse_pairs(settings.resource_attributes)
    named = {"service.name": settings.service_name} if settings.service_name else {}
    return {"service.name": _SERVICE, "service.version": version} | told | named


@asynccontextmanager
async def open_tracer(settings: TracingSettings, url: str, version: str) -> AsyncIterator[Tracer]:
    """Give what records spans that are sent to a URL; at the end the last ones are sent."""
    said = LastWords()
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    logging.getLogger(_LOGGER).setLevel(logging.WARNING)
    logging.getLogger(_LOGGER).addFilter(said)
    headers = settings.headers.get_secret_value() if settings.headers else ""
    exporter = OTLPSpanExporter(url, headers=parse_pairs(headers), timeout=EXPORT_WITHIN)
    provider = TracerProvider(
        # Which requests are recorded has been decided before the SDK is asked.
        ALWAYS_ON,
        Resource(resource_of(settings, version), SCHEMA_URL),
        shutdown_on_exit=False,
    )
    provider.add_span_processor(BoundedSpanProcessor(CountedExporter(exporter, said)))
    try:
        yield provider.get_tracer("cloudmart", version, SCHEMA_URL)
    finally:
        await _finish(provider)
        logging.getLogger(_LOGGER).removeFilter(said)


async def _finish(provider: TracerProvider) -> None:
    # A thread of our own that nobody waits for at the end: the collector may never answer.
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()

    def finish() -> None:
        provider.shutdown()
        with suppress(RuntimeError):  # the loop may have ended first
            loop.call_soon_threadsafe(ended.set)

    threading.Thread(target=finish, name="last-traces", daemon=True).start()
    with suppress(TimeoutError):
        async with asyncio.timeout(FLUSH_WITHIN):
            await ended.wait()
