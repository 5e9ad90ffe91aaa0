"""Every fault of a provider, from its wire to the client's answer and the next message."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from cloudmart.ai.providers.provider_call import WITHHELD
from cloudmart.app import create_app
from cloudmart.settings import AssistantSettings, BedrockSettings, OpenAISettings, Settings
from tests.support import event_stream as aws
from tests.support import responses_api as api
from tests.support.problems import is_problem
from tests.support.ready_app import serving, still
from tests.support.scripted_server import Fault, LoopbackServer, Reply, Request, loopback

EVENTS = "text/event-stream"
NEXT = "And now?"


@dataclass(frozen=True, slots=True)
class Provider:
    """A route, a good answer of its provider, and the customer's words in a request."""

    path: str
    key: str
    settings: dict[str, Any]
    well: Reply

    def heard(self, request: Request) -> list[str]:
        """Return the messages in a request to the provider, without their marks."""
        body = request.json
        if self is AGENT:
            return [body["inputText"]]
        if self is OPENAI:
            told = [message["content"] for message in body["input"]]
        else:
            told = [message["content"][0]["text"] for message in body["messages"]]
        return [text.removeprefix("<customer>").removesuffix("</customer>") for text in told]


def converse(*frames: bytes | Fault) -> Reply:
    """Return a model's message."""
    return aws.stream(aws.message_start(), *frames)


OPENAI = Provider("/api/ai", "threadId", {}, api.answer("Here ", "again."))
AGENT = Provider(
    "/api/ai/bedrock",
    "conversationId",
    {"agent_id": "AGENT00001", "agent_alias_id": "ALIAS00001"},
    aws.stream(aws.chunk("Here "), aws.chunk("again.")),
)
CONVERSE = Provider(
    "/api/ai/bedrock",
    "conversationId",
    {"model_id": "eu.amazon.nova-2-lite-v1:0"},
    converse(aws.text_delta("Here again."), *aws.message_stop()),
)

