"""What an injected SDK exports of the spans that instrumentation around the shop makes."""

import pytest
import structlog
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
)

from cloudmart.observability.span_redaction import redact_injected

ROUTES = {"/api/orders/user", "/api/orders/{order_id}"}
WORD = "zerlina"
STATE = TraceState([("k", WORD)])
REMOTE = SpanContext(1, 2, is_remote=True, trace_flags=TraceFlags(1), trace_state=STATE)


def _exporting() -> tuple[TracerProvider, InMemorySpanExporter]:
    """Return a provider that exports each span at its end, before any other processor sees it."""
    spans = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(spans))
    redact_injected(provider, ROUTES)
    return provider, spans


def test_nothing_that_is_not_known_to_be_harmless_is_exported() -> None:
    provider, spans = _exporting()
    parent = trace.set_span_in_context(NonRecordingSpan(REMOTE))

    span = provider.get_tracer("asgi").start_span(
        f"GET /api/orders/{WORD} http send",
        parent,
        SpanKind.SERVER,
        {"url.query": f"email={WORD}", "http.request.method": "GET", "http.route": f"/{WORD}"},
        [Link(REMOTE, {"url.full": WORD, "http.method": "GET"})],
    )
    span.set_attributes({"http.target": WORD, "gen_ai.input.messages": WORD, "new": WORD})
    span.set_attributes({"otel.status_description": WORD, "thread_name": WORD})
    span.set_attributes({"gen_ai.usage.input_tokens": 3, "server.address": f"{WORD}@shop"})
    span.set_attribute("gen_ai.response.finish_reasons", ["stop", f"a@{WORD}"])
    span.add_event(f"asked for /{WORD}", {"body": WORD, "exception.type": "ValueError"})
    span.record_exception(ValueError(WORD))
    span.set_status(Status(StatusCode.ERROR, f"ValueError: {WORD}"))
    span.end()

    (exported,) = spans.get_finished_spans()
    assert WORD not in exported.to_json()
    assert exported.name == "GET http send"
    assert dict(exported.attributes or {}) == {
        "http.request.method": "GET",
        "gen_ai.usage.input_tokens": 3,
    }
    assert [(event.name, dict(event.attributes or {})) for event in exported.events] == [
        ("asked for", {"exception.type": "ValueError"}),
        ("exception", {"exception.type": "ValueError", "exception.escaped": "False"}),
    ]
    assert exported.status.status_code is StatusCode.ERROR
    assert exported.parent is not None
    assert (exported.parent.span_id, exported.parent.is_remote) == (2, True)


@pytest.mark.parametrize(
    ("name", "exported"),
    [
        ("GET /api/orders/{order_id}", "GET /api/orders/{order_id}"),
        ("GET /api/orders/user", "GET /api/orders/user"),
        ("GET /api/orders/7", "GET"),
        ("/api/orders/7", "redacted"),
        ("GET ann@example.org", "GET"),
        ("GetItem cloudmart-orders", "GetItem cloudmart-orders"),
        ("chat gpt-6-luna", "chat gpt-6-luna"),
    ],
)
def test_span_names_have_templates_and_no_other_path(name: str, exported: str) -> None:
    provider, spans = _exporting()

    provider.get_tracer("x").start_span(name).end()

    assert [span.name for span in spans.get_finished_spans()] == [exported]


def test_second_application_of_a_process_adds_its_routes() -> None:
    provider, spans = _exporting()

    redact_injected(provider, {"/other"})
    provider.get_tracer("x").start_span("GET /other").end()

    assert [span.name for span in spans.get_finished_spans()] == ["GET /other"]


def test_tracer_that_cannot_be_redacted_is_named_in_the_log() -> None:
    with structlog.testing.capture_logs() as lines:
        redact_injected(trace.NoOpTracerProvider(), ROUTES)

    assert [line["event"] for line in lines] == ["injected_tracer_not_redacted"]


def test_unknown_form_of_spans_is_named_once_and_breaks_nothing() -> None:
    provider, _ = _exporting()
    redaction = provider._cloudmart_redaction  # type: ignore[attr-defined]  # noqa: SLF001

    with structlog.testing.capture_logs() as lines:
        for _ in range(2):
            redaction.on_start(object())
            redaction.on_end(object())

    assert [line["event"] for line in lines] == ["injected_spans_not_redacted"]
