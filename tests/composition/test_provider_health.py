"""Health, the landing page and the metrics show the result of a provider's last use."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from fastapi.testclient import TestClient
from prometheus_client import REGISTRY
from pydantic import SecretStr

from cloudmart.app import create_app
from cloudmart.composition.runtime import Runtime
from cloudmart.health.causes import DependencyError
from cloudmart.health.causes.process import ANONYMOUS, KEYS_AWAY
from cloudmart.health.state import CLIENTS, ISSUER, LAPSE, Health, Timing
from cloudmart.http.client_address import Clients
from cloudmart.observability.metrics import DEPENDENCY_UP
from cloudmart.settings import AzureSettings, BedrockSettings, OpenAISettings, Settings
from tests.support import azure_language as language
from tests.support import event_stream as aws
from tests.support import responses_api as api
from tests.support.clock import Clock
from tests.support.ready_app import serving
from tests.support.scripted_server import Fault, LoopbackServer, Reply, loopback

UNUSED = {"status": "pass", "output": "Configured, not used yet."}
LATELY = {"status": "pass", "output": "Configured, not used in the last 15 minutes."}
REFUSED = {"status": "fail", "output": "The provider refused the last call of this service."}
AWAY = {
    "status": "fail",
    "output": "At the last call, the provider could not be reached or accepted no more requests.",
}
FAILED = {"status": "warn", "output": "The provider gave no usable answer to the last call."}
WORKS: dict[str, str] = {"status": "pass"}

_LONG = 24 * 60 * 60.0
_AGENT = {"agent_id": "AGENT00001", "agent_alias_id": "ALIAS00001"}
_MODEL = {"model_id": "eu.amazon.nova-2-lite-v1:0"}


class Shop:
    """A shop, its providers, and its clock."""

    def __init__(self, client: TestClient, server: LoopbackServer, clock: Clock) -> None:
        self.client = client
        self.server = server
        self.clock = clock

    def chats(self, path: str, *replies: Reply) -> int:
        """Send a message that gets this answer, and return the status."""
        self.server.play(*replies)
        conversation = self.client.post(f"{path}/start").json()
        said = conversation | {"message": "What do you sell?"}
        return self.client.post(f"{path}/message", json=said).status_code

    def ends_a_chat(self, *replies: Reply) -> int:
        """End a chat whose sentiment gets this answer, and return the status."""
        self.server.play(*replies)
        # The service asks Azure only about chats that it has begun itself.
        thread = {
            "id": self.client.post("/api/ai/start").json()["threadId"],
            "messages": [{"sender": "user", "text": "Thank you, that was good."}],
        }
        return self.client.post("/api/ai/analyze-sentiment", json={"thread": thread}).status_code

    def told(self, provider: str) -> dict[str, Any]:
        """Return what health says about a provider."""
        check = self.client.get("/health").json()["checks"][f"{provider}:availability"][0]
        return {name: check[name] for name in ("status", "output") if name in check}

    def series(self, provider: str) -> float | None:
        """Return the provider's value in the metrics, or None if it has no series."""
        return REGISTRY.get_sample_value("cloudmart_dependency_up", {"dependency": provider})


@pytest.fixture(params=[_AGENT, _MODEL], ids=["agent", "converse"])
def shop(
    request: pytest.FixtureRequest, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Shop]:
    """Provide a shop with all providers, and with Bedrock in each of its modes."""
    for provider in ("openai", "bedrock", "azure"):
        with suppress(KeyError):
            DEPENDENCY_UP.remove(provider)
    clock = Clock()
    with loopback() as server:
        for service in ("BEDROCK_AGENT_RUNTIME", "BEDROCK_RUNTIME"):
            monkeypatch.setenv(f"AWS_ENDPOINT_URL_{service}", server.url)
        key = SecretStr("sk-test")
        changed = settings.model_copy(
            update={
                "openai": OpenAISettings(api_key=key, base_url=f"{server.url}/v1"),
                "bedrock": BedrockSettings(**request.param, region="us-east-1"),
                "azure": AzureSettings(endpoint=server.url, api_key=key),
            }
        )
        rhythm = replace(Timing(), now=clock.now, sample_every=(_LONG, _LONG))
        process = Runtime.begin(changed, Health(rhythm=rhythm))
        with serving(create_app(changed, process=process)) as client:
            yield Shop(client, server, clock)


def test_before_the_first_use_health_says_unused_and_there_is_no_series(
    shop: Shop,
) -> None:
    assert [shop.told(each) for each in ("openai", "bedrock", "azure")] == [UNUSED] * 3
    assert [shop.series(each) for each in ("openai", "bedrock", "azure")] == [None] * 3
    assert shop.client.get("/health").json()["status"] == "pass"
    page = shop.client.get("/", headers={"Accept": "text/html"}).text
    assert page.count("Configured, not used yet.") == 3


