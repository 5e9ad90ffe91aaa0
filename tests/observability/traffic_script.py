"""A shop's traffic by a script, and the value it leaves in each metric, computed beforehand."""

import time
from contextlib import nullcontext
from decimal import Decimal
from typing import Any

from fastapi import FastAPI
from fastapi.testclient import TestClient

from cloudmart.ai.ports import ProviderStep, Scores, ToolCall, Usage
from cloudmart.app import create_app
from cloudmart.composition.providers import Providers
from cloudmart.errors import ProviderUnavailableError
from cloudmart.settings import CatalogueSettings, DynamoDBSettings, Settings
from tests.support.metric_samples import sample
from tests.support.ready_app import still
from tests.support.scripted_chat import ScriptedChat
from tests.support.scripted_sentiment import ScriptedSentiment
from tests.support.shop_tables import KETTLE, LAMP, let_use_indexes, put

PATIENCE = 60.0
_CHECKS = 2
SEARCH = ToolCall("1", "search_products", '{"query": "lamp"}')
USAGE = Usage(1000, 200, cached_tokens=400, reasoning_tokens=50)
OLD_ORDER = {"id": "abcdef01", "productId": "1", "quantity": 1, "status": "pending"}
BAD_ORDER = {"id": "abcdef02", "items": "nothing", "total": Decimal(1), "status": "Pending"}

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def key(name: str, **labels: str) -> tuple[str, frozenset[tuple[str, str]]]:
    """Return what a sample is found by."""
    return f"cloudmart_{name}", frozenset(labels.items())


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


def prepare(settings: Settings, dynamodb: Any) -> Settings:  # noqa: ANN401 - boto3's
    """Return settings of a shop with two products and two orders of older releases."""
    let_use_indexes(dynamodb, settings.dynamodb)
    put(dynamodb, settings.dynamodb.products_table, LAMP, KETTLE)
    put(dynamodb, settings.dynamodb.orders_table, OLD_ORDER, BAD_ORDER)
    return settings.model_copy(update={"catalogue": CatalogueSettings(ttl=60)})


def scripted_app(settings: Settings) -> FastAPI:
    """Return the application with providers that answer by the script."""
    chat = ScriptedChat(
        *(USAGE, ProviderStep("", [SEARCH]), USAGE, "None."), ProviderUnavailableError("X")
    )
    chat.model, chat.priced_by = "gpt-6-luna", "openai"
    azure = ScriptedSentiment("azure", [Scores(0.8, 0.1, 0.1)])
    providers = Providers(chat, chat, azure, ScriptedSentiment("offline-vader", [Scores(0, 1, 0)]))
    return create_app(settings, lambda *_: nullcontext(providers), process=still(settings))


def wait_for_checks(names: DynamoDBSettings) -> None:
    """Wait until the service has checked its tables: at the start, and once more when it is ready.

    The tables are new, so nobody else has read an item of them.
    """
    name, deadline = "dynamodb_operation_duration_seconds_count", time.monotonic() + PATIENCE
    for table in (names.products_table, names.orders_table, names.tickets_table):
        while sample(name, operation="get_item", table=table, outcome="ok") < _CHECKS:
            assert time.monotonic() < deadline, table
            time.sleep(0.01)


def play_script(client: TestClient) -> dict[str, Any]:
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
