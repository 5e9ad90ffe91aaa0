"""Collectors that are slow, refuse, hang or disconnect: no request waits for them."""

import socket
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from prometheus_client import REGISTRY

from cloudmart.composition.trace_export import (
    MOST_WAITING,
    BoundedSpanProcessor,
    CountedExporter,
    LastWords,
)
from cloudmart.settings import Settings
from tests.support.collector import PATIENCE, Manner, collector
from tests.support.serve_process import Serving, environment, free_port, serving_process


def _environ(settings: Settings, url: str, **changes: str) -> dict[str, str]:
    told = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": url,
        "OTEL_TRACES_SAMPLER": "always_on",
        "RATE_LIMIT_READ": "100000",
        "CATALOGUE_TTL": "60",
    }
    return environment(settings, **told | changes)


def _ask(process: Serving, times: int) -> list[int]:
    with httpx2.Client(base_url=process.url, timeout=PATIENCE) as client:
        return [client.get("/api/products").status_code for _ in range(times)]


def _spans(process: Serving, outcome: str) -> float:
    text = httpx2.get(f"http://127.0.0.1:{process.metrics_port}/metrics", timeout=PATIENCE).text
    name = f'cloudmart_spans_total{{outcome="{outcome}"}} '
    return sum(float(line.removeprefix(name)) for line in text.splitlines() if name in line)


def _wait_for(process: Serving, outcome: str, more_than: float = 0) -> None:
    deadline = time.monotonic() + PATIENCE
    while _spans(process, outcome) <= more_than:
        assert time.monotonic() < deadline, outcome
        time.sleep(0.1)


@pytest.mark.parametrize(
    "manner", [Manner.REFUSES, Manner.BUSY, Manner.CLOSES, Manner.NONSENSE], ids=str
)
def test_failures_are_counted_and_logged_once(
    shared_settings: Settings, tmp_path: Path, manner: Manner
) -> None:
    with (
        collector(manner) as told,
        serving_process(_environ(shared_settings, told.url), tmp_path) as process,
    ):
        process.wait_for(200, "/ready")
        assert set(_ask(process, 5)) == {200}
        _wait_for(process, "failed")
        failed = _spans(process, "failed")
        assert set(_ask(process, 5)) == {200}
        _wait_for(process, "failed", failed)
        process.stop()
        code, log = process.ended()

    assert code == 0
    assert log.count("traces_not_sent") == 1
    assert "Traceback" not in log


@pytest.mark.parametrize("manner", [Manner.HANGS, None], ids=["hangs", "away"])
def test_collector_that_never_answers_holds_nothing_up(
    shared_settings: Settings, tmp_path: Path, manner: Manner | None
) -> None:
    with collector(manner or Manner.HANGS) as told:
        url = told.url if manner else f"http://127.0.0.1:{free_port()}"
        with serving_process(_environ(shared_settings, url), tmp_path) as process:
            process.wait_for(200, "/ready")
            assert set(_ask(process, 20)) == {200}
            process.stop()
            code, _ = process.ended()

    assert code == 0


def test_what_has_no_room_is_left_out_and_counted() -> None:
    class Hanging(SpanExporter):
        def __init__(self) -> None:
            self.free = threading.Event()

        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:  # noqa: ARG002
            self.free.wait(PATIENCE)
            return SpanExportResult.SUCCESS

    hanging = Hanging()
    processor = BoundedSpanProcessor(CountedExporter(hanging, LastWords()))
    provider = TracerProvider(ALWAYS_ON, shutdown_on_exit=False)
    provider.add_span_processor(processor)
    tracer = provider.get_tracer("test")
    before = {outcome: _counted(outcome) for outcome in ("sent", "dropped")}

    for _ in range(2 * MOST_WAITING):
        tracer.start_span("span").end()
    dropped = _counted("dropped") - before["dropped"]
    hanging.free.set()
    provider.shutdown()

    assert MOST_WAITING / 2 <= dropped <= MOST_WAITING
    assert _counted("sent") - before["sent"] == 2 * MOST_WAITING - dropped


def _counted(outcome: str) -> float:
    return REGISTRY.get_sample_value("cloudmart_spans_total", {"outcome": outcome}) or 0


def test_last_spans_are_sent_when_the_process_ends(
    shared_settings: Settings, tmp_path: Path
) -> None:
    with (
        collector(Manner.SLOW) as told,
        serving_process(_environ(shared_settings, told.url), tmp_path) as process,
    ):
        process.wait_for(200, "/ready")
        _ask(process, 3)
        process.stop()
        process.ended()

    assert len(told.named("GET /api/products")) == 3


def test_collector_that_comes_back_is_sent_to_again(
    shared_settings: Settings, tmp_path: Path
) -> None:
    with (
        collector(Manner.REFUSES) as told,
        serving_process(_environ(shared_settings, told.url), tmp_path) as process,
    ):
        process.wait_for(200, "/ready")
        _ask(process, 1)
        _wait_for(process, "failed")
        told.manner = Manner.TAKES
        _ask(process, 1)
        _wait_for(process, "sent")
        process.stop()
        _, log = process.ended()

    assert (log.count("traces_not_sent"), log.count("traces_sent_again")) == (1, 1)


def test_spans_of_clients_that_hang_up_end(shared_settings: Settings, tmp_path: Path) -> None:
    with (
        collector() as told,
        serving_process(_environ(shared_settings, told.url), tmp_path) as process,
    ):
        process.wait_for(200, "/ready")

        def hang_up(_: int) -> None:
            with socket.create_connection(("127.0.0.1", process.port)) as client:
                client.sendall(
                    b"POST /api/orders HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                    b"Content-Length: 100\r\n\r\n{"
                )

        with ThreadPoolExecutor(20) as pool:
            list(pool.map(hang_up, range(100)))
        deadline = time.monotonic() + PATIENCE
        while len(told.named("POST /api/orders")) < 100 and time.monotonic() < deadline:
            time.sleep(0.1)
        process.stop()
        process.ended()

    spans = told.named("POST /api/orders")
    assert len(spans) == 100
    assert {span.attributes["error.type"] for span in spans} == {"client_disconnected"}


def test_headers_and_attributes_of_the_environment_are_sent(
    shared_settings: Settings, tmp_path: Path
) -> None:
    told_of = {
        "OTEL_EXPORTER_OTLP_HEADERS": "api-key=s%20cret,x-scope=shop",
        "OTEL_SERVICE_NAME": "shop",
        "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test,service.name=other",
    }
    with (
        collector() as told,
        serving_process(_environ(shared_settings, told.url, **told_of), tmp_path) as process,
    ):
        process.wait_for(200, "/ready")
        _ask(process, 1)
        process.stop()
        _, log = process.ended()

    assert (told.headers[0]["api-key"], told.headers[0]["x-scope"]) == ("s cret", "shop")
    assert told.resource["service.name"] == "shop"
    assert told.resource["deployment.environment.name"] == "test"
    assert "s cret" not in log
    assert "s%20cret" not in log
