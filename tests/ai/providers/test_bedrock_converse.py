"""A model on Bedrock: the rules of Converse, and its event stream as AWS's SDK decodes it."""

import pytest

from cloudmart.ai.ports import ToolCall, ToolResult, Usage
from cloudmart.ai.providers.bedrock_converse import open_bedrock_converse
from cloudmart.ai.providers.provider_call import WITHHELD
from cloudmart.dynamodb.session import new_session
from cloudmart.errors import (
    ProviderDisabledError,
    ProviderFailedError,
    ProviderMisconfiguredError,
    ProviderUnavailableError,
    UpstreamError,
)
from cloudmart.settings import BedrockSettings
from tests.ai.providers.conftest import Rig
from tests.ai.providers.steps import FIND_PRODUCTS, answer, assistant, cost, request, take, user
from tests.support.event_stream import (
    USAGE,
    error,
    event,
    exception,
    message_start,
    message_stop,
    stream,
    text_delta,
    tool_use,
)
from tests.support.malformed_values import DIGITS
from tests.support.scripted_server import Reply

TOOL = {
    "toolSpec": {
        "name": "find_products",
        "description": "Find products.",
        "inputSchema": {
            "json": {
                "type": "object",
                "properties": {
                    "query": {"type": "string"},
                    "limit": {"type": "integer", "maximum": 20},
                },
                "required": ["query"],
            }
        },
    }
}


def reasoning(**delta: str) -> bytes:
    """Return a part of a model's reasoning."""
    return event("contentBlockDelta", contentBlockIndex=0, delta={"reasoningContent": delta})


def shop_data(output: str) -> str:
    """Return the result of a tool as a model reads it."""
    return f"<shop_data>{output}</shop_data>"


async def test_a_model_gets_the_whole_conversation_each_time(converse: Rig) -> None:
    converse.server.play(converse.wire.answer("Yes."))
    history = [user("Hello"), assistant("Hi."), user("Lamps?")]

    await answer(converse.chat, request(*history, tools=[FIND_PRODUCTS]))

    (sent,) = converse.server.requests
    assert sent.path == "/model/eu.amazon.nova-2-lite-v1%3A0/converse-stream"
    assert sent.json == {
        "system": [{"text": "You work in a shop."}],
        "messages": [
            {"role": "user", "content": [{"text": "<customer>Hello</customer>"}]},
            {"role": "assistant", "content": [{"text": "Hi."}]},
            {"role": "user", "content": [{"text": "<customer>Lamps?</customer>"}]},
        ],
        "inferenceConfig": {"maxTokens": 2000},
        "toolConfig": {"tools": [TOOL]},
    }


async def test_messages_take_turns_whatever_the_history_is_like(converse: Rig) -> None:
    converse.server.play(converse.wire.answer("Yes."))
    history = [assistant("Hi."), user("One"), user(" "), user("Two"), assistant("Three"), user("?")]

    await answer(converse.chat, request(*history))

    assert converse.server.requests[0].json["messages"] == [
        {
            "role": "user",
            "content": [{"text": "<customer>One</customer>"}, {"text": "<customer>Two</customer>"}],
        },
        {"role": "assistant", "content": [{"text": "Three"}]},
        {"role": "user", "content": [{"text": "<customer>?</customer>"}]},
    ]


async def test_what_the_model_did_in_this_turn_is_sent_back_unchanged(converse: Rig) -> None:
    converse.server.play(
        stream(
            message_start(),
            reasoning(text="They want "),
            reasoning(text="lamps."),
            reasoning(signature="sealed"),
            text_delta("Let me look.", block=1),
            *tool_use("t1", "find_products", '{"que', 'ry": "lamp"}', block=2),
            *tool_use("t2", "find_products", '{"query": "shade"}', block=3),
            *message_stop("tool_use"),
        ),
        converse.wire.answer("Two."),
    )

    _, step = await take(converse.chat, request(tools=[FIND_PRODUCTS]))
    results = [ToolResult(call, f'{{"of": "{call.id}"}}') for call in step.calls]
    exchange = [(step, results)]
    await answer(converse.chat, request(tools=[FIND_PRODUCTS], exchange=exchange))

    assert step.calls == [
        ToolCall("t1", "find_products", '{"limit": null, "query": "lamp"}'),
        ToolCall("t2", "find_products", '{"limit": null, "query": "shade"}'),
    ]
    assert converse.server.requests[1].json["messages"][1:] == [
        {
            "role": "assistant",
            "content": [
                {
                    "reasoningContent": {
                        "reasoningText": {"text": "They want lamps.", "signature": "sealed"}
                    }
                },
                {"text": "Let me look."},
                {
                    "toolUse": {
                        "toolUseId": "t1",
                        "name": "find_products",
                        "input": {"query": "lamp"},
                    }
                },
                {
                    "toolUse": {
                        "toolUseId": "t2",
                        "name": "find_products",
                        "input": {"query": "shade"},
                    }
                },
            ],
        },
        {
            "role": "user",
            "content": [
                {
                    "toolResult": {
                        "toolUseId": "t1",
                        "content": [{"text": shop_data('{"of": "t1"}')}],
                    }
                },
                {
                    "toolResult": {
                        "toolUseId": "t2",
                        "content": [{"text": shop_data('{"of": "t2"}')}],
                    }
                },
            ],
        },
    ]


