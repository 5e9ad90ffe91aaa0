"""`/api/ai`, over HTTP."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import pytest
from fastapi import FastAPI

from cloudmart.ai.ports import ChatModel, TextDelta, ToolCall
from cloudmart.app import create_app
from cloudmart.composition.providers import Providers
from cloudmart.errors import (
    ProviderDisabledError,
    ProviderFailedError,
    ProviderMisconfiguredError,
    ProviderTimeoutError,
    ProviderUnavailableError,
    UpstreamError,
)
from cloudmart.settings import Settings
from tests.support.asgi import Exchange, served
from tests.support.aws import aws_client
from tests.support.ready_app import serving
from tests.support.scripted_chat import ScriptedChat
from tests.support.scripted_sentiment import ScriptedSentiment

OFF = ProviderDisabledError("OpenAI is not configured: set OPENAI_API_KEY.")
SEARCH = ToolCall("1", "search_products", '{"query": "lamp"}')
EVENTS = "text/event-stream"
ROUTES = [("/api/ai", "threadId"), ("/api/ai/bedrock", "conversationId")]


def app_with(settings: Settings, model: ChatModel | ProviderDisabledError) -> FastAPI:
    moods = ScriptedSentiment("none")
    providers = Providers(model, model, moods, moods)
    return create_app(settings, lambda *_: nullcontext(providers))


def events(body: str) -> Iterator[tuple[str, Any]]:
    """Yield the events of a stream, and its comments as events without a name."""
    for block in body.removesuffix("\n\n").split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.split("\n"))
        yield lines.get("event", ""), json.loads(lines.get("data", "null"))


@pytest.mark.parametrize(("prefix", "name"), ROUTES)
@pytest.mark.parametrize("body", [None, {}])
def test_a_chat_is_started_and_answered(
    settings: Settings, prefix: str, name: str, body: dict[str, str] | None
) -> None:
    with serving(app_with(settings, ScriptedChat("We sell lamps."))) as client:
        started = client.post(f"{prefix}/start", json=body)
        question = started.json() | {"message": "What do you sell?"}

        answer = client.post(f"{prefix}/message", json=question)

    assert (started.status_code, list(started.json())) == (200, [name])
    assert (answer.status_code, answer.json()) == (200, {"response": "We sell lamps."})
    assert answer.headers["Content-Type"] == "application/json"
    assert "Accept" in answer.headers["Vary"].split(", ")


def test_a_chat_is_started_by_clients_that_name_a_type_for_nothing(settings: Settings) -> None:
    with serving(app_with(settings, ScriptedChat())) as client:
        octets = {"Content-Type": "application/octet-stream"}

        assert client.post("/api/ai/start", headers=octets).status_code == 200
        assert client.post("/api/ai/start", headers=octets, content=b"x").status_code == 415


@pytest.mark.parametrize(("prefix", "name"), ROUTES)
def test_an_unknown_conversation_is_not_found(settings: Settings, prefix: str, name: str) -> None:
    with serving(app_with(settings, ScriptedChat())) as client:
        answer = client.post(f"{prefix}/message", json={name: "thread_old", "message": "Hi"})

    assert answer.status_code == 404
    assert answer.json()["type"] == "/api/problems/unknown-conversation"
    assert answer.json()["error"] == "This conversation is over. Please start a new one."


@pytest.mark.parametrize("message", ["", " \n", "x" * 4001, "\x00", 7, None])
def test_a_message_has_1_to_4000_characters(settings: Settings, message: Any) -> None:  # noqa: ANN401
    with serving(app_with(settings, ScriptedChat())) as client:
        thread = client.post("/api/ai/start").json()

        answer = client.post("/api/ai/message", json=thread | {"message": message})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/message"


def test_the_longest_message_is_answered(settings: Settings) -> None:
    with serving(app_with(settings, ScriptedChat("Well."))) as client:
        thread = client.post("/api/ai/start").json()

        answer = client.post("/api/ai/message", json=thread | {"message": "ü" * 4000})

    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("method_path", "accept"),
    [
        ("/api/ai/start", "*/*"),
        ("/api/ai/bedrock/start", "*/*"),
        ("/api/ai/message", "*/*"),
        ("/api/ai/message", EVENTS),
        ("/api/ai/bedrock/message", EVENTS),
    ],
)
def test_a_provider_that_is_not_configured_says_so(
    settings: Settings, method_path: str, accept: str
) -> None:
    body = {"threadId": "thread_1", "conversationId": "conv_1", "message": "Hi"}

    with serving(app_with(settings, OFF)) as client:
        answer = client.post(method_path, json=body, headers={"Accept": accept})

    assert answer.status_code == 503
    assert answer.json()["error"] == "OpenAI is not configured: set OPENAI_API_KEY."
    assert answer.json()["type"] == "/api/problems/ai-disabled"


FAILURES = [
    (ProviderFailedError("OpenAI", "it was cut off"), 502, None),
    (ProviderUnavailableError("OpenAI", retry_after=7), 503, "7"),
    (ProviderMisconfiguredError("OpenAI", "OPENAI_API_KEY"), 503, None),
    (ProviderTimeoutError("OpenAI"), 504, None),
]


@pytest.mark.parametrize("accept", ["*/*", EVENTS])
@pytest.mark.parametrize(("failure", "status", "wait"), FAILURES)
def test_failures_of_a_provider_are_distinguished(
    settings: Settings, failure: UpstreamError, status: int, wait: str | None, accept: str
) -> None:
    chat = ScriptedChat(SEARCH, failure, "Here again.")
    with serving(app_with(settings, chat)) as client:
        question = client.post("/api/ai/start").json() | {"message": "Hi"}

        answer = client.post("/api/ai/message", json=question, headers={"Accept": accept})
        next_one = client.post("/api/ai/message", json=question)

    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers.get("Retry-After") == wait
    assert answer.json()["error"] == str(failure)
    assert next_one.json() == {"response": "Here again."}


def test_a_stream_has_deltas_and_then_the_whole_answer(settings: Settings) -> None:
    chat = ScriptedChat(SEARCH, "We sell no lamps.\nSorry")
    with serving(app_with(settings, chat)) as client:
        question = client.post("/api/ai/start").json() | {"message": "Lamps?"}

        answer = client.post("/api/ai/message", json=question, headers={"Accept": EVENTS})

    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/event-stream; charset=utf-8"
    assert "Accept" in answer.headers["Vary"].split(", ")
    assert "Content-Length" not in answer.headers
    assert list(events(answer.text)) == [
        ("", None),
        ("delta", {"text": "We"}),
        ("delta", {"text": " sell"}),
        ("delta", {"text": " no"}),
        ("delta", {"text": " lamps."}),
        ("delta", {"text": "\nSorry"}),
        ("answer", {"response": "We sell no lamps.\nSorry"}),
    ]


def test_a_failure_after_the_first_delta_is_an_event(settings: Settings) -> None:
    failure = ProviderUnavailableError("OpenAI", retry_after=7)
    chat = ScriptedChat(TextDelta("We"), failure, "Here again.")
    with serving(app_with(settings, chat)) as client:
        question = client.post("/api/ai/start").json() | {"message": "Lamps?"}

        answer = client.post("/api/ai/message", json=question, headers={"Accept": EVENTS})
        next_one = client.post("/api/ai/message", json=question)

    first, (name, problem) = events(answer.text)
    assert answer.status_code == 200
    assert first == ("delta", {"text": "We"})
    assert name == "error"
    assert problem == {
        "type": "/api/problems/ai-unavailable",
        "title": "Assistant unavailable",
        "status": 503,
        "detail": str(failure),
        "instance": "/api/ai/message",
        "requestId": answer.headers["X-Request-ID"],
        "error": str(failure),
    }
    assert next_one.json() == {"response": "Here again."}


def test_a_bug_after_the_first_delta_is_an_event_without_secrets(settings: Settings) -> None:
    with serving(app_with(settings, ScriptedChat(TextDelta("We")))) as client:
        question = client.post("/api/ai/start").json() | {"message": "Lamps?"}

        answer = client.post("/api/ai/message", json=question, headers={"Accept": EVENTS})

    _, (name, problem) = events(answer.text)
    assert (name, problem["status"]) == ("error", 500)
    assert "script" not in answer.text


def test_a_busy_conversation_gets_a_problem_document(settings: Settings) -> None:
    chat = ScriptedChat()
    with serving(app_with(settings, chat)) as client:
        thread = client.post("/api/ai/start").json()
        table = settings.dynamodb.conversations_table
        lock = {":until": {"N": "9999999999"}}
        aws_client("dynamodb").update_item(
            TableName=table,
            Key={"id": {"S": thread["threadId"]}},
            UpdateExpression="SET lockUntil = :until",
            ExpressionAttributeValues=lock,
        )

        answer = client.post(
            "/api/ai/message", json=thread | {"message": "Hi"}, headers={"Accept": EVENTS}
        )

    assert answer.status_code == 409
    assert answer.headers["Retry-After"] == "3"
    assert answer.json()["type"] == "/api/problems/conversation-busy"


@pytest.mark.parametrize("accept", ["*/*", EVENTS])
async def test_a_client_that_goes_away_stops_the_provider_and_frees_the_conversation(
    settings: Settings, accept: str
) -> None:
    chat = ScriptedChat(TextDelta("We"), asyncio.Event(), "Here again.")
    async with served(app_with(settings, chat)) as server:
        thread = json.loads((await server.send("POST", "/api/ai/start")).body)
        question = thread | {"message": "Lamps?"}
        exchange = Exchange()
        left = asyncio.create_task(
            server.send("POST", "/api/ai/message", question, accept=accept, exchange=exchange)
        )
        await chat.asked.wait()

        exchange.gone.set()
        await left
        again = await server.send("POST", "/api/ai/message", question)

    assert chat.abandoned == 1
    assert "answer" not in exchange.body
    assert json.loads(again.body) == {"response": "Here again."}


async def test_a_chat_that_waits_blocks_no_other_request(settings: Settings) -> None:
    go_on = asyncio.Event()
    chat = ScriptedChat(go_on, "At last.")
    ended: list[str] = []
    async with served(app_with(settings, chat)) as server:
        thread = json.loads((await server.send("POST", "/api/ai/start")).body)

        async def ask(method: str, path: str, body: Any = None) -> None:  # noqa: ANN401
            exchange = await server.send(method, path, body)
            ended.append(f"{path} {exchange.status}")

        question = thread | {"message": "Lamps?"}
        waiting = asyncio.create_task(ask("POST", "/api/ai/message", question))
        await chat.asked.wait()
        await ask("GET", "/api/products")
        await ask("POST", "/api/ai/start")
        go_on.set()
        await waiting

    assert ended == ["/api/products 200", "/api/ai/start 200", "/api/ai/message 200"]


def test_both_forms_of_an_answer_are_documented(settings: Settings) -> None:
    document = app_with(settings, OFF).openapi()

    for path in ("/api/ai/message", "/api/ai/bedrock/message"):
        answers = document["paths"][path]["post"]["responses"]
        assert set(answers["200"]["content"]) == {"application/json", EVENTS}
        assert {"404", "409", "502", "503", "504"} <= set(answers)
