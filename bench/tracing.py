"""What tracing costs a request, by the share of traced requests.

python -m bench.tracing
"""

import sys
from collections.abc import Callable
from functools import partial
from time import thread_time

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from starlette.types import Scope

from cloudmart.composition.tracing import HeadSampler
from cloudmart.dynamodb.call_metrics import call_span
from cloudmart.observability.tracing import Tracing, is_recording
from cloudmart.settings import TraceSampler

_ROUNDS = 7
_REQUESTS = 4000
_SPANS = 2  # of a request with one call
_HEADERS = {
    "host": "shop.example.com",
    "user-agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36",
    "accept": "application/json, text/plain, */*",
    "accept-encoding": "gzip, deflate, br",
    "accept-language": "en-GB,en;q=0.9",
    "referer": "https://shop.example.com/orders",
    "x-forwarded-for": "192.0.2.7",
    "x-forwarded-proto": "https",
}
_SCOPE: Scope = {
    "type": "http",
    "method": "GET",
    "scheme": "http",
    "headers": [(name.encode(), value.encode()) for name, value in _HEADERS.items()],
}


class _Kept(SpanProcessor):
    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def on_end(self, span: ReadableSpan) -> None:
        if len(self.spans) < _REQUESTS:
            self.spans.append(span)


def _microseconds(work: Callable[[], object], times: int) -> float:
    """Return the CPU time of one call of a function, from the fastest round."""
    best = float("inf")
    for _ in range(_ROUNDS):
        began = thread_time()
        for _ in range(times):
            work()
        best = min(best, thread_time() - began)
    return best / times * 1e6


def _call() -> None:
    if is_recording():
        with call_span("get_item", {"TableName": "cloudmart-orders"}):
            pass


def _traced(tracing: Tracing) -> None:
    span = tracing.begin(_SCOPE)
    if span is not None:
        span.place.log_fields()
        _call()
        span.end(_SCOPE, "/api/orders/{order_id}", 200)


def main(requests: int = _REQUESTS) -> None:
    """Print a table of so many requests a round."""
    kept = _Kept()
    provider = TracerProvider(ALWAYS_ON, shutdown_on_exit=False)
    provider.add_span_processor(kept)
    tracer = provider.get_tracer("bench")
    costs = {"off": _microseconds(_call, requests)}
    for ratio in (0.05, 1.0):
        tracing = Tracing(HeadSampler(TraceSampler.PARENT_RATIO, ratio).records, tracer)
        costs[str(ratio)] = _microseconds(partial(_traced, tracing), requests)
    spans = kept.spans[:512]
    sending = _microseconds(lambda: encode_spans(spans).SerializeToString(), 1) / len(spans)
    sys.stdout.write("OTEL_TRACES_SAMPLER_ARG  in the request  for sending  (µs of CPU)\n")
    for name, cost in costs.items():
        sent = 0.0 if name == "off" else float(name) * _SPANS * sending
        sys.stdout.write(f"{name:<23}  {cost:14.2f}  {sent:11.2f}\n")


if __name__ == "__main__":
    main()
