"""OpenAI's Responses API: the requests, and every way in which an answer can fail."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, NoReturn

import aiohttp
import pytest
from openai import AsyncOpenAI
from pydantic import SecretStr

from cloudmart.ai.ports import ProviderStep, ToolCall, ToolResult, Usage
from cloudmart.ai.providers.openai import OpenAIChat, open_openai_chat
from cloudmart.ai.providers.provider_call import WITHHELD
from cloudmart.ai.providers.responses_api import ResponsesApi, responses_session
from cloudmart.errors import (
    ProviderDisabledError,
    ProviderFailedError,
    ProviderMisconfiguredError,
    ProviderTimeoutError,
    ProviderUnavailableError,
    UpstreamError,
)
from cloudmart.settings import Effort, OpenAISettings
from tests.ai.providers.steps import (
    CONVERSATION,
    FIND_PRODUCTS,
    answer,
    assistant,
    cost,
    request,
    take,
    user,
)
from tests.support import responses_api as api
from tests.support.openai_host import chat_with
from tests.support.scripted_server import Fault, LoopbackServer, Reply, Request, loopback

CALL = api.function_call("call_1", "find_products", '{"query": "lamp", "limit": null}')
REASONING = {"id": "rs_1", "type": "reasoning", "summary": [], "encrypted_content": "sealed"}


class Wire:
    """Answers in OpenAI's place, one reply for each request."""

    def __init__(self, *replies: Reply) -> None:
        self._replies = list(replies)
        self.sent: list[dict[str, Any]] = []
        self.headers: list[Mapping[str, str]] = []

    def __call__(self, request: Request) -> Reply:
        """Answer a request."""
        self.sent.append(request.json)
        self.headers.append(request.headers)
        return self._replies.pop(0)


@asynccontextmanager
async def talking(
    wire: Wire, effort: Effort = Effort.OFF, *, host: str = "api.openai.com"
) -> AsyncIterator[OpenAIChat]:
    """Give a chat over a wire, with OpenAI's own address or another."""
    with loopback() as server:
        server.answer = wire
        async with chat_with(server, host, effort) as chat:
            yield chat


async def test_openai_gets_the_whole_conversation_each_time_and_stores_nothing() -> None:
    wire = Wire(api.answer("Yes."))
    history = [user("Hello"), assistant("Hi."), user("Do you have lamps?")]

    async with talking(wire, effort=Effort.LOW) as chat:
        await answer(chat, request(*history, tools=[FIND_PRODUCTS]))

    assert wire.headers[0]["authorization"] == "Bearer sk-test"
    assert wire.sent == [
        {
            "model": "gpt-6-luna",
            "instructions": "You work in a shop.",
            "input": [
                {"role": "user", "content": "<customer>Hello</customer>"},
                {"role": "assistant", "content": "Hi."},
                {"role": "user", "content": "<customer>Do you have lamps?</customer>"},
            ],
            "tools": [
                {
                    "type": "function",
                    "name": "find_products",
                    "description": "Find products.",
                    "parameters": FIND_PRODUCTS.parameters,
                    "strict": True,
                }
            ],
            "tool_choice": "auto",
            "parallel_tool_calls": False,
            "max_output_tokens": 4000,
            "store": False,
            "stream": True,
            "include": ["reasoning.encrypted_content"],
            "prompt_cache_key": "cloudmart-assistant",
            "safety_identifier": CONVERSATION,
            "stream_options": {"include_obfuscation": False},
            "truncation": "disabled",
            "reasoning": {"effort": "low"},
        }
    ]


async def test_other_servers_are_sent_nothing_that_only_openai_knows(
    server: LoopbackServer,
) -> None:
    server.play(api.answer("Yes."))
    settings = OpenAISettings(
        api_key=SecretStr("EMPTY"), base_url=f"{server.url}/v1", model="llama"
    )

    async with open_openai_chat(settings) as chat:
        await answer(chat)

    assert server.requests[0].path == "/v1/responses"
    assert set(server.requests[0].json) == {
        "model",
        "instructions",
        "input",
        "max_output_tokens",
        "store",
        "stream",
    }


