"""What a collector learns of requests, and what it does not."""

import random
import re
import subprocess
import sys
from contextlib import nullcontext
from typing import Any

import pytest
import structlog
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import Decision, TraceIdRatioBased
from starlette.requests import ClientDisconnect
from starlette.types import Scope

from cloudmart.ai.ports import ProviderStep, ToolCall, Usage
from cloudmart.ai.prompts import assistant_prompt
from cloudmart.app import create_app
from cloudmart.composition.middleware import RequestContext
from cloudmart.composition.providers import Providers
from cloudmart.composition.tracing import ASKED_A_SECOND, HeadSampler
from cloudmart.errors import ProviderUnavailableError
from cloudmart.observability.trace_context import CURRENT, TraceParent
from cloudmart.observability.tracing import Tracing, is_recording
from cloudmart.settings import Settings, TraceSampler, TracingSettings
from tests.support.collector import Collector, SentSpan, collector
from tests.support.ready_app import serving, still
from tests.support.scripted_chat import ScriptedChat
from tests.support.scripted_sentiment import ScriptedSentiment
from tests.support.shop_tables import LAMP, put

CLIENT, SERVER = 3, 2
FAILED = 2
SEARCH = ToolCall("1", "search_products", '{"query": "kettle"}')
INVENTED = ToolCall("2", "give_discount", "{}")
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"


def _traced(settings: Settings, told: Collector, **options: Any) -> Settings:  # noqa: ANN401
    tracing = TracingSettings(
        endpoint=told.url, **{"sampler": TraceSampler.PARENT_RATIO, "ratio": 1} | options
    )
    return settings.model_copy(update={"tracing": tracing})


def _client(settings: Settings) -> Any:  # noqa: ANN401 - a context manager of a client
    return serving(create_app(settings, process=still(settings)))


def _server_spans(told: Collector) -> list[SentSpan]:
    return [span for span in told.spans if span.kind == SERVER]


def test_request_and_its_calls_are_one_trace(settings: Settings, dynamodb: Any) -> None:  # noqa: ANN401
    put(dynamodb, settings.dynamodb.products_table, LAMP)
    with collector() as told, _client(_traced(settings, told)) as client:
        placed = client.post("/api/orders", json={"productId": LAMP["id"], "quantity": 1})
        assert client.get(f"/api/orders/{placed.json()['id']}").status_code == 200
    table = settings.dynamodb.orders_table

    (post,) = told.named("POST /api/orders")
    (get,) = told.named("GET /api/orders/{order_id}")
    (read,) = told.named(f"GetItem {table}")

    assert get.attributes == {
        "http.request.method": "GET",
        "url.scheme": "http",
        "http.route": "/api/orders/{order_id}",
        "http.response.status_code": 200,
    }
    assert (get.kind, get.parent_id, get.status) == (SERVER, "", 0)
    assert read.attributes == {
        "db.system.name": "aws.dynamodb",
        "db.operation.name": "GetItem",
        "db.collection.name": table,
    }
    assert (read.kind, read.trace_id, read.parent_id) == (CLIENT, get.trace_id, get.span_id)
    assert {span.trace_id for span in told.named(f"PutItem {table}")} == {post.trace_id}
    assert told.paths[0] == "/v1/traces"
    assert told.resource["service.name"] == "cloudmart-backend"


def test_chat_is_traced_without_its_words(settings: Settings) -> None:
    chat = ScriptedChat(
        *(Usage(100, 20, cached_tokens=50), ProviderStep("", [SEARCH, INVENTED])),
        *(Usage(120, 8), "We sell kettles."),
    )
    providers = Providers(chat, chat, ScriptedSentiment("none"), ScriptedSentiment("none"))
    with collector() as told:
        traced = _traced(settings, told)
        app = create_app(traced, lambda *_: nullcontext(providers), process=still(settings))
        with serving(app) as client:
            question = client.post("/api/ai/start").json() | {"message": "Kettles, says Zerlina?"}
            client.post("/api/ai/message", json=question)

    (request,) = told.named("POST /api/ai/message")
    steps = [span for span in told.spans if span.name == "chat script"]
    (search,) = told.named("execute_tool search_products")
    (invented,) = told.named("execute_tool")
    assert [step.attributes for step in steps] == [
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "scripted",
            "gen_ai.request.model": "script",
            "cloudmart.prompt.version": assistant_prompt().version,
            "gen_ai.usage.input_tokens": 100,
            "gen_ai.usage.output_tokens": 20,
            "gen_ai.usage.cache_read.input_tokens": 50,
        },
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "scripted",
            "gen_ai.request.model": "script",
            "cloudmart.prompt.version": assistant_prompt().version,
            "gen_ai.usage.input_tokens": 120,
            "gen_ai.usage.output_tokens": 8,
        },
    ]
    assert search.attributes == {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "search_products",
    }
    assert invented.attributes == {"gen_ai.operation.name": "execute_tool"}
    assert {span.parent_id for span in (*steps, search, invented)} == {request.span_id}
    assert not any(word in told.raw for word in (b"Zerlina", b"kettles", b"give_discount"))