@pytest.mark.parametrize(
    ("provider", "use", "told"),
    [
        ("openai", lambda it: it.chats("/api/ai", api.error(401, "invalid_api_key")), REFUSED),
        ("openai", lambda it: it.chats("/api/ai", api.error(404, "model_not_found")), REFUSED),
        ("openai", lambda it: it.chats("/api/ai", api.error(429, "insufficient_quota")), AWAY),
        ("openai", lambda it: it.chats("/api/ai", api.stream(Fault.RESET)), FAILED),
        ("openai", lambda it: it.chats("/api/ai", api.answer("Kettles.")), WORKS),
        (
            "bedrock",
            lambda it: it.chats("/api/ai/bedrock", aws.error(403, "AccessDeniedException")),
            REFUSED,
        ),
        (
            "bedrock",
            lambda it: it.chats("/api/ai/bedrock", aws.error(404, "ResourceNotFoundException")),
            REFUSED,
        ),
        ("azure", lambda it: it.ends_a_chat(language.error(401, "Unauthorized")), REFUSED),
        ("azure", lambda it: it.ends_a_chat(language.error(404, "NotFound")), REFUSED),
    ],
)
def test_health_shows_the_last_use_and_readiness_ignores_it(
    provider: str, use: Callable[[Shop], int], told: dict[str, str], shop: Shop
) -> None:
    use(shop)

    others = {"openai", "bedrock", "azure"} - {provider}
    page = shop.client.get("/", headers={"Accept": "text/html"}).text
    assert shop.told(provider) == told
    assert shop.series(provider) == (1 if told == WORKS else 0)
    assert {each: shop.told(each) for each in others} == dict.fromkeys(others, UNUSED)
    assert told.get("output", "Works") in page
    assert shop.client.get("/ready").status_code == 200
    assert shop.client.get("/health").json()["status"] == ("pass" if told == WORKS else "warn")


def test_an_outcome_is_replaced_by_the_next_and_expires_after_fifteen_minutes(
    shop: Shop,
) -> None:
    wrong, well = api.error(401, "invalid_api_key"), api.answer("Kettles.")

    seen = [shop.chats("/api/ai", wrong) and shop.told("openai")]
    shop.clock.advance(LAPSE.total_seconds())
    seen.append(shop.told("openai"))
    shop.clock.advance(1)
    seen.append(shop.told("openai"))
    gone = shop.series("openai")
    shop.chats("/api/ai", wrong)
    shop.chats("/api/ai", well)
    seen.append(shop.told("openai"))
    shop.clock.advance(LAPSE.total_seconds() + 1)
    seen.append(shop.told("openai"))

    assert seen == [REFUSED, REFUSED, LATELY, WORKS, LATELY]
    assert gone is None
    assert shop.series("openai") is None


def test_a_chat_without_messages_does_not_count_as_a_use_of_azure(shop: Shop) -> None:
    thread = {"messages": [{"sender": "ai", "text": "Good day."}, {"sender": "user", "text": " "}]}

    shop.client.post("/api/ai/analyze-sentiment", json={"thread": thread})

    assert shop.told("azure") == UNUSED


def test_remarks_of_requests_lapse_too_and_are_made_again() -> None:
    clock = Clock()
    health = Health(rhythm=clock.rhythm)
    health.enable(ISSUER)
    away, stranger = (
        DependencyError(KEYS_AWAY, serious=False),
        DependencyError(ANONYMOUS, serious=False),
    )

    def remark() -> dict[str, str]:
        health.remark(ISSUER, away)
        health.remark(CLIENTS, stranger)
        return told()

    def told() -> dict[str, str]:
        return {each.name: reading.status for each, reading in health.readings()}

    warned = remark()
    clock.advance(LAPSE.total_seconds() + 1)
    lapsed = told()

    assert warned == {"issuer": "warn", "clients": "warn"}
    assert lapsed == {"issuer": "pass"}
    assert remark() == warned


def test_an_untrusted_proxy_is_logged_once_a_minute() -> None:
    told: list[float] = []
    clock = Clock()
    clients = Clients((), lambda: told.append(clock.seconds), lambda: clock.seconds)
    scope = {"client": ("10.0.0.1", 1), "headers": [(b"x-forwarded-for", b"192.0.2.1")]}

    for _ in range(130):
        clients.name(scope)
        clock.advance(1)

    assert told == [0, 60, 120]