BEGUN, NO_JSON = api.beginning("We ha"), b"data: {not json\n\n"
BROKEN = aws.chunk("more")[:-1] + b"\x00"
PIECE = aws.chunk("We ha")
HALF = aws.text_delta("We ha")
FAILED, LATE = (502, "ai-failed"), (504, "ai-timeout")
AWAY, WRONG = (503, "ai-unavailable"), (503, "ai-misconfigured")
FAILURES: dict[str, tuple[Provider, tuple[int, str], Sequence[Reply]]] = {
    "openai: failed": (OPENAI, FAILED, [api.failed("server_error")]),
    "openai: failed by its rate limit": (OPENAI, AWAY, [api.failed("rate_limit_exceeded")]),
    "openai: incomplete and empty": (OPENAI, FAILED, [api.incomplete("max_output_tokens")]),
    "openai: cut": (OPENAI, FAILED, [api.stream(*BEGUN)]),
    "openai: reset": (OPENAI, FAILED, [api.stream(*BEGUN, Fault.RESET)]),
    "openai: no stream at all": (OPENAI, FAILED, [api.stream()]),
    "openai: a malformed chunk": (OPENAI, FAILED, [api.stream(*BEGUN, NO_JSON)]),
    "openai: a flat error": (OPENAI, FAILED, [api.flat("server_error")]),
    "openai: a nested error": (OPENAI, FAILED, [api.nested("server_error")]),
    "openai: a stall": (OPENAI, LATE, [api.stream(*BEGUN, Fault.HANG)]),
    "openai: no quota": (OPENAI, AWAY, [api.error(429, "insufficient_quota")]),
    "openai: throttled": (OPENAI, AWAY, [api.error(429, retry_after="50")]),
    "openai: a wrong key": (OPENAI, WRONG, [api.error(401, "invalid_api_key")]),
    "openai: no such model": (OPENAI, WRONG, [api.error(404, "model_not_found")]),
    "openai: down": (OPENAI, FAILED, [api.error(500, retry_after="0")] * 2),
    "openai: slow by its own account": (OPENAI, LATE, [api.error(504, retry_after="0")] * 2),
    "agent: throttled in the stream": (
        AGENT,
        AWAY,
        [aws.stream(PIECE, aws.exception("throttlingException"))],
    ),
    "agent: a fault in the stream": (
        AGENT,
        FAILED,
        [aws.stream(PIECE, aws.exception("internalServerException"))],
    ),
    "agent: denied in the stream": (
        AGENT,
        WRONG,
        [aws.stream(aws.exception("accessDeniedException"))],
    ),
    "agent: a bad checksum": (AGENT, FAILED, [aws.stream(PIECE, BROKEN)]),
    "agent: reset": (AGENT, FAILED, [aws.stream(PIECE, Fault.RESET)]),
    "agent: an end inside a frame": (
        AGENT,
        FAILED,
        [aws.stream(aws.chunk("Yes.")[:40], Fault.CUT)],
    ),
    "agent: a stall": (AGENT, LATE, [aws.stream(PIECE, Fault.HANG)]),
    "agent: an empty stream": (AGENT, FAILED, [aws.stream()]),
    "agent: throttled": (AGENT, AWAY, [aws.error(429, "ThrottlingException", retry_after="0")] * 2),
    "agent: denied": (AGENT, WRONG, [aws.error(403, "AccessDeniedException")]),
    "converse: throttled in the stream": (
        CONVERSE,
        AWAY,
        [converse(HALF, aws.exception("throttlingException"))],
    ),
    "converse: a bad checksum": (CONVERSE, FAILED, [converse(HALF, BROKEN)]),
    "converse: reset": (CONVERSE, FAILED, [converse(HALF, Fault.RESET)]),
    "converse: a stall": (CONVERSE, LATE, [converse(HALF, Fault.HANG)]),
    "converse: cut": (CONVERSE, FAILED, [converse(HALF)]),
    "converse: an empty stream": (CONVERSE, FAILED, [aws.stream()]),
    "converse: denied": (CONVERSE, WRONG, [aws.error(403, "AccessDeniedException")]),
}
"""The provider, the status and type that the client gets, and what the provider does."""


@dataclass(frozen=True, slots=True)
class Shop:
    """An application, and the provider of its assistants."""

    client: TestClient
    server: LoopbackServer

    def start(self, provider: Provider) -> dict[str, str]:
        """Start a conversation, and return its id in the form of the request."""
        started: dict[str, str] = self.client.post(f"{provider.path}/start").json()
        return started


@pytest.fixture(scope="module")
def server() -> Iterator[LoopbackServer]:
    """Provide a server that plays all providers."""
    with loopback() as server, pytest.MonkeyPatch.context() as patch:
        for service in ("BEDROCK_AGENT_RUNTIME", "BEDROCK_RUNTIME"):
            patch.setenv(f"AWS_ENDPOINT_URL_{service}", server.url)
        yield server


@contextmanager
def opened(
    settings: Settings, server: LoopbackServer, provider: Provider, turn_timeout: float = 45
) -> Iterator[Shop]:
    """Open a shop whose assistants call the server."""
    changed = settings.model_copy(
        update={
            "openai": OpenAISettings(api_key=SecretStr("sk-test"), base_url=f"{server.url}/v1"),
            "bedrock": BedrockSettings(**provider.settings, region="us-east-1"),
            "assistant": AssistantSettings(turn_timeout=turn_timeout),
        }
    )
    with serving(create_app(changed, process=still(changed))) as client:
        yield Shop(client, server)


def last(answer: httpx2.Response) -> dict[str, Any]:
    """Return the problem that ends a stream, as an event or in place of the stream."""
    if answer.status_code != 200:
        return is_problem(answer, answer.status_code)
    *_, name, content = answer.text.removesuffix("\n\n").rsplit("\n", 2)
    assert name == "event: error"
    problem: dict[str, Any] = json.loads(content.removeprefix("data: "))
    return problem


