"""Whatever a provider sends, a step ends with an answer, a call or an UpstreamError."""

import asyncio
import json
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloudmart.ai.ports import ProviderStep, ToolResult, Usage
from cloudmart.ai.providers import tolerant_values
from cloudmart.ai.providers.bedrock_agent import agent_session_state, agent_tool_calls
from cloudmart.ai.providers.converse_answer import (
    ConverseReply,
    StreamedReply,
    converse_step,
    converse_usage,
)
from cloudmart.ai.providers.openai import OpenAIChat
from cloudmart.ai.providers.provider_call import ProviderCall, ProviderSdk
from cloudmart.ai.providers.refusals import ProviderRefusal, unreadable_answer
from cloudmart.errors import UpstreamError
from tests.ai.providers.steps import FIND_PRODUCTS, request, take
from tests.support import responses_api as api
from tests.support.openai_host import chat_with
from tests.support.scripted_server import loopback

TEXT = st.text(st.characters(), max_size=20) | st.sampled_from(["\ud83d", "\ude00", "a\ud83d"])
ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT | st.just(10**40),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)


def mapping(**members: Any) -> st.SearchStrategy[dict[str, Any]]:  # noqa: ANN401 - strategies
    """Draw an object whose known members are missing, odd or correct."""
    return st.fixed_dictionaries({}, optional={name: ANY | m for name, m in members.items()})


PART = mapping(type=st.just("output_text"), text=TEXT, refusal=TEXT)
ITEM = mapping(
    type=st.sampled_from(["message", "function_call", "reasoning"]),
    id=TEXT,
    phase=st.just("commentary"),
    content=st.lists(PART | ANY, max_size=3),
    call_id=TEXT,
    name=TEXT,
    arguments=TEXT,
    encrypted_content=TEXT,
)
COST = mapping(
    input_tokens=st.integers(),
    output_tokens=st.floats(),
    input_tokens_details=mapping(cached_tokens=st.integers()),
    output_tokens_details=mapping(reasoning_tokens=st.integers()),
)
RESPONSE = mapping(
    output=st.lists(ITEM | ANY, max_size=3),
    usage=COST,
    error=mapping(code=TEXT),
    incomplete_details=mapping(reason=st.just("content_filter")),
)
KINDS = [
    "error",
    "response.output_text.delta",
    "response.refusal.delta",
    "response.output_item.added",
    "response.output_item.done",
    "response.completed",
    "response.incomplete",
    "response.failed",
]
EVENT = mapping(
    type=st.sampled_from(KINDS),
    delta=TEXT,
    item=ITEM,
    response=RESPONSE,
    output_index=st.integers(),
    code=TEXT,
)


def sendable(*texts: str) -> bool:
    """Return whether texts can be sent and stored."""
    return all(text.encode() is not None for text in texts)


def whole(step: ProviderStep) -> None:
    """Check that a step can be sent on, stored, counted, and sent back."""
    assert step.calls or step.text.strip()
    assert sendable(step.text)
    assert all(sendable(call.id, call.name, call.arguments) for call in step.calls)


def sane(told: Usage | None) -> None:
    """Check that a cost can be added up and written."""
    for count in (told.input_tokens, told.output_tokens) if told else ():
        assert count is None or 0 <= count <= 10**6


@given(st.lists(EVENT | ANY, max_size=5))
@settings(max_examples=150, deadline=None)
def test_openai_may_send_anything(events: list[Any]) -> None:
    sent = [b"data: " + json.dumps(event).encode() + b"\n\n" for event in events]
    first = api.stream(*sent)

    async def ask() -> None:
        with loopback() as server:
            server.play(first, api.answer("Yes."))
            async with chat_with(server) as chat:
                await exchange(chat)

    asyncio.run(ask())


async def exchange(chat: OpenAIChat) -> None:
    """Have a step taken, and send it on."""
    try:
        _, step = await take(chat, request(tools=[FIND_PRODUCTS]))
    except UpstreamError:
        return
    whole(step)
    results = [ToolResult(call, "{}") for call in step.calls]
    await take(chat, request(tools=[FIND_PRODUCTS], exchange=[(step, results)]))