async def test_an_effort_that_is_off_is_not_sent() -> None:
    wire = Wire(api.answer("Yes."))

    async with talking(wire, effort=Effort.OFF) as chat:
        await answer(chat)

    assert "reasoning" not in wire.sent[0]


async def test_a_final_step_forbids_tools_and_still_names_them() -> None:
    wire = Wire(api.answer("Yes."))

    async with talking(wire) as chat:
        await answer(chat, request(tools=[FIND_PRODUCTS], final=True))

    assert wire.sent[0]["tool_choice"] == "none"
    assert [tool["name"] for tool in wire.sent[0]["tools"]] == ["find_products"]


async def test_what_the_model_did_in_this_turn_is_sent_back_unchanged() -> None:
    said = api.message("Let me look.", phase="commentary")
    wire = Wire(api.stream(api.ending(REASONING, said, CALL)), api.answer("Two lamps."))

    async with talking(wire) as chat:
        _, step = await take(chat, request(tools=[FIND_PRODUCTS]))
        results = [ToolResult(call, '{"products": []}') for call in step.calls]
        await answer(chat, request(tools=[FIND_PRODUCTS], exchange=[(step, results)]))

    assert step.calls == [ToolCall("call_1", "find_products", '{"query": "lamp", "limit": null}')]
    assert wire.sent[1]["input"] == [
        {"role": "user", "content": "<customer>Do you have lamps?</customer>"},
        REASONING,
        said,
        CALL,
        {
            "type": "function_call_output",
            "call_id": "call_1",
            "output": '<shop_data>{"products": []}</shop_data>',
        },
    ]


async def test_tokens_are_counted() -> None:
    async with talking(Wire(api.answer("Yes."))) as chat:
        told = await cost(chat)

    assert told == Usage(input_tokens=120, output_tokens=30, cached_tokens=100, reasoning_tokens=20)


async def test_a_server_that_counts_no_tokens_is_answered_all_the_same() -> None:
    wire = Wire(api.stream(*api.beginning("Yes."), api.ending(api.message("Yes."), usage=None)))

    async with talking(wire) as chat:
        _, step = await take(chat)

    assert step == ProviderStep("Yes.", (), [api.message("Yes.")])


async def test_text_beside_tool_calls_is_not_part_of_the_answer() -> None:
    remark = api.message("Let me look.", phase="commentary")
    added = api.event("response.output_item.added", output_index=0, item=remark | {"content": []})
    delta = api.event("response.output_text.delta", output_index=0, delta="Let me look.")
    wire = Wire(api.stream(added, delta, api.ending(remark, api.message("Two lamps."))))

    async with talking(wire) as chat:
        deltas, step = await take(chat)

    assert (deltas, step.text) == ([], "Two lamps.")


async def test_a_refusal_is_an_answer() -> None:
    refusal = {"type": "refusal", "refusal": "I cannot help with that."}
    wire = Wire(api.stream(api.ending(api.message(refusal))))

    async with talking(wire) as chat:
        assert await answer(chat) == "I cannot help with that."


async def test_items_that_came_one_by_one_need_not_come_again_at_the_end() -> None:
    done = api.event("response.output_item.done", output_index=0, item=api.message("Yes."))
    wire = Wire(api.stream(done, api.event("response.completed", response={"output": None})))

    async with talking(wire) as chat:
        assert await answer(chat) == "Yes."


async def test_arguments_that_are_not_json_are_handed_on_as_they_are() -> None:
    wire = Wire(api.asking(("call_1", "find_products", '{"query": "la')))

    async with talking(wire) as chat:
        _, step = await take(chat, request(tools=[FIND_PRODUCTS]))

    assert step.calls == [ToolCall("call_1", "find_products", '{"query": "la')]


async def test_an_answer_that_was_cut_short_shows_it() -> None:
    wire = Wire(
        api.incomplete("max_output_tokens", api.message("We have lamps, kettles and"), CALL)
    )

    async with talking(wire) as chat:
        assert await answer(chat) == "We have lamps, kettles and …"