def test_failed_step_names_the_kind_of_failure(settings: Settings) -> None:
    chat = ScriptedChat(ProviderUnavailableError("Zerlina"))
    providers = Providers(chat, chat, ScriptedSentiment("none"), ScriptedSentiment("none"))
    with collector() as told:
        traced = _traced(settings, told)
        app = create_app(traced, lambda *_: nullcontext(providers), process=still(settings))
        with serving(app) as client:
            question = client.post("/api/ai/start").json() | {"message": "Kettles?"}
            client.post("/api/ai/message", json=question)

    (step,) = told.named("chat script")
    (request,) = told.named("POST /api/ai/message")
    assert (step.attributes["error.type"], step.status) == (ProviderUnavailableError.code, FAILED)
    assert (request.attributes["error.type"], request.status) == ("503", FAILED)
    assert b"Zerlina" not in told.raw


def test_measurement_names_the_trace_of_its_request(settings: Settings) -> None:
    headers = {"traceparent": f"00-{TRACE}-{SPAN}-01"}
    with collector() as told, _client(_traced(settings, told)) as client:
        client.get("/api/products", headers=headers)
        metrics = client.get("/metrics", headers={"Accept": "application/openmetrics-text"}).text

    assert f'# {{trace_id="{TRACE}"}}' in metrics


def test_probes_are_not_traced(settings: Settings) -> None:
    with collector() as told, _client(_traced(settings, told)) as client:
        for path in ("/health", "/api/health", "/ready", "/livez", "/metrics"):
            client.get(path)
        client.get("/api/nothing")

    assert [span.name for span in _server_spans(told)] == ["GET"]


@pytest.mark.parametrize(("flags", "recorded"), [("01", 1), ("03", 1), ("00", 0)])
def test_client_decides_by_its_traceparent(settings: Settings, flags: str, recorded: int) -> None:
    headers = {"traceparent": f"00-{TRACE}-{SPAN}-{flags}"}
    with collector() as told, _client(_traced(settings, told, ratio=1 - recorded)) as client:
        client.get("/api/products", headers=headers)

    spans = _server_spans(told)
    assert [(span.trace_id, span.parent_id) for span in spans] == [(TRACE, SPAN)] * recorded


@pytest.mark.parametrize(
    "headers",
    [
        [("traceparent", "")],
        [("traceparent", "x" * 30_000)],
        [("traceparent", f"00-{'0' * 32}-{SPAN}-01")],
        [("traceparent", f"00-{TRACE}-{'0' * 16}-01")],
        [("traceparent", f"ff-{TRACE}-{SPAN}-01")],
        [("traceparent", f"00-{TRACE.upper()}-{SPAN}-01")],
        [("traceparent", f"00-{TRACE}-{SPAN}-01-more")],
        [("traceparent", f"00-{TRACE}-{SPAN}-01"), ("traceparent", f"00-{TRACE}-{SPAN}-00")],
        [("tracestate", "a=ann@example.org," * 2_000), ("baggage", "k=ann@example.org," * 2_000)],
    ],
    ids=[
        *("empty", "huge", "no trace", "no span", "version ff", "capitals", "more", "twice"),
        "state and baggage",
    ],
)
def test_headers_that_name_no_trace_begin_a_new_one(
    settings: Settings, headers: list[tuple[str, str]]
) -> None:
    with collector() as told, _client(_traced(settings, told)) as client:
        answer = client.get("/api/products", headers=headers)

    (span,) = _server_spans(told)
    assert answer.status_code == 200
    assert (span.trace_id != TRACE, span.parent_id) == (True, "")
    assert b"ann" not in told.raw


def test_clients_cannot_have_every_request_recorded() -> None:
    sampler = HeadSampler(TraceSampler.PARENT_RATIO, 0)
    parent = TraceParent(1, 2, sampled=True)

    recorded = sum(sampler.records(parent) for _ in range(10_000))

    assert recorded <= 2 * ASKED_A_SECOND  # the second may have changed by then


@pytest.mark.parametrize(
    ("kind", "without", "sampled", "unsampled"),
    [
        ("always_on", True, True, True),
        ("always_off", False, False, False),
        ("traceidratio", True, True, True),
        ("parentbased_always_on", True, True, False),
        ("parentbased_always_off", False, True, False),
        ("parentbased_traceidratio", True, True, False),
    ],
)
def test_samplers_are_those_of_the_specification(
    kind: str, *, without: bool, sampled: bool, unsampled: bool
) -> None:
    sampler = HeadSampler(TraceSampler(kind), 1)

    assert sampler.records(None) is without
    assert sampler.records(TraceParent(1, 2, sampled=True)) is sampled
    assert sampler.records(TraceParent(1, 2, sampled=False)) is unsampled


