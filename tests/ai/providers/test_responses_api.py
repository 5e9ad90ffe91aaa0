"""How a step reaches the Responses API: its address, its headers, a proxy, its time."""

import asyncio
import math

import pytest
from openai import AsyncOpenAI
from pydantic import SecretStr

from cloudmart.ai.providers.openai import open_openai_chat
from cloudmart.errors import ProviderTimeoutError
from cloudmart.settings import OpenAISettings
from tests.ai.providers.steps import answer, request, take
from tests.support import responses_api as api
from tests.support.openai_host import chat_with
from tests.support.scripted_server import Fault, LoopbackServer, Reply

LOCAL = {"host", "content-length", "accept-encoding", "connection"}
"""Headers that belong to a connection or to the size of a body."""

TOLD_BY_THE_SDK = {"x-stainless-retry-count", "x-stainless-read-timeout"}
"""Headers about retries and timeouts, which are ours here."""


def settings(base_url: str) -> OpenAISettings:
    """Return the settings of a server."""
    return OpenAISettings(api_key=SecretStr("sk-test"), base_url=base_url)


async def test_a_step_has_the_headers_that_the_sdk_sends(
    server: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "org-1")
    server.play(api.answer("Yes."), Reply.json(200, api.response("completed")))
    base_url = f"{server.url}/v1"

    async with open_openai_chat(settings(base_url)) as chat:
        await answer(chat)
    async with AsyncOpenAI(api_key="sk-test", base_url=base_url, max_retries=0) as sdk:
        await sdk.responses.create(model="gpt-6-luna", input="Hello")

    ours, theirs = (
        {name: value for name, value in asked.headers.items() if name not in LOCAL}
        for asked in server.requests
    )
    assert ours["authorization"] == "Bearer sk-test"
    assert ours["openai-organization"] == "org-1"
    assert theirs == ours | {name: theirs[name] for name in TOLD_BY_THE_SDK}
    assert [asked.path for asked in server.requests] == ["/v1/responses"] * 2


async def test_the_proxy_of_the_environment_is_used(
    server: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", server.url.replace("//", "//shop:secret@"))
    server.play(api.answer("Yes."))

    async with open_openai_chat(settings("http://models.shop.internal/v1")) as chat:
        assert await answer(chat) == "Yes."

    (asked,) = server.requests
    assert asked.path == "http://models.shop.internal/v1/responses"
    assert asked.headers["proxy-authorization"] == "Basic c2hvcDpzZWNyZXQ="
    assert asked.headers["authorization"] == "Bearer sk-test"


async def test_a_server_that_needs_no_proxy_is_called_directly(
    server: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server.play(api.answer("Yes."))

    async with open_openai_chat(settings(f"{server.url}/v1")) as chat:
        assert await answer(chat) == "Yes."


async def test_an_answer_that_continues_after_its_time_is_given_up(server: LoopbackServer) -> None:
    server.play(api.stream(*api.beginning("We ", "have "), Fault.HANG))

    async with chat_with(server) as chat:
        with pytest.raises(ProviderTimeoutError, match="OpenAI"):
            await take(chat, request(seconds_left=1))

    assert await asyncio.to_thread(server.abandoned.wait, 60)


async def test_a_number_too_large_for_our_json_is_sent_back_as_null(
    server: LoopbackServer,
) -> None:
    thought = {"type": "reasoning", "encrypted_content": "sealed", "weight": math.inf}
    call = api.function_call("call_1", "find_products", "{}")
    server.play(api.stream(api.ending(thought, call)), api.answer("Yes."))

    async with chat_with(server) as chat:
        _, step = await take(chat)
        await answer(chat, request(exchange=[(step, [])]))

    assert server.requests[1].json["input"][1] == thought | {"weight": None}


async def test_bytes_after_the_last_event_of_a_stream_are_ignored(server: LoopbackServer) -> None:
    server.play(
        api.stream(*api.beginning("Yes."), api.ending(), b"data: [DONE]\n\n", b"data: 5\n\n"),
        api.answer("Two."),
    )

    async with chat_with(server) as chat:
        assert [await answer(chat), await answer(chat)] == ["Yes.", "Two."]

    assert server.connections == 1
