"""The spans of a request: its own, and those of the calls that are made for it.

Who makes a call need not know whether its request is recorded: `child_span` finds out.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import (
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    Tracer,
)
from starlette.types import Scope

from cloudmart.observability import semantic_conventions as names
from cloudmart.observability.trace_context import CURRENT, TraceParent

_FAILED = 500
_CLIENT_GONE = "client_disconnected"
_METHODS = frozenset(
    {"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE"}
)


@dataclass(frozen=True, slots=True)
class _Recording:
    """What is being recorded, and what records what happens within it."""

    tracer: Tracer
    span: Span


_RECORDING: ContextVar[_Recording | None] = ContextVar("recording", default=None)


class RequestSpan:
    """A request's place in its trace, and its span where it is recorded."""

    __slots__ = ("_attached", "_current", "_recording", "_span", "place")

    def __init__(
        self,
        place: TraceParent,
        *,
        recording: _Recording | None = None,
        attach: Span | None = None,
        own: Span | None = None,
    ) -> None:
        self.place = place
        self._span = own
        self._current = CURRENT.set(place)
        self._recording = None if recording is None else _RECORDING.set(recording)
        self._attached = (
            None if attach is None else otel_context.attach(trace.set_span_in_context(attach))
        )

    def end(self, scope: Scope, route: str | None, status: int, error: str | None = None) -> None:
        """End it, with the request's result; a status of 0 means that there was no answer.

        The span gets the route's template and never the path or the query, because these contain
        e-mail addresses and the ids of orders.
        """
        if self._attached is not None:
            otel_context.detach(self._attached)
        if self._recording is not None:
            _RECORDING.reset(self._recording)
        CURRENT.reset(self._current)
        span = self._span
        if span is None:
            return
        if route:
            span.set_attribute(names.HTTP_ROUTE, route)
            span.update_name(f"{_span_method(scope)} {route}")
        if status:
            span.set_attribute(names.HTTP_STATUS, status)
        failed = error or (str(status) if status >= _FAILED else None if status else _CLIENT_GONE)
        if failed:
            span.set_attribute(names.ERROR_TYPE, failed)
            if failed != _CLIENT_GONE:
                span.set_status(StatusCode.ERROR)
        span.end()


class Tracing:
    """Traces the requests of a process, while it has what records spans.

    Args:
        sampler: Tells whether a request is recorded, which belongs to a trace or begins one.
            Without it an injected SDK decides. The SDK's own decision costs 9 µs a request.
    """

    def __init__(
        self,
        sampler: Callable[[TraceParent | None], bool] | None = None,
        tracer: Tracer | None = None,
    ) -> None:
        self._records = sampler
        self.tracer = tracer

    def begin(self, scope: Scope) -> RequestSpan | None:
        """Begin the span of a request; None while nothing records spans."""
        if self.tracer is None:
            return None
        parent = TraceParent.of_headers(scope["headers"])
        if self._records is None:
            return self._begin_injected(self.tracer, scope, parent)
        if self._records(parent):
            return _begin_own(self.tracer, scope, _context_of(parent))
        return RequestSpan(parent.child() if parent else TraceParent.begin())

    def _begin_injected(
        self, tracer: Tracer, scope: Scope, parent: TraceParent | None
    ) -> RequestSpan:
        around = trace.get_current_span()
        if not around.get_span_context().is_valid:
            return _begin_own(tracer, scope, _context_of(parent))
        # Instrumentation around the application has made the request's span.
        recording = _Recording(tracer, around) if around.is_recording() else None
        return RequestSpan(_place_of(around), recording=recording)


def _begin_own(tracer: Tracer, scope: Scope, context: Context) -> RequestSpan:
    span = tracer.start_span(
        _span_method(scope),
        context,
        SpanKind.SERVER,
        {names.HTTP_METHOD: _method(scope), names.URL_SCHEME: scope["scheme"]},
    )
    recording = _Recording(tracer, span) if span.is_recording() else None
    return RequestSpan(_place_of(span), recording=recording, attach=span, own=span)


@contextmanager
def child_span(
    name: str,
    attributes: Mapping[str, str | int],
    kind: SpanKind = SpanKind.CLIENT,
    error_type: Callable[[BaseException], str] = lambda error: type(error).__name__,
) -> Iterator[Span | None]:
    """Record what happens within the context, if its request is recorded.

    The span gets neither the message nor the traceback of an error: they contain what customers
    sent.
    """
    outer = _RECORDING.get()
    # A task that a request began may go on after it.
    if outer is None or not outer.span.is_recording():
        yield None
        return
    within = trace.set_span_in_context(outer.span)
    span = outer.tracer.start_span(name, within, kind, attributes)
    attached = otel_context.attach(trace.set_span_in_context(span))
    token = _RECORDING.set(_Recording(outer.tracer, span))
    try:
        yield span
    except BaseException as error:
        span.set_attribute(names.ERROR_TYPE, error_type(error))
        span.set_status(StatusCode.ERROR)
        raise
    finally:
        _RECORDING.reset(token)
        otel_context.detach(attached)
        span.end()


def is_recording() -> bool:
    """Return whether the present request is recorded; while nothing is traced, at no cost."""
    return _RECORDING.get() is not None


def _context_of(parent: TraceParent | None) -> Context:
    # An empty context, not None: what surrounds the server is no part of a request's trace.
    if parent is None:
        return Context()
    flags = TraceFlags(TraceFlags.SAMPLED if parent.sampled else TraceFlags.DEFAULT)
    remote = SpanContext(parent.trace_id, parent.span_id, is_remote=True, trace_flags=flags)
    return trace.set_span_in_context(NonRecordingSpan(remote), Context())


def _place_of(span: Span) -> TraceParent:
    context = span.get_span_context()
    return TraceParent(context.trace_id, context.span_id, context.trace_flags.sampled)


def _method(scope: Scope) -> str:
    # A client may send any word.
    return scope["method"] if scope["method"] in _METHODS else names.OTHER_METHOD


def _span_method(scope: Scope) -> str:
    return scope["method"] if scope["method"] in _METHODS else "HTTP"