async def test_an_answer_that_was_filtered_is_withheld() -> None:
    wire = Wire(api.incomplete("content_filter", api.message("Half a th")))

    async with talking(wire) as chat:
        assert await answer(chat) == WITHHELD


@pytest.mark.parametrize(
    "content",
    [
        [{"type": "output_text", "text": "Yes."}, {"type": "output_text", "text": None}],
        [{"type": "refusal", "refusal": "Yes.", "text": None}],
        [None, 5, "no part", {"type": "output_text", "text": "Yes.", "annotations": None}],
        "Yes.",
    ],
)
async def test_an_answer_with_invalid_parts_is_still_an_answer(content: Any) -> None:  # noqa: ANN401
    wire = Wire(api.stream(api.ending(api.message() | {"content": content})))

    async with talking(wire) as chat:
        assert await answer(chat) == "Yes."


@pytest.mark.parametrize("given", [{"call_id": None}, {"call_id": 7}, {"id": None, "call_id": ""}])
async def test_a_call_without_an_id_is_given_one(given: dict[str, Any]) -> None:
    call = CALL | given
    wire = Wire(api.stream(api.ending(call)), api.answer("Yes."))
    asked = request(tools=[FIND_PRODUCTS])

    async with talking(wire) as chat:
        _, step = await take(chat, asked)
        results = [ToolResult(each, "{}") for each in step.calls]
        await answer(chat, request(tools=[FIND_PRODUCTS], exchange=[(step, results)]))

    *_, sent, result = wire.sent[1]["input"]
    assert sent["call_id"] == result["call_id"] == "call_0"


async def test_arguments_that_come_as_an_object_are_read() -> None:
    wire = Wire(api.stream(api.ending(CALL | {"arguments": {"query": "lamp"}})))

    async with talking(wire) as chat:
        _, step = await take(chat, request(tools=[FIND_PRODUCTS]))

    assert step.calls == [ToolCall("call_1", "find_products", '{"query": "lamp"}')]


async def test_what_was_shown_is_the_answer_where_the_end_forgets_it() -> None:
    wire = Wire(api.stream(*api.beginning("Yes."), api.ending(usage=None)))

    async with talking(wire) as chat:
        assert await answer(chat) == "Yes."


@pytest.mark.parametrize(
    "last",
    [
        (api.event("response.completed", response=None),),
        (api.event("response.completed"),),
        (b"data: null\n\n", api.ending(usage=None)),
    ],
    ids=["null", "bare", "null event"],
)
async def test_what_was_shown_is_the_answer_however_poor_its_end(last: tuple[bytes, ...]) -> None:
    wire = Wire(api.stream(*api.beginning("Yes."), *last))

    async with talking(wire) as chat:
        assert await answer(chat) == "Yes."


async def test_items_of_very_many_parts_are_not_kept() -> None:
    item = {"type": "reasoning", "content": [{}] * 60_000}
    done = api.event("response.output_item.done", item=item)
    wire = Wire(api.stream(done, *api.beginning("Yes."), api.ending(usage=None)))

    async with talking(wire) as chat:
        with pytest.raises(ProviderFailedError, match="cannot be read"):
            await answer(chat)


SEALED = {"id": "rs_1", "type": "reasoning", "summary": [], "encrypted_content": "sealed"}
BARE: dict[str, Any] = {"id": "rs_1", "type": "reasoning", "summary": [], "encrypted_content": None}
OPEN = BARE | {"content": [{"type": "reasoning_text", "text": "Lamps, they want."}]}


async def replay(
    thought: dict[str, Any], host: str, *refusals: Reply
) -> tuple[Wire, list[list[Any]]]:
    """Let a model reason, call and answer. Return its transport, and the items sent back."""
    wire = Wire(api.stream(api.ending(thought, CALL)), *refusals, api.answer("Two lamps."))
    async with talking(wire, host=host) as chat:
        _, step = await take(chat, request(tools=[FIND_PRODUCTS]))
        results = [ToolResult(call, "{}") for call in step.calls]
        exchange = [(step, results)]
        assert await answer(chat, request(tools=[FIND_PRODUCTS], exchange=exchange)) == "Two lamps."
    return wire, [sent["input"][1:-1] for sent in wire.sent[1:]]


