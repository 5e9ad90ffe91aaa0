"""However many names clients, models, providers and AWS make up, metrics get no series for them."""

import base64
from collections import defaultdict
from collections.abc import Callable

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families

from cloudmart.settings import Settings
from tests.support import azure_language
from tests.support.fault_proxy import FaultProxy, Refusal, fault_proxy
from tests.support.responses_api import (
    asking,
    beginning,
    ending,
    error,
    event,
    failed,
    flat,
    incomplete,
    message,
    nested,
    response,
    stream,
)
from tests.support.rollouts import SECRETS
from tests.support.routes import ROUTES
from tests.support.scripted_server import LoopbackServer, Reply, Request, loopback
from tests.support.serve_process import environment, serving_process

TIMES = 32
"""How often each place gets another name: more than any label has values by right."""
NAME = "madeup"
JSON = {"Content-Type": "application/json"}

Values = dict[tuple[str, str], set[str]]


def strange(number: int) -> list[Reply]:
    """Return what a provider answers that invents names."""
    name = f"{NAME}{number}"
    usage = {"input_tokens": 9, "output_tokens": 1, f"{name}_tokens": 5, "currency": name}
    return [
        asking(("call_1", name, "{}")),
        asking(("call_1", "search_products", f'{{"{name}": 1}}')),
        stream(*beginning("Lamps."), ending(message("Lamps."), model=name, usage=usage)),
        stream(event(f"response.{name}", name=name), ending(message("Lamps."), service_tier=name)),
        stream(event("response.created", response=response(name, model=name))),
        incomplete(name),
        *(each(name) for each in (failed, flat, nested)),
        *(error(status, name) for status in (299, 400, 401, 418, 429, 500, 599)),
        Reply(200, {"content-type": f"text/{name}"}, [name.encode()]),
    ]


class Stranger:
    """Sends requests that hold names of its own, to a shop whose others invent names as well."""

    def __init__(self, client: httpx2.Client, store: FaultProxy, provider: LoopbackServer) -> None:
        self._client = client
        self._store = store
        self._provider = provider

    def send(self, number: int) -> None:
        """Send some requests with a name in every place."""
        name = f"{NAME}{number}"
        headers = {
            "User-Agent": name,
            "Accept-Language": name,
            "Accept": f"text/{name}",
            "Authorization": f"{name} {name}",
            "Idempotency-Key": name,
            "X-Request-ID": name,
            "X-Forwarded-For": f"203.0.113.{number}",
            "Origin": f"https://{name}.example",
            "Host": f"{name}.example",
            "Cache-Control": name,
            "Traceparent": f"00-{'1' * 32}-{number:016x}-01",
        }
        ask = self._client.request
        for method in (name.upper(), "PURGE", "PROPFIND"):
            ask(method, "/api/products", headers=headers)
        ask("GET", f"/{name}/{name}", headers=headers)
        route = ROUTES[number % len(ROUTES)]
        ask(route.method, route.path(name), headers=headers, json={name: name})
        ask("POST", "/api/orders", headers=headers, json={"currency": name, "productId": name})
        ask("POST", "/api/orders", headers={"Content-Type": f"text/{name}"}, content=name)
        ask("PUT", f"/api/orders/{name}", headers=JSON, json={"status": name})
        ask("GET", f"/api/products?limit=1&cursor={name}&sort={name}", headers=headers)
        basic = base64.b64encode(f"{name}:{name}".encode()).decode()
        ask("GET", "/api/tickets", headers={"Authorization": f"Basic {basic}"})
        ask(
            "OPTIONS",
            "/api/orders",
            headers={"Origin": name, "Access-Control-Request-Method": name},
        )
        self._store.fail(Refusal(400 + number, f"{name}Exception", name), "GetItem", times=2)
        ask("GET", f"/api/orders/{'k' * 15}{2 + number % 8}")
        self._store.heal()

    def chat(self, number: int) -> None:
        """Have a chat whose providers invent names."""
        name = f"{NAME}{number}"
        replies = strange(number)
        thread = self._client.post("/api/ai/start").json()["threadId"]
        self._provider.answer = lambda _: replies[number % len(replies)]
        self._client.post("/api/ai/message", json={"threadId": thread, "message": name})
        self._provider.answer = self._mood(name)
        said = [{"sender": "user", "text": name}, {"sender": "ai", "text": name}]
        ended = {"id": thread, "name": name, "messages": said, "sentiment": name}
        self._client.post("/api/ai/analyze-sentiment", json={"thread": ended})

    def _mood(self, name: str) -> Callable[[Request], Reply]:
        def answer(request: Request) -> Reply:
            if int(name.removeprefix(NAME)) % 2:
                return azure_language.error(400, name, name)
            documents = request.json["analysisInput"]["documents"]
            scored = [azure_language.scored(each["id"], "positive") for each in documents]
            return azure_language.results([each | {"sentiment": name} for each in scored], [])

        return answer


