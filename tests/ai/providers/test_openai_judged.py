"""OpenAI's adapter with an independent server that fails on purpose and judges its client."""

from collections.abc import AsyncIterator

import pytest
from llmock.pytest_plugin import LLMock
from pydantic import SecretStr

from cloudmart.ai.ports import ToolResult
from cloudmart.ai.providers.openai import OpenAIChat, open_openai_chat
from cloudmart.errors import (
    ProviderFailedError,
    ProviderMisconfiguredError,
    ProviderTimeoutError,
    ProviderUnavailableError,
    UpstreamError,
)
from cloudmart.settings import OpenAISettings
from tests.ai.providers.steps import FIND_PRODUCTS, answer, assistant, request, take, user


@pytest.fixture
async def chat(llmock: LLMock) -> AsyncIterator[OpenAIChat]:
    """Provide the adapter with that server's address."""
    settings = OpenAISettings(api_key=SecretStr("sk-test"), base_url=llmock.base_url())
    async with open_openai_chat(settings) as chat:
        yield chat


async def test_an_answer_is_streamed(chat: OpenAIChat, llmock: LLMock) -> None:
    llmock.reply("We have two lamps.")

    deltas, step = await take(chat)

    assert step.text == "We have two lamps."
    assert "".join(deltas) == step.text
    assert len(deltas) > 1
    llmock.assert_resilient(strict=True)


async def test_a_call_and_its_result_lead_to_an_answer(chat: OpenAIChat, llmock: LLMock) -> None:
    llmock.call_tool("find_products", {"query": "lamp", "limit": None})

    _, step = await take(chat, request(tools=[FIND_PRODUCTS]))
    results = [ToolResult(call, '{"products": ["Desk lamp"]}') for call in step.calls]
    text = await answer(chat, request(tools=[FIND_PRODUCTS], exchange=[(step, results)]))

    assert [call.name for call in step.calls] == ["find_products"]
    assert text
    llmock.assert_resilient(strict=True)


async def test_a_history_is_understood(chat: OpenAIChat, llmock: LLMock) -> None:
    llmock.reply("Yes.")

    await answer(chat, request(user("Hello"), assistant("Hi."), user("Lamps?")))

    assert [one["content"] for one in llmock.last_request.body["input"]] == [
        "<customer>Hello</customer>",
        "Hi.",
        "<customer>Lamps?</customer>",
    ]


@pytest.mark.parametrize("kind", ["malformed_arguments", "unknown_tool"])
async def test_a_broken_call_is_handed_on(chat: OpenAIChat, llmock: LLMock, kind: str) -> None:
    llmock.call_tool("find_products", {"query": "lamp"}).break_tool_call(kind)

    _, step = await take(chat, request(tools=[FIND_PRODUCTS]))

    assert len(step.calls) == 1
    llmock.assert_resilient(strict=True)


async def test_a_rate_limit_is_waited_for(chat: OpenAIChat, llmock: LLMock) -> None:
    llmock.rate_limit(times=1, retry_after=0.2)

    await answer(chat)

    assert len(llmock.requests) == 2
    llmock.assert_resilient(strict=True)


async def test_a_rate_limit_longer_than_the_time_left_is_passed_on(
    chat: OpenAIChat, llmock: LLMock
) -> None:
    llmock.rate_limit(times=1, retry_after=40)

    with pytest.raises(ProviderUnavailableError) as raised:
        await take(chat, request(seconds_left=20))

    assert raised.value.retry_after == 40
    llmock.assert_resilient()


@pytest.mark.parametrize("status", [500, 502, 503, 529])
async def test_a_fault_that_passes_is_not_noticed(
    chat: OpenAIChat, llmock: LLMock, status: int
) -> None:
    llmock.fail(status, retry_after=0)

    assert await answer(chat)
    llmock.assert_resilient(strict=True)


async def test_an_outage_is_reported_after_two_attempts(chat: OpenAIChat, llmock: LLMock) -> None:
    llmock.outage()

    with pytest.raises(ProviderUnavailableError):
        await take(chat)

    assert len(llmock.requests) == 2
    llmock.assert_resilient(strict=True)


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (400, None, ProviderFailedError),
        (401, None, ProviderMisconfiguredError),
        (403, None, ProviderMisconfiguredError),
        (404, None, ProviderMisconfiguredError),
        (422, None, ProviderFailedError),
        (429, "insufficient_quota", ProviderUnavailableError),
    ],
)
async def test_what_will_not_pass_is_not_tried_again(
    chat: OpenAIChat,
    llmock: LLMock,
    status: int,
    code: str | None,
    expected: type[UpstreamError],
) -> None:
    llmock.fail(status, code=code)

    with pytest.raises(expected):
        await take(chat)

    assert len(llmock.requests) == 1
    llmock.assert_resilient()


@pytest.mark.parametrize("after", [1, 4, 7])
async def test_no_part_of_a_broken_stream_passes_for_an_answer(
    chat: OpenAIChat, llmock: LLMock, after: int
) -> None:
    llmock.truncate(after_chunks=after).disconnect(after_chunks=after)

    for _ in range(2):
        with pytest.raises(ProviderFailedError, match="broke off"):
            await take(chat)

    assert await answer(chat)
    llmock.assert_resilient()


async def test_a_corrupt_stream_is_a_failure(chat: OpenAIChat, llmock: LLMock) -> None:
    llmock.corrupt(after_chunks=4)

    with pytest.raises(ProviderFailedError, match="cannot be read"):
        await take(chat)

    assert len(llmock.requests) == 1
    llmock.assert_resilient()


async def test_a_stalled_stream_is_given_up(chat: OpenAIChat, llmock: LLMock) -> None:
    llmock.stall(after_chunks=4, seconds=3)

    with pytest.raises(ProviderTimeoutError):
        await take(chat, request(seconds_left=0.3))

    llmock.assert_resilient(strict=True)
