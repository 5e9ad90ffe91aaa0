"""A shop's traffic by a script, and the value it leaves in each metric, computed beforehand."""

from contextlib import nullcontext
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from prometheus_client import REGISTRY

from cloudmart.ai.ports import ProviderStep, Scores, ToolCall, Usage
from cloudmart.app import create_app
from cloudmart.composition.providers import Providers
from cloudmart.errors import ProviderUnavailableError
from cloudmart.observability.metrics import UNITS
from cloudmart.settings import CatalogueSettings, Settings
from tests.support.ready_app import serving, still
from tests.support.scripted_chat import ScriptedChat
from tests.support.scripted_sentiment import ScriptedSentiment
from tests.support.shop_tables import KETTLE, LAMP, let_use_indexes, put

ROOT = Path(__file__).parents[2]
SEARCH = ToolCall("1", "search_products", '{"query": "lamp"}')
USAGE = Usage(1000, 200, cached_tokens=400, reasoning_tokens=50)
OLD_ORDER = {"id": "abcdef01", "productId": "1", "quantity": 1, "status": "pending"}
BAD_ORDER = {"id": "abcdef02", "items": "nothing", "total": Decimal(1), "status": "Pending"}

ELSEWHERE = {
    "cloudmart_overloaded": "tests/rates/test_admission.py",
    "cloudmart_rate_limited": "tests/rates/test_limiting.py",
    "cloudmart_rate_limits_shared": "tests/rates/test_shared.py",
    "cloudmart_answers_cut_off": "tests/hostile/test_slow_clients.py",
    "cloudmart_lists_broken_off": "tests/http/test_streaming.py",
    "cloudmart_sign_ins": "tests/access/test_sign_in_metrics.py",
    "cloudmart_catalogue_stale_answers": "tests/products/test_catalogue_over_http.py",
    "cloudmart_dynamodb_consumed_capacity": "tests/dynamodb/test_call_metrics.py",
    "cloudmart_dynamodb_retries": "tests/dynamodb/test_call_metrics.py",
    "cloudmart_index_fallbacks": "tests/dynamodb/test_lookup.py",
    "cloudmart_ai_unpriced_requests": "tests/ai/test_metrics.py",
    "cloudmart_provider_refusals": "tests/ai/providers/test_provider_call.py",
    "cloudmart_provider_retries": "tests/ai/providers/test_provider_call.py",
    "cloudmart_ai_order_changes": "tests/ai/order_changes/test_confirmation.py",
    "cloudmart_ai_tickets": "tests/ai/test_ticket_requests.py",
    "cloudmart_startup_waits": "tests/health/test_startup.py",
    "cloudmart_credentials_expiry_timestamp_seconds": "tests/composition/test_process_metrics.py",
    "cloudmart_identity_mismatch": "tests/health/test_identity.py",
    "cloudmart_configuration_stale": "tests/health/test_staleness.py",
    "cloudmart_event_loop_lag_seconds": "tests/composition/test_process_metrics.py",
    "cloudmart_memory_limit_bytes": "tests/composition/test_process_metrics.py",
    "cloudmart_assistant_prompt_info": "tests/ai/test_prompts.py",
    "cloudmart_spans": "tests/composition/test_trace_export.py",
    "cloudmart_pipeline_runs": "tests/pipeline/test_status.py",
    "cloudmart_pipeline_lag_seconds": "tests/pipeline/test_status.py",
    "cloudmart_pipeline_iterator_age_seconds": "tests/pipeline/test_status.py",
    "cloudmart_pipeline_failures": "tests/pipeline/test_status.py",
    "cloudmart_pipeline_heartbeat_seconds": "tests/pipeline/test_heartbeat.py",
    "cloudmart_pipeline_heartbeats": "tests/pipeline/test_heartbeat.py",
    "cloudmart_invariant_violations": "tests/pipeline/test_invariants.py",
    "cloudmart_invariant_checked_timestamp_seconds": "tests/pipeline/test_invariants.py",
    "cloudmart_invariant_checks": "tests/pipeline/test_invariants.py",
    "cloudmart_invariant_read_units": "tests/pipeline/test_invariants.py",
}
"""Metrics that need a fault, another machine or a whole pipeline: where those are tried."""

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def key(name: str, **labels: str) -> tuple[str, frozenset[tuple[str, str]]]:
    """Return what a sample is found by."""
    return f"cloudmart_{name}", frozenset(labels.items())