@pytest.fixture(scope="module")
def metrics(
    engine: str, shared_settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """Give the metrics of a process that strangers have talked to."""
    with loopback() as provider, fault_proxy(engine) as store:
        environ = environment(
            shared_settings,
            AUTH="basic",
            ADMIN_USERS=SECRETS["ADMIN_USERS"],
            AWS_ENDPOINT_URL_DYNAMODB=store.url,
            OPENAI_API_KEY="sk-test",
            OPENAI_BASE_URL=f"{provider.url}/v1",
            AZURE_ENDPOINT=provider.url,
            AZURE_API_KEY="key",
            TRUSTED_PROXIES="127.0.0.1/32",
            **{f"RATE_LIMIT_{kind}": "100000" for kind in ("READ", "WRITE", "CHAT", "EMAIL")},
        )
        directory = tmp_path_factory.mktemp("strangers")
        provider.answer = lambda _: error(404)
        with serving_process(environ, directory) as process:
            process.wait_for(200, "/ready")
            with httpx2.Client(base_url=process.url, timeout=60) as client:
                stranger = Stranger(client, store, provider)
                for number in range(TIMES):
                    stranger.send(number)
                    stranger.chat(number)
            text = httpx2.get(f"http://127.0.0.1:{process.metrics_port}/metrics", timeout=60).text
            process.stop()
            process.process.communicate(timeout=30)
    return text


def values(text: str) -> Values:
    """Return the values of each label of each metric of ours."""
    found: Values = defaultdict(set)
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            for label, value in sample.labels.items():
                if family.name.startswith("cloudmart_") and label != "le":
                    found[family.name, label].add(value)
    return found


def test_everything_was_counted_that_was_to(metrics: str) -> None:
    found = values(metrics)

    assert "other" in found["cloudmart_http_request_duration_seconds", "method"]
    assert "unknown" in found["cloudmart_http_request_duration_seconds", "route"]
    assert "refused" in found["cloudmart_dynamodb_operation_duration_seconds", "outcome"]
    assert "unknown" in found["cloudmart_ai_tool_calls", "tool"]
    assert found["cloudmart_ai_request_duration_seconds", "outcome"] >= {"answered", "ai-failed"}
    assert found["cloudmart_ai_request_duration_seconds", "model"] >= {"sentiment"}
    assert len(found["cloudmart_provider_refusals", "provider"]) == 2
    assert found["cloudmart_chats_ended", "sentiment"]
    assert found["cloudmart_sign_ins", "scheme"]


def test_no_name_that_was_made_up_is_a_label(metrics: str) -> None:
    assert [line for line in metrics.splitlines() if NAME in line.lower()] == []


def test_no_label_has_as_many_values_as_names_were_made_up(metrics: str) -> None:
    routes = {route.template for route in ROUTES}
    many = {
        place: sorted(found)
        for place, found in values(metrics).items()
        if len(found - routes) > TIMES * 3 // 4
    }

    assert many == {}
