"""What spans may say, where an SDK of OpenTelemetry was injected into the process.

Instrumentation around the application knows nothing of the shop: it tells paths (ids of orders),
queries (e-mail addresses), headers (keys) and the messages of errors. Here is a list of what is
harmless, and all else is taken out of every span before it is exported.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import structlog
from opentelemetry import trace
from opentelemetry.trace import Link, SpanContext, Status

_log = structlog.stdlib.get_logger(__name__)

# Names of today's conventions and of those before 1.21, which instrumentation uses by default.
HARMLESS = frozenset(
    {
        *("error.type", "exception.type", "exception.escaped"),
        *("http.request.method", "http.response.status_code", "http.request.resend_count"),
        *("http.method", "http.status_code", "http.flavor", "http.scheme", "http.status_text"),
        *("http.request.body.size", "http.response.body.size", "http.route"),
        *("http.request_content_length", "http.response_content_length"),
        *("url.scheme", "asgi.event.type", "server.address", "server.port", "cloud.region"),
        *("net.host.port", "net.peer.name", "net.peer.port", "net.protocol.version"),
        *("network.protocol.name", "network.protocol.version", "network.transport"),
        *("db.system", "db.system.name", "db.name", "db.namespace", "db.operation"),
        *("db.operation.name", "db.collection.name", "db.response.status_code"),
        *("rpc.system", "rpc.system.name", "rpc.service", "rpc.method"),
        *("aws.region", "aws.request_id", "aws.requestId", "retry_attempts"),
        *("aws.dynamodb.table_names", "aws.dynamodb.index_name", "aws.dynamodb.limit"),
        *("aws.dynamodb.consumed_capacity", "aws.dynamodb.consistent_read"),
        *("aws.dynamodb.count", "aws.dynamodb.scanned_count", "aws.dynamodb.select"),
        *("gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.system", "gen_ai.output.type"),
        *("gen_ai.request.model", "gen_ai.response.model", "gen_ai.response.finish_reasons"),
        *("gen_ai.request.max_tokens", "gen_ai.request.temperature", "gen_ai.request.top_p"),
        "cloudmart.prompt.version",
        *("code.function.name", "code.function", "code.namespace"),
    }
)
# The other names below `otel.` include the message of an error.
HARMLESS_BEGINNINGS = ("gen_ai.usage.", "thread.", "otel.library.", "otel.scope.")
_LONGEST = 256


class SpanRedaction:
    """Removes what customers sent from spans: a span processor of OpenTelemetry's SDK.

    Args:
        routes: The templates of the application's routes, the only paths that stay.
    """

    def __init__(self, routes: Collection[str]) -> None:
        self.routes = set(routes)
        self._failed = False

    def on_start(self, span: Any, parent_context: object = None) -> None:  # noqa: ANN401, ARG002
        """Remove what a span begins with, because other processors may read it before its end."""
        with self._noted():
            attributes = span._attributes  # noqa: SLF001 - as below
            for name in [name for name in attributes if not self._may_tell(name, attributes[name])]:
                del attributes[name]
            span._name = self._named(span._name)  # noqa: SLF001

    def _on_ending(self, span: Any) -> None:  # noqa: ANN401 - the SDK's, which may not be installed
        self._clean(span)

    def on_end(self, span: Any) -> None:  # noqa: ANN401 - as above
        """Take out what an old SDK did not show as it ended: batches are exported later."""
        self._clean(span)

    def shutdown(self) -> None:
        """Do nothing: it holds nothing."""

    def force_flush(self, timeout_millis: int = 30_000) -> bool:  # noqa: ARG002 - the SDK's
        """Return that nothing waits."""
        return True

    # The SDK shows no way to take something out of a span. These names are as old as it is.
    def _clean(self, span: Any) -> None:  # noqa: ANN401 - as above
        with self._noted():
            span._attributes = self._told(span._attributes)  # noqa: SLF001
            span._name = self._named(span._name)  # noqa: SLF001
            span._status = Status(span._status.status_code)  # noqa: SLF001
            for event in span._events:  # noqa: SLF001
                event._attributes = self._told(event.attributes)  # noqa: SLF001
                event._name = self._named(event.name)  # noqa: SLF001
            span._links = [self._linked(link) for link in span._links]  # noqa: SLF001
            span._context = _without_state(span._context)  # noqa: SLF001
            span._parent = _without_state(span._parent)  # noqa: SLF001

    @contextmanager
    def _noted(self) -> Iterator[None]:
        # A request must not fail because an SDK of another version has other names.
        try:
            yield
        except Exception:  # noqa: BLE001 - as above
            if not self._failed:
                self._failed = True
                _log.exception("injected_spans_not_redacted")

    def _may_tell(self, name: str, value: object) -> bool:
        if name == "http.route":
            return value in self.routes
        known = name in HARMLESS or name.startswith(HARMLESS_BEGINNINGS)
        return known and all(map(_is_harmless, _texts(value)))

    def _told(self, attributes: Mapping[str, Any] | None) -> dict[str, Any]:
        # Copied first: another thread may add to them.
        every = dict(attributes or {})
        return {name: value for name, value in every.items() if self._may_tell(name, value)}

    def _linked(self, link: Link) -> Link:
        context = _without_state(link.context) or link.context
        return Link(context, self._told(link.attributes))

    def _named(self, name: str) -> str:
        """Return a span's name without the words of it that may be a path or an address."""
        words = name[:_LONGEST].split(" ")
        return " ".join(word for word in words if self._may_name(word)) or "redacted"

    def _may_name(self, word: str) -> bool:
        return word in self.routes or ("/" not in word and _is_harmless(word))


def redact_injected(provider: trace.TracerProvider, routes: Iterable[str]) -> None:
    """Have an injected SDK's spans redacted, those of other instrumentation too."""
    redaction = getattr(provider, "_cloudmart_redaction", None)
    if redaction is not None:
        redaction.routes.update(routes)
        return
    add = getattr(provider, "add_span_processor", None)
    if add is None:
        _log.warning("injected_tracer_not_redacted", tracer=type(provider).__name__)
        return
    redaction = SpanRedaction(set(routes))
    add(redaction)
    provider._cloudmart_redaction = redaction  # type: ignore[attr-defined]  # noqa: SLF001


def _texts(value: object) -> list[str]:
    values = value if isinstance(value, list | tuple) else [value]
    return [each for each in values if isinstance(each, str)]


def _is_harmless(text: str) -> bool:
    return len(text) <= _LONGEST and "@" not in text and "%40" not in text and "?" not in text


def _without_state(context: SpanContext | None) -> SpanContext | None:
    # A client may write anything into `tracestate`.
    if context is None or not context.trace_state:
        return context
    return SpanContext(context.trace_id, context.span_id, context.is_remote, context.trace_flags)