def samples() -> Samples:
    """Return all samples of ours, of histograms their counts."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in REGISTRY.collect()
        if family.name.startswith("cloudmart_")
        for sample in family.samples
        if not sample.name.endswith(("_bucket", "_sum", "_created"))
    }


def counts(products: str, orders: str) -> Samples:
    """Return how much more each counter has after the script."""
    model = {"provider": "scripted", "model": "gpt-6-luna"}
    mood = {"provider": "azure", "model": "sentiment"}
    served = {"method": "GET", "status": "200"}
    order = {"method": "POST", "route": "/api/orders"}
    by_id = {"route": "/api/orders/{order_id}"}
    message = {"method": "POST", "route": "/api/ai/message"}
    request, call = (
        "http_request_duration_seconds_count",
        "dynamodb_operation_duration_seconds_count",
    )
    return {
        key(request, **served, route="/api/products"): 2,
        key(request, **served, route="/api/products/{product_id}"): 1,
        key(request, method="GET", route="unknown", status="404"): 1,
        key(request, method="other", route="/api/products", status="405"): 1,
        key(request, **order, status="201"): 1,
        key(request, **order, status="422"): 1,
        key(request, **order, status="409"): 1,
        key(request, **served, **by_id): 3,
        key(request, method="GET", **by_id, status="404"): 1,
        key(request, **message, status="200"): 1,
        key(request, **message, status="503"): 1,
        key("orders_placed_total"): 1,
        key("orders_revenue_total"): 39.98,
        key("orders_refused_total", reason="unknown-product"): 1,
        key("orders_refused_total", reason="price-changed"): 1,
        key("old_shape_items_total", kind="Order", shape="single-product"): 1,
        key("old_shape_items_total", kind="Order", shape="status-in-other-words"): 1,
        key("unreadable_items_total", kind="Order"): 1,
        key("catalogue_reads_total", outcome="changed"): 1,
        key(call, operation="put_item", table=orders, outcome="ok"): 1,
        # Three orders that there are, and one that there is not.
        key(call, operation="get_item", table=orders, outcome="ok"): 4,
        # Before it refuses, the service asks the table for prices.
        key(call, operation="batch_get_item", table=products, outcome="ok"): 2,
        key("chat_turns_total", provider="scripted", outcome="answered"): 1,
        key("chat_turns_total", provider="scripted", outcome="ai-unavailable"): 1,
        key("ai_request_duration_seconds_count", **model, outcome="tools"): 1,
        key("ai_request_duration_seconds_count", **model, outcome="answered"): 1,
        key("ai_request_duration_seconds_count", **model, outcome="ai-unavailable"): 1,
        key("ai_request_duration_seconds_count", **mood, outcome="answered"): 1,
        key("ai_time_to_first_token_seconds_count", **model): 1,
        key("ai_tokens_total", **model, kind="input"): 2000,
        key("ai_tokens_total", **model, kind="cached"): 800,
        key("ai_tokens_total", **model, kind="output"): 400,
        key("ai_tokens_total", **model, kind="reasoning"): 100,
        # 1,200 fresh at 0.10, 800 cached at 0.01, 400 written at 0.50 for a million.
        key("ai_cost_usd_total", **model): 0.000328,
        # One unit of 1,000 characters.
        key("ai_cost_usd_total", **mood): 0.001,
        key("ai_tool_calls_total", tool="search_products", result="ok"): 1,
        key("sentiment_units_total"): 1,
        key("chats_ended_total", sentiment="positive", source="azure"): 1,
    }


GAUGES: Samples = {
    key("requests_worked_on", lane="requests"): 0,
    key("ready"): 1,
    key("dependency_up", dependency="orders"): 1,
    # (1 + 0.8 - 0.1) / 2, of one chat.
    key("customer_satisfaction_score", source="azure"): 0.85,
    key("customer_satisfaction_chats", source="azure"): 1,
    key("pipeline_orders_today", store="dynamodb"): 1,
}
KINDS = {"cloudmart_startup_seconds", "cloudmart_catalogue_age_seconds"}
"""Gauges that tell a time, of which only the sign is known beforehand."""
ONES = {"cloudmart_build_info", "cloudmart_configuration_info"}
ASKED = {"cloudmart_pipeline_unknown", "cloudmart_pipeline_looked_at_timestamp_seconds"}


@pytest.fixture
def prepared(settings: Settings, dynamodb: Any) -> Settings:  # noqa: ANN401
    """Give settings of a shop with two products and two orders of older releases."""
    let_use_indexes(dynamodb, settings.dynamodb)
    put(dynamodb, settings.dynamodb.products_table, LAMP, KETTLE)
    put(dynamodb, settings.dynamodb.orders_table, OLD_ORDER, BAD_ORDER)
    return settings.model_copy(update={"catalogue": CatalogueSettings(ttl=60)})


def _run(client: TestClient) -> dict[str, Any]:
    """Play the script; return what the pipeline's status said."""
    client.get("/api/products")
    client.get("/api/products?limit=1")
    client.get("/api/products/1")
    client.get("/ann@example.org/secret")
    client.request("ANYTHING", "/api/products")
    lamps = {"productId": "1", "quantity": 2}
    placed = client.post("/api/orders", json=lamps).json()
    client.post("/api/orders", json=lamps | {"productId": "999"})
    client.post("/api/orders", json=lamps | {"total": 1})
    for order in (placed["id"], OLD_ORDER["id"], BAD_ORDER["id"], "23456789abcdefgh"):
        client.get(f"/api/orders/{order}")
    thread = client.post("/api/ai/start").json()["threadId"]
    for _ in range(2):
        client.post("/api/ai/message", json={"threadId": thread, "message": "Lamps?"})
    said = {"id": thread, "messages": [{"sender": "user", "text": "Lovely!"}]}
    client.post("/api/ai/analyze-sentiment", json={"thread": said})
    status: dict[str, Any] = client.get("/api/pipeline/status").json()
    return status


