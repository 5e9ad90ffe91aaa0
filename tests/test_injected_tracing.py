"""An injected SDK learns nothing of what customers send.

Its instrumentation does not know the shop, and is configured to capture all it can.
"""

import json
from pathlib import Path
from typing import Any

import httpx2
import pytest

from cloudmart.settings import Settings
from tests.support.responses_api import answer
from tests.support.scripted_server import Reply, Request, loopback
from tests.support.serve_process import environment, serving_process
from tests.support.shop_tables import LAMP

INJECTED = Path(__file__).parent / "support" / "injected"
EVERYTHING = {
    **{
        f"OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_{side}": ".*"
        for side in ("REQUEST", "RESPONSE")
    },
}
JSON = {"Content-Type": "application/json"}
WEBSOCKET = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "bWFzZXR0bw==",
    "Sec-WebSocket-Protocol": "masetto",
}
CANARIES = (
    "donnaanna",
    *("zerlina", "leporello", "masetto", "sk-ottavio", "elvira", "commendatore", "email=", "@"),
)


def _spoken(url: str) -> list[str]:
    """Send data that must not come out, and return the ids of the orders."""
    headers = {
        "Authorization": "Bearer sk-ottavio",
        "tracestate": "k=elvira",
        "baggage": "name=elvira",
        "User-Agent": "commendatore",
    }
    ids = []
    with httpx2.Client(base_url=url, timeout=60, headers=headers) as client:
        body = {"productId": LAMP["id"], "quantity": 1, "userEmail": "zerlina@example.org"}
        placed = client.post("/api/orders", json=body)
        ids.append(placed.json()["id"])
        path = f"/api/orders/{ids[0]}"
        client.get(path)
        client.put(path, json={"status": "leporello"})
        client.put(path, json={"status": "Shipped"})
        client.get("/api/orders/leporello2345678")
        client.get("/api/orders/user?email=zerlina@example.org")
        client.get("/api/orders/user", params={"email": "zerlina@example.org"})
        client.get("/leporello/masetto?email=zerlina@example.org")
        client.request("LEPORELLO", "/api/products?q=masetto")
        thread = client.post("/api/ai/start").json()["threadId"]
        ids.append(thread)
        for _ in range(2):
            said = {"threadId": thread, "message": "I am masetto, where is order leporello?"}
            client.post("/api/ai/message", json=said)
        client.delete(path)
        client.get(path)
        _speak_elsewhere(client, ids[0])
    return ids


def _speak_elsewhere(client: httpx2.Client, order: str) -> None:
    """Send data to other routes, by other methods and with other forms of requests."""
    product = {
        "name": "masetto",
        "description": "masetto",
        "price": 3,
        "image": "https://masetto.example/1.png",
    }
    made = client.post("/api/products", json=product).json()
    client.put(f"/api/products/{made['id']}", json=product | {"name": "leporello"})
    client.get("/api/products?q=masetto&cursor=leporello")
    client.get("/api/products/leporello")
    client.delete(f"/api/products/{made['id']}")
    ticket = {"userEmail": "zerlina@example.org", "subject": "masetto", "message": "masetto"}
    opened = client.post("/api/tickets", json=ticket).json()
    client.put(f"/api/tickets/{opened['id']}", json={"status": "closed"})
    client.get(f"/api/tickets/{opened['id']}")
    client.get("/api/tickets/status?status=masetto")
    client.get("/api/pipeline/status?email=zerlina@example.org")
    client.get("/api/docs?email=zerlina@example.org")
    client.get("/api/openapi.json/masetto")
    client.get("/metrics?email=zerlina@example.org")
    client.get("/health?email=zerlina@example.org")
    for path in (f"/api/orders/{order}", "/api/orders/user?email=zerlina@example.org", "/masetto"):
        client.head(path)
        client.options(path, headers={"Origin": "https://masetto.example"})
        client.get(path, headers={"Host": "donnaanna.example"})
        client.get(path, headers=WEBSOCKET)
        client.request("PROPFIND", path)
    client.post("/api/orders", content=b'{"userEmail": "zerlina@', headers={"Content-Type": "x/y"})
    client.post("/api/orders", content=b'{"userEmail": "zerlina@', headers=JSON)


def _answer(request: Request) -> Reply:
    if request.path.endswith("/responses"):
        return answer("Hello ", "masetto.")
    return Reply.json(404, {"error": {"message": "masetto"}})


@pytest.mark.parametrize(
    "opted", ["", "http/dup,database/dup,gen_ai_latest_experimental"], ids=["old", "new"]
)
@pytest.mark.parametrize("transport", ["direct", "sdk"])
def test_an_injected_sdk_learns_nothing_of_customers(
    shared_settings: Settings, tmp_path: Path, opted: str, transport: str
) -> None:
    spans = tmp_path / "spans"
    with loopback() as provider:
        provider.answer = _answer
        environ = environment(
            shared_settings,
            **EVERYTHING,
            DYNAMODB_TRANSPORT=transport,
            OPENAI_API_KEY="sk-ottavio",
            OPENAI_BASE_URL=f"{provider.url}/v1",
            OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT="SPAN_AND_EVENT"
            if opted
            else "true",
            OTEL_SEMCONV_STABILITY_OPT_IN=opted,
            PYTHONPATH=str(INJECTED),
            SPANS_FILE=str(spans),
        )
        with serving_process(environ, tmp_path) as process:
            process.wait_for(200, "/ready")
            ids = _spoken(process.url)
            process.stop()
            _, log = process.ended()
    lines = spans.read_text().splitlines()
    told: list[dict[str, Any]] = [json.loads(line) for line in lines]

    assert "not_redacted" not in log
    assert {span["attributes"].get("http.route") for span in told} >= {
        *("/api/orders", "/api/orders/{order_id}", "/api/orders/user", "/api/ai/message"),
    }
    assert any(span["name"].startswith("GetItem") for span in told)
    words = [*CANARIES, *ids]
    assert [line for line in lines if any(word in line.lower() for word in words)] == []