def converse_call() -> ProviderCall:
    """Return a call of a provider that does not exist."""
    refusal = ProviderRefusal(unreadable_answer("Bedrock"))
    sdk = ProviderSdk("Bedrock", "test", (), lambda _: refusal)
    return ProviderCall(sdk, seconds=5)


BLOCK = mapping(
    text=TEXT,
    toolUse=mapping(toolUseId=TEXT, name=TEXT, input=TEXT),
    reasoningContent=mapping(text=TEXT, signature=TEXT, reasoningText=mapping(text=TEXT)),
)
CONVERSE_EVENT = mapping(
    contentBlockStart=mapping(
        contentBlockIndex=st.integers(),
        start=mapping(toolUse=mapping(toolUseId=TEXT, name=TEXT)),
    ),
    contentBlockDelta=mapping(contentBlockIndex=st.integers(), delta=BLOCK),
    messageStop=mapping(stopReason=st.sampled_from(["end_turn", "tool_use", "max_tokens"])),
    metadata=mapping(usage=mapping(inputTokens=st.integers(), outputTokens=st.integers())),
)


@given(st.lists(CONVERSE_EVENT, max_size=6))
@settings(max_examples=150, deadline=None)
def test_a_model_on_bedrock_may_send_anything(events: list[Any]) -> None:
    async def read() -> None:
        call, asked, reply = converse_call(), request(tools=[FIND_PRODUCTS]), StreamedReply()
        try:
            for event in events:
                call.read(partial(reply.take, event))
            sane(converse_usage(reply, asked))
            step = call.read(lambda: converse_step(call, reply, asked))
        except UpstreamError:
            return
        whole(step)
        assert sendable(json.dumps(step.replay, ensure_ascii=False))

    asyncio.run(read())


@given(
    mapping(
        output=mapping(message=mapping(content=st.lists(BLOCK | ANY, max_size=3))),
        stopReason=st.sampled_from(["end_turn", "tool_use"]),
        usage=ANY,
    )
)
@settings(max_examples=100, deadline=None)
def test_a_whole_message_of_a_model_may_be_anything(answer: Any) -> None:  # noqa: ANN401
    async def read() -> None:
        call, asked = converse_call(), request(tools=[FIND_PRODUCTS])
        try:
            reply = call.read(lambda: ConverseReply.whole(answer))
            sane(converse_usage(reply, asked))
            whole(call.read(lambda: converse_step(call, reply, asked)))
        except UpstreamError:
            return

    asyncio.run(read())


@given(
    mapping(
        invocationId=TEXT,
        invocationInputs=st.lists(
            mapping(
                functionInvocationInput=mapping(
                    actionGroup=TEXT,
                    function=TEXT,
                    parameters=st.lists(mapping(name=TEXT, type=TEXT, value=TEXT), max_size=2),
                ),
                apiInvocationInput=mapping(apiPath=TEXT, httpMethod=TEXT, parameters=ANY),
            ),
            max_size=2,
        ),
    )
)
@settings(max_examples=100, deadline=None)
def test_an_agent_may_ask_for_anything(control: Any) -> None:  # noqa: ANN401
    async def read() -> None:
        call = converse_call()
        try:
            clean = call.read(lambda: tolerant_values.clean_json(control))
            wanted = call.read(lambda: agent_tool_calls(clean, [FIND_PRODUCTS]))
            results = [ToolResult(each, "{}") for each in wanted]
            assert sendable(json.dumps(call.read(lambda: agent_session_state(clean, results))))
        except UpstreamError:
            return
        assert all(sendable(each.id, each.name, each.arguments) for each in wanted)

    asyncio.run(read())


@given(ANY)
@settings(max_examples=150, deadline=None)
def test_arguments_are_an_object_or_none(written: Any) -> None:  # noqa: ANN401
    for form in (written, json.dumps(written)):
        found = tolerant_values.parse_arguments(form)

        assert found is None or json.dumps(found, ensure_ascii=False).encode()


@pytest.mark.parametrize("value", ["\ud83d\ude00", "\ud83d", "plain", None, 5])
def test_texts_are_whole(value: object) -> None:
    assert sendable(tolerant_values.clean_text(value))
