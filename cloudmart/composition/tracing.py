"""Which requests are traced, and who records their spans."""

import random
import time
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog
from opentelemetry import trace

from cloudmart.observability.semantic_conventions import SCHEMA_URL
from cloudmart.observability.span_redaction import redact_injected
from cloudmart.observability.trace_context import TraceParent
from cloudmart.observability.tracing import Tracing
from cloudmart.settings import TraceSampler, TracingSettings

ASKED_A_SECOND = 100
"""Requests a second that are recorded because their clients ask: anybody can always ask."""

_HALF = 2**64 - 1

_log = structlog.stdlib.get_logger(__name__)


@dataclass(slots=True)
class HeadSampler:
    """Decides at a request's beginning whether it is recorded, as OTEL_TRACES_SAMPLER says."""

    kind: TraceSampler
    ratio: float
    _second: int = 0
    _asked: int = 0

    def records(self, parent: TraceParent | None) -> bool:
        """Return whether a request is recorded that belongs to a trace, or begins one."""
        if parent is not None and self.kind.startswith("parentbased"):
            return parent.sampled and self._may_ask()
        match self.kind.removeprefix("parentbased_"):
            case TraceSampler.ALWAYS_ON | TraceSampler.ALWAYS_OFF as kind:
                return kind == TraceSampler.ALWAYS_ON
        # As every service decides for a trace: by the last half of its id.
        part = random.random() if parent is None else (parent.trace_id & _HALF) / 2**64  # noqa: S311
        return part < self.ratio

    def _may_ask(self) -> bool:
        second = int(time.monotonic())
        if second != self._second:
            self._second, self._asked = second, 0
        self._asked += 1
        return self._asked <= ASKED_A_SECOND


def choose_tracing(settings: TracingSettings, routes: Collection[str]) -> Tracing | None:
    """Return what traces requests, or None where nothing does.

    An SDK that was injected into the process comes before our own: its spans would be there twice.
    """
    provider = trace.get_tracer_provider()
    if not isinstance(provider, trace.ProxyTracerProvider | trace.NoOpTracerProvider):
        redact_injected(provider, routes)
        return Tracing(tracer=provider.get_tracer("cloudmart", schema_url=SCHEMA_URL))
    if settings.url is None:
        return None
    return Tracing(HeadSampler(settings.sampler, settings.ratio).records)


@asynccontextmanager
async def open_tracing(
    tracing: Tracing | None, settings: TracingSettings, version: str
) -> AsyncIterator[None]:
    """Let spans be recorded while the context lasts, where we send them ourselves."""
    if tracing is None or tracing.tracer is not None or settings.url is None:
        yield
        return
    try:
        # About 3 MB of code that is needed here alone.
        from cloudmart.composition.trace_export import open_tracer  # noqa: PLC0415
    except ImportError as error:
        _log.error("traces_off", reason=f"{error}: install cloudmart[traces]")
        yield
        return
    async with open_tracer(settings, settings.url, version) as tracer:
        tracing.tracer = tracer
        try:
            yield
        finally:
            tracing.tracer = None