async def test_sealed_thoughts_are_sent_back_sealed(converse: Rig) -> None:
    sealed = {"reasoningContent": {"redactedContent": "c2VhbGVk"}}
    converse.server.play(
        stream(
            event("contentBlockDelta", contentBlockIndex=0, delta=sealed),
            *tool_use("t1", "find_products", '{"query": "lamp"}'),
            *message_stop("tool_use"),
        ),
        converse.wire.answer("Two."),
    )

    _, step = await take(converse.chat, request(tools=[FIND_PRODUCTS]))
    results = [ToolResult(call, "{}") for call in step.calls]
    await answer(converse.chat, request(tools=[FIND_PRODUCTS], exchange=[(step, results)]))

    assert converse.server.requests[1].json["messages"][1]["content"][0] == sealed


async def test_a_call_no_tool_can_be_named_like_is_sent_back_so_that_it_is_taken(
    converse: Rig,
) -> None:
    converse.server.play(
        stream(*tool_use("t1", "shop.find products", "{not json"), *message_stop("tool_use")),
        converse.wire.answer("Two."),
    )

    _, step = await take(converse.chat, request(tools=[FIND_PRODUCTS]))
    results = [ToolResult(call, '{"error": "unknown_tool"}') for call in step.calls]
    await answer(converse.chat, request(tools=[FIND_PRODUCTS], exchange=[(step, results)]))

    assert step.calls == [ToolCall("t1", "shop.find products", "{not json")]
    sent = converse.server.requests[1].json["messages"][1]["content"]
    assert sent == [{"toolUse": {"toolUseId": "t1", "name": "shop_find_products", "input": {}}}]


async def test_the_last_step_says_that_there_are_no_more_tools(converse: Rig) -> None:
    converse.server.play(converse.wire.answer("Yes."))

    await answer(converse.chat, request(tools=[FIND_PRODUCTS], final=True))

    sent = converse.server.requests[0].json
    assert len(sent["system"]) == 2
    assert sent["toolConfig"] == {"tools": [TOOL]}


async def test_tokens_are_counted_those_from_the_cache_included(converse: Rig) -> None:
    usage = {"inputTokens": 20, "outputTokens": 30, "cacheReadInputTokens": 100}
    converse.server.play(stream(text_delta("Yes."), *message_stop(usage=usage)))

    told = await cost(converse.chat)

    assert told == Usage(input_tokens=120, output_tokens=30, cached_tokens=100)


async def test_thoughts_between_tags_are_not_shown(converse: Rig) -> None:
    pieces = ["<thin", "king>They want lamps", ".</thinking>", "We have 1 <", " 2 lamps."]
    converse.server.play(converse.wire.answer(*pieces))

    deltas, step = await take(converse.chat)

    assert deltas == ["We have 1 ", "< 2 lamps."]
    assert step.text == "We have 1 < 2 lamps."


def stopped(reason: str, text: str = "") -> Reply:
    """Return a message with a reason for its end."""
    said = [text_delta(text)] if text else []
    return stream(message_start(), *said, *message_stop(reason))


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        (stopped("max_tokens", "We have lamps and"), "We have lamps and …"),
        (stopped("content_filtered", "Half a th"), WITHHELD),
        (stopped("guardrail_intervened", "We do not speak of that."), "We do not speak of that."),
        (stopped("guardrail_intervened"), WITHHELD),
        (stopped("stop_sequence", "Yes."), "Yes."),
        (stopped("a_reason_of_tomorrow", "Yes."), "Yes."),
    ],
)
async def test_the_stop_reason_decides_the_answer(converse: Rig, reply: Reply, text: str) -> None:
    converse.server.play(reply)

    assert await answer(converse.chat) == text


FAULT = "a fault of its own"


