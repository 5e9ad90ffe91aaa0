# ruff: noqa: INP001 - found by PYTHONPATH
"""What an operator injects into a pod: OpenTelemetry's SDK, and instrumentation of all it knows.

Python imports a module of this name before a program begins. Every span goes into a file, a line
each.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from opentelemetry import trace
from opentelemetry.instrumentation.aiohttp_client import AioHttpClientInstrumentor
from opentelemetry.instrumentation.botocore import AiobotocoreInstrumentor, BotocoreInstrumentor
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.instrumentation.openai_v2 import OpenAIInstrumentor
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult


class FileExporter(SpanExporter):
    """Writes spans into a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Write some."""
        with self._path.open("a") as file:
            file.writelines(f"{span.to_json(indent=None)}\n" for span in spans)
        return SpanExportResult.SUCCESS


if path := os.environ.get("SPANS_FILE"):
    provider = TracerProvider()
    # It exports as a span ends: before any processor that is added later has seen the end.
    provider.add_span_processor(SimpleSpanProcessor(FileExporter(Path(path))))
    trace.set_tracer_provider(provider)
    instrumentors: list[Any] = [
        AioHttpClientInstrumentor,
        AiobotocoreInstrumentor,
        BotocoreInstrumentor,
        FastAPIInstrumentor,
        OpenAIInstrumentor,
    ]
    for instrumentor in instrumentors:
        instrumentor().instrument()