def test_scripted_traffic_leaves_each_metric_at_its_value(prepared: Settings) -> None:
    chat = ScriptedChat(
        *(USAGE, ProviderStep("", [SEARCH]), USAGE, "None."), ProviderUnavailableError("X")
    )
    chat.model, chat.priced_by = "gpt-6-luna", "openai"
    azure = ScriptedSentiment("azure", [Scores(0.8, 0.1, 0.1)])
    providers = Providers(chat, chat, azure, ScriptedSentiment("offline-vader", [Scores(0, 1, 0)]))
    app = create_app(prepared, lambda *_: nullcontext(providers), process=still(prepared))
    fresh = samples()

    with serving(app) as client:
        before = samples()
        status = _run(client)
        after = samples()

    names = prepared.dynamodb
    expected = counts(names.products_table, names.orders_table)
    # Memory is read at the start, before anybody asks.
    read = key("catalogue_reads_total", outcome="changed")
    before[read] = fresh.get(read, 0)
    found = {each: after.get(each, 0) - before.get(each, 0) for each in expected}
    assert found == pytest.approx(expected)
    assert {each: after[each] for each in GAUGES} == pytest.approx(GAUGES)
    assert after[key("pipeline_unknown")] == len(status["unknown"])
    assert after[key("pipeline_looked_at_timestamp_seconds")] > 0
    for name in KINDS:
        assert after[name, frozenset()] >= 0, name
    assert {value for (name, _), value in after.items() if name in ONES} == {1}


def test_no_metric_is_left_out() -> None:
    scripted = {name for name, _ in (*counts("", ""), *GAUGES)} | KINDS | ONES | ASKED
    scripted = {name.removesuffix("_total").removesuffix("_count") for name in scripted}
    declared = {metric._name for metric in UNITS}  # noqa: SLF001 - told nowhere else

    assert scripted | ELSEWHERE.keys() == declared
    assert not scripted & ELSEWHERE.keys()
    assert all((ROOT / place).is_file() for place in ELSEWHERE.values())


def test_no_word_of_a_caller_is_a_label() -> None:
    labels = {value for _, labels in samples() for _, value in labels}

    assert not [each for each in labels if "@" in each or "secret" in each or each == "ANYTHING"]