@pytest.mark.parametrize(
    ("reply", "kind", "words"),
    [
        (stream(message_start(), text_delta("We ha")), ProviderFailedError, "it broke off"),
        (stream(), ProviderFailedError, "it broke off"),
        (stopped("model_context_window_exceeded"), ProviderFailedError, "too long"),
        (stopped("max_tokens"), ProviderFailedError, "it was empty"),
        (stream(exception("throttlingException")), ProviderUnavailableError, "5 s"),
        (stream(exception("serviceUnavailableException")), ProviderUnavailableError, "5 s"),
        (stream(exception("internalServerException")), ProviderFailedError, FAULT),
        (stream(exception("modelStreamErrorException")), ProviderFailedError, FAULT),
        (stream(exception("validationException")), ProviderFailedError, "it refused the request"),
        (
            # One emulator sends this, and botocore fails on the empty union.
            stream(event("contentBlockStart", contentBlockIndex=0, start={})),
            ProviderFailedError,
            "it cannot be read",
        ),
        (
            error(400, "ValidationException", "Input is too long for requested model."),
            ProviderFailedError,
            "too long",
        ),
        (
            error(400, "ValidationException", "The provided model identifier is invalid."),
            ProviderMisconfiguredError,
            "BEDROCK_MODEL_ID",
        ),
        (error(403, "AccessDeniedException"), ProviderMisconfiguredError, "role"),
    ],
)
async def test_an_invalid_answer_gets_our_own_message(
    converse: Rig, reply: Reply, kind: type[UpstreamError], words: str
) -> None:
    converse.server.play(reply)

    with pytest.raises(kind, match=words) as raised:
        await take(converse.chat)

    assert "Said by the provider" not in str(raised.value)
    assert len(converse.server.requests) == 1


def thinking(text: str) -> bytes:
    """Return reasoning without a signature."""
    return event(
        "contentBlockDelta", contentBlockIndex=0, delta={"reasoningContent": {"text": text}}
    )


async def test_a_model_that_refuses_unsigned_reasoning_is_called_without_it(
    converse: Rig,
) -> None:
    refused = error(400, "ValidationException", "reasoningText.signature: Field required")
    call = tool_use("t1", "find_products", '{"query": "lamp"}')
    converse.server.play(
        stream(thinking("Lamps."), *call, *message_stop("tool_use")),
        refused,
        converse.wire.answer("Two lamps."),
        stream(thinking("Kettles."), *call, *message_stop("tool_use")),
        converse.wire.answer("No kettles."),
    )

    texts = []
    for _ in range(2):
        _, step = await take(converse.chat, request(tools=[FIND_PRODUCTS]))
        exchange = [(step, [ToolResult(call, "{}") for call in step.calls])]
        texts.append(await answer(converse.chat, request(tools=[FIND_PRODUCTS], exchange=exchange)))

    said = [
        [next(iter(part)) for part in sent.json["messages"][1]["content"]]
        for sent in converse.server.requests
        if len(sent.json["messages"]) > 1
    ]
    assert texts == ["Two lamps.", "No kettles."]
    assert said == [["reasoningContent", "toolUse"], ["toolUse"], ["toolUse"]]


NO_STREAM = error(
    400, "ValidationException", "This model doesn't support tool use in streaming mode."
)


async def test_a_count_of_thousands_of_digits_costs_no_whole_answer(converse: Rig) -> None:
    usage = f'{{"inputTokens": {"9" * DIGITS}, "outputTokens": 2, "totalTokens": 3}}'
    message = '{"message": {"role": "assistant", "content": [{"text": "Yes."}]}}'
    said = f'{{"output": {message}, "stopReason": "end_turn", "usage": {usage}}}'
    whole = Reply(200, {"content-type": "application/json"}, [said.encode()])
    converse.server.play(NO_STREAM, whole)

    assert await answer(converse.chat) == "Yes."


async def test_a_model_that_cannot_stream_is_called_without_streaming(converse: Rig) -> None:
    use = {"toolUseId": "t1", "name": "find_products", "input": {"query": "lamp"}}
    content = [{"text": "Let me look."}, {"toolUse": use}]
    whole = {"output": {"message": {"role": "assistant", "content": content}}, "usage": USAGE}
    again = {"output": {"message": {"role": "assistant", "content": [{"text": "Two."}]}}}
    converse.server.play(
        NO_STREAM,
        Reply.json(200, whole | {"stopReason": "tool_use", "metrics": {"latencyMs": 1}}),
        Reply.json(200, again | {"stopReason": "end_turn", "usage": USAGE}),
    )

    _, step = await take(converse.chat, request(tools=[FIND_PRODUCTS]))
    results = [ToolResult(call, "{}") for call in step.calls]
    text = await answer(converse.chat, request(tools=[FIND_PRODUCTS], exchange=[(step, results)]))

    assert step.calls == [ToolCall("t1", "find_products", '{"limit": null, "query": "lamp"}')]
    assert text == "Two."
    assert converse.server.requests[2].json["messages"][1] == {
        "role": "assistant",
        "content": content,
    }
    assert [sent.path.rsplit("/", 1)[1] for sent in converse.server.requests] == [
        "converse-stream",
        "converse",
        "converse",
    ]


async def test_bedrock_without_a_model_is_disabled() -> None:
    with pytest.raises(ProviderDisabledError, match="set BEDROCK_MODEL_ID"):
        async with open_bedrock_converse(BedrockSettings(), new_session()):
            pass