AZURE = "shop.openai.azure.com"
ELSEWHERE = "vllm.example.org"
NAMELESS = {name: CALL[name] for name in CALL if name != "id"}


async def test_azure_openai_gets_its_encrypted_reasoning_back() -> None:
    wire, (sent,) = await replay(SEALED, AZURE)

    assert all(body["include"] == ["reasoning.encrypted_content"] for body in wire.sent)
    assert sent == [SEALED, CALL]


@pytest.mark.parametrize("host", [AZURE, ELSEWHERE])
async def test_a_thought_that_is_not_sealed_is_left_out(host: str) -> None:
    _, (sent,) = await replay(BARE, host)

    assert sent == [NAMELESS]


async def test_a_server_that_thinks_aloud_is_given_its_thoughts_back() -> None:
    wire, (sent,) = await replay(OPEN, ELSEWHERE)

    assert "include" not in wire.sent[0]
    assert sent == [OPEN, CALL]


@pytest.mark.parametrize("status", [400, 404, 422])
async def test_a_server_that_refuses_its_reasoning_is_called_without_it(status: int) -> None:
    _, sent = await replay(OPEN, ELSEWHERE, api.error(status))

    assert sent == [[OPEN, CALL], [NAMELESS]]


NO_JSON = b"event: response.output_text.delta\ndata: {not json\n\n"
NO_TEXT = b'data: {"type": "\xff\xfe"}\n\n'
UNREADABLE = "it cannot be read"
FAULT = "a fault of its own"


@pytest.mark.parametrize(
    ("reply", "kind", "words"),
    [
        (api.failed("server_error"), ProviderFailedError, FAULT),
        (api.failed("rate_limit_exceeded"), ProviderUnavailableError, "5 s"),
        (api.failed("insufficient_quota"), ProviderUnavailableError, "60 s"),
        (api.flat("server_error"), ProviderFailedError, FAULT),
        (api.flat("rate_limit_exceeded"), ProviderUnavailableError, "5 s"),
        (api.nested("server_error"), ProviderFailedError, FAULT),
        (api.nested("rate_limit_exceeded"), ProviderUnavailableError, "5 s"),
        (api.stream(*api.beginning("We ha")), ProviderFailedError, "it broke off"),
        (api.stream(), ProviderFailedError, "it broke off"),
        (Reply.json(200, api.response("completed")), ProviderFailedError, "it broke off"),
        (api.stream(NO_JSON), ProviderFailedError, UNREADABLE),
        (api.stream(NO_TEXT), ProviderFailedError, UNREADABLE),
        (api.stream(b"data: 5\n\n"), ProviderFailedError, UNREADABLE),
        (api.stream(api.event("response.completed")), ProviderFailedError, "it broke off"),
        (api.stream(api.ending(REASONING)), ProviderFailedError, "it was empty"),
        (api.stream(api.ending(api.message(" \n"))), ProviderFailedError, "it was empty"),
        (api.incomplete("max_output_tokens", REASONING), ProviderFailedError, "it was empty"),
        (api.incomplete("max_output_tokens", CALL), ProviderFailedError, "asked for more tools"),
    ],
)
async def test_an_invalid_answer_gets_our_own_message(
    reply: Reply, kind: type[UpstreamError], words: str
) -> None:
    wire = Wire(reply)

    async with talking(wire) as chat:
        with pytest.raises(kind, match=words) as raised:
            await take(chat)

    assert "Said by the provider" not in str(raised.value)
    assert len(wire.sent) == 1