def test_ratio_of_a_trace_is_that_of_the_sdk() -> None:
    sampler = HeadSampler(TraceSampler.RATIO, 0.3)
    theirs = TraceIdRatioBased(0.3)
    taken = Decision.RECORD_AND_SAMPLE
    ids = [random.Random(number).getrandbits(128) for number in range(1000)]  # noqa: S311 - ids

    ours = [sampler.records(TraceParent(one, 2, sampled=False)) for one in ids]

    assert ours == [theirs.should_sample(None, one, "").decision is taken for one in ids]
    assert 200 < sum(ours) < 400


def test_share_of_requests_is_recorded() -> None:
    sampler = HeadSampler(TraceSampler.PARENT_RATIO, 0.05)

    assert 300 < sum(sampler.records(None) for _ in range(10_000)) < 700


def test_an_order_has_its_trace_and_no_answer_shows_it(settings: Settings, dynamodb: Any) -> None:  # noqa: ANN401
    put(dynamodb, settings.dynamodb.products_table, LAMP)
    body = {"productId": LAMP["id"], "quantity": 1, "userEmail": "ann@example.org"}
    with collector() as told, _client(_traced(settings, told)) as client:
        answers = [client.post("/api/orders", json=body)]
        path = f"/api/orders/{answers[0].json()['id']}"
        placed = _stored(dynamodb, settings, path)
        answers.append(client.put(path, json={"status": "Shipped"}))
        shipped = _stored(dynamodb, settings, path)
        queries = ("", "?limit=5", "/user?email=ann@example.org")
        answers += [client.get(path), *(client.get(f"/api/orders{query}") for query in queries)]
    (post,) = told.named("POST /api/orders")
    (put_,) = told.named("PUT /api/orders/{order_id}")

    assert placed == f"00-{post.trace_id}-{post.span_id}-01"
    assert shipped == f"00-{put_.trace_id}-{put_.span_id}-01"
    assert {answer.status_code for answer in answers} == {200, 201}
    assert not any("traceparent" in answer.text for answer in answers)


def test_order_has_no_trace_while_tracing_is_off(settings: Settings, dynamodb: Any) -> None:  # noqa: ANN401
    put(dynamodb, settings.dynamodb.products_table, LAMP)
    headers = {"traceparent": f"00-{TRACE}-{SPAN}-01"}
    with _client(settings) as client:
        body = {"productId": LAMP["id"], "quantity": 1}
        placed = client.post("/api/orders", json=body, headers=headers)

    assert _stored(dynamodb, settings, f"/api/orders/{placed.json()['id']}") is None


def test_requests_that_are_not_recorded_lead_to_their_trace_as_well(
    settings: Settings,
    dynamodb: Any,  # noqa: ANN401
) -> None:
    put(dynamodb, settings.dynamodb.products_table, LAMP)
    headers = {"traceparent": f"00-{TRACE}-{SPAN}-00"}
    with collector() as told, _client(_traced(settings, told)) as client:
        body = {"productId": LAMP["id"], "quantity": 1}
        placed = client.post("/api/orders", json=body, headers=headers)
    stored = _stored(dynamodb, settings, f"/api/orders/{placed.json()['id']}")

    assert re.fullmatch(rf"00-{TRACE}-[0-9a-f]{{16}}-00", stored or "")
    assert told.spans == []


def _stored(dynamodb: Any, settings: Settings, path: str) -> str | None:  # noqa: ANN401
    key = {"id": {"S": path.rpartition("/")[2]}}
    item = dynamodb.get_item(TableName=settings.dynamodb.orders_table, Key=key)["Item"]
    value = item.get("traceparent")
    return str(value["S"]) if value else None


async def test_log_lines_name_the_trace_and_a_broken_request_ends_its_span() -> None:
    spans = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    said: list[dict[str, Any]] = []

    async def app(*_: object) -> None:
        said.append(dict(structlog.contextvars.get_contextvars()))
        raise ClientDisconnect

    tracing = Tracing(lambda _: True, provider.get_tracer("test"))
    scope: Scope = {
        "type": "http",
        "method": "BREW",
        "path": "/api/orders/1",
        "scheme": "http",
        "headers": [],
        "query_string": b"email=ann@example.org",
        "client": None,
    }
    await RequestContext(app, tracing=tracing)(scope, _nothing, _nothing)

    (span,) = spans.get_finished_spans()
    context = span.get_span_context()
    assert context is not None
    assert said[0]["trace_id"] == f"{context.trace_id:032x}"
    assert said[0]["span_id"] == f"{context.span_id:016x}"
    assert (span.name, span.attributes) == (
        "HTTP",
        {
            "http.request.method": "_OTHER",
            "url.scheme": "http",
            "error.type": "client_disconnected",
        },
    )
    assert CURRENT.get() is None
    assert not is_recording()


async def _nothing(*_: object) -> Any:  # noqa: ANN401 - ASGI's
    return {"type": "http.disconnect"}


def test_without_an_endpoint_nothing_of_the_sdk_is_imported() -> None:
    program = """
import sys
from cloudmart.app import create_app
from cloudmart.settings import Settings
create_app(Settings())
sdk = ("opentelemetry.sdk", "opentelemetry.exporter")
print([name for name in sys.modules if name.startswith(sdk)])
"""
    ran = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120
    )

    assert ran.stdout.strip() == "[]"