@pytest.fixture
def shop(
    request: pytest.FixtureRequest, shared_settings: Settings, server: LoopbackServer
) -> Iterator[Shop]:
    """Provide a shop for a fault. It gives a stalled provider up soon."""
    name = request.getfixturevalue("name")
    patience = 3 if name.endswith("a stall") else 45
    with opened(shared_settings, server, FAILURES[name][0], patience) as shop:
        yield shop


@pytest.mark.parametrize("name", FAILURES)
def test_a_failure_is_reported_with_its_status_and_the_conversation_continues(
    name: str, shop: Shop
) -> None:
    provider, (status, kind), replies = FAILURES[name]
    path = f"{provider.path}/message"
    question = shop.start(provider)

    shop.server.play(*replies)
    whole = shop.client.post(path, json=question | {"message": "Lamps?"})
    shop.server.play(*replies)
    streamed = shop.client.post(
        path, json=question | {"message": "Lamps?"}, headers={"Accept": EVENTS}
    )
    shop.server.play(provider.well)
    after = shop.client.post(path, json=question | {"message": NEXT})

    problem = is_problem(whole, status)
    assert problem["type"] == f"/api/problems/{kind}"
    assert "Said by the provider" not in whole.text + streamed.text
    assert ("Retry-After" in whole.headers) == (kind == "ai-unavailable")
    assert {**last(streamed), "requestId": ""} == {**problem, "requestId": ""}
    assert (after.status_code, after.json()) == (200, {"response": "Here again."})
    assert provider.heard(shop.server.requests[-1]) == [NEXT]


ANSWERS: dict[str, tuple[Provider, Sequence[Reply], str]] = {
    "openai: cut short by its length": (
        OPENAI,
        [api.incomplete("max_output_tokens", api.message("We have lamps,"))],
        "We have lamps, …",
    ),
    "openai: withheld by its filter": (
        OPENAI,
        [api.incomplete("content_filter", api.message("Half a th"))],
        WITHHELD,
    ),
    "openai: throttled once": (
        OPENAI,
        [api.error(429, "rate_limit_exceeded", retry_after="0"), api.answer("Yes.")],
        "Yes.",
    ),
    "agent: a character divided between chunks": (
        AGENT,
        [aws.stream(aws.chunk("Prego, è tutto.".encode()[:8]), aws.chunk(b"\xa8 tutto."))],
        "Prego, è tutto.",
    ),
    "agent: control returned for a tool": (
        AGENT,
        [
            aws.stream(
                aws.return_control(
                    "inv-1", aws.function_input("search_products", ("query", "string", "lamp"))
                )
            ),
            aws.stream(aws.chunk("One lamp.")),
        ],
        "One lamp.",
    ),
    "converse: a tool is used": (
        CONVERSE,
        [
            converse(
                *aws.tool_use("call_1", "search_products", '{"query": "lamp"}'),
                *aws.message_stop("tool_use"),
            ),
            converse(aws.text_delta("One lamp."), *aws.message_stop()),
        ],
        "One lamp.",
    ),
}
"""The provider, what it does, and the client's answer all the same."""


@pytest.mark.parametrize("name", ANSWERS)
def test_an_odd_answer_that_is_no_failure_is_kept(
    name: str, shared_settings: Settings, server: LoopbackServer
) -> None:
    provider, replies, text = ANSWERS[name]
    path = f"{provider.path}/message"
    with opened(shared_settings, server, provider) as shop:
        question = shop.start(provider)
        server.play(*replies)
        answer = shop.client.post(path, json=question | {"message": "Lamps?"})
        if "tool" in name:
            assert b"Desk lamp" in server.requests[-1].body
        server.play(provider.well)
        after = shop.client.post(path, json=question | {"message": NEXT})

    assert (answer.status_code, answer.json()) == (200, {"response": text})
    assert after.json() == {"response": "Here again."}
    told = [NEXT] if provider is AGENT else ["Lamps?", text, NEXT]
    assert provider.heard(server.requests[-1]) == told