@pytest.mark.parametrize(
    ("reply", "kind", "words", "requests"),
    [
        (api.error(400), ProviderFailedError, "it refused the request", 1),
        (api.error(401, "invalid_api_key"), ProviderMisconfiguredError, "OPENAI_API_KEY", 1),
        (api.error(403), ProviderMisconfiguredError, "OPENAI_API_KEY", 1),
        (api.error(404, "model_not_found"), ProviderMisconfiguredError, "OPENAI_MODEL", 1),
        (api.error(404), ProviderMisconfiguredError, "OPENAI_BASE_URL", 1),
        (
            api.error(400, "unsupported_parameter"),
            ProviderMisconfiguredError,
            "OPENAI_REASONING_EFFORT",
            1,
        ),
        (api.error(429, "insufficient_quota"), ProviderUnavailableError, "60 s", 1),
        (api.error(429, retry_after="30"), ProviderUnavailableError, "30 s", 1),
        (api.error(429, retry_after_ms="29500"), ProviderUnavailableError, "30 s", 1),
        (api.error(429, retry_after="soon"), ProviderUnavailableError, "5 s", 2),
        (api.error(500, retry_after="0"), ProviderFailedError, FAULT, 2),
        (api.error(502, retry_after="0"), ProviderFailedError, FAULT, 2),
        (api.error(503, retry_after="0"), ProviderUnavailableError, "1 s", 2),
        (api.error(529, retry_after="0"), ProviderUnavailableError, "1 s", 2),
        (api.error(504, retry_after="0"), ProviderTimeoutError, "in time", 2),
        (Reply(302, {"location": "https://elsewhere.test"}), ProviderFailedError, "refused", 1),
        (Reply(401, chunks=[b"<html>"]), ProviderMisconfiguredError, "OPENAI_API_KEY", 1),
    ],
)
async def test_a_request_that_is_refused_gets_our_own_message(
    reply: Reply, kind: type[UpstreamError], words: str, requests: int
) -> None:
    wire = Wire(reply, reply)

    async with talking(wire) as chat:
        with pytest.raises(kind, match=words) as raised:
            await take(chat)

    assert "Said by the provider" not in str(raised.value)
    assert len(wire.sent) == requests


async def test_a_conversation_too_long_for_the_model_is_sent_as_its_newer_half() -> None:
    wire = Wire(api.error(400, "context_length_exceeded"), api.answer("Yes."))
    history = [user("One"), assistant("Two"), user("Three"), assistant("Four"), user("Five")]

    async with talking(wire) as chat:
        assert await answer(chat, request(*history)) == "Yes."

    told = [message["content"] for message in wire.sent[1]["input"]]
    assert told == ["Four", "<customer>Five</customer>"]


async def test_a_message_too_long_for_the_model_is_a_failure() -> None:
    wire = Wire(api.error(400, "context_length_exceeded"))

    async with talking(wire) as chat:
        with pytest.raises(ProviderFailedError, match="too long for the model"):
            await take(chat)


class Unreachable(aiohttp.TCPConnector):
    """Makes no connection in time."""

    async def connect(self, *_: object, **__: object) -> NoReturn:
        """Raise what aiohttp raises then."""
        raise TimeoutError


async def test_a_failed_connection_is_not_reported_as_a_timeout() -> None:
    sdk = AsyncOpenAI(api_key="sk-test")

    async with sdk, responses_session(sdk, Unreachable()) as http:
        with pytest.raises(ProviderUnavailableError):
            await take(OpenAIChat(ResponsesApi(http, sdk), "gpt-6-luna"))


async def test_an_endless_answer_is_kept_to_a_length() -> None:
    async with talking(Wire(api.answer("a" * 50_000))) as chat:
        assert await answer(chat) == f"{'a' * 20_000} …"


async def test_what_follows_the_end_of_an_answer_is_not_waited_for(
    server: LoopbackServer,
) -> None:
    server.play(api.stream(api.ending(api.message("Yes.")), Fault.HANG))
    settings = OpenAISettings(api_key=SecretStr("sk-test"), base_url=f"{server.url}/v1")

    async with open_openai_chat(settings) as chat:
        assert await answer(chat, request(seconds_left=60)) == "Yes."


async def test_openai_without_a_key_is_disabled() -> None:
    with pytest.raises(ProviderDisabledError, match="set OPENAI_API_KEY"):
        async with open_openai_chat(OpenAISettings()):
            pass


async def test_an_empty_address_in_the_environment_is_ignored(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "")

    async with open_openai_chat(OpenAISettings(api_key=SecretStr("sk-test"))) as chat:
        assert str(chat._api.sdk.base_url) == "https://api.openai.com/v1/"  # noqa: SLF001
