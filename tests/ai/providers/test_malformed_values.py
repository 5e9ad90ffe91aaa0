"""Values against a provider's own documentation harm no customer and no process."""

import math
import resource
import time
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from cloudmart.ai.ports import TextDelta, ToolResult, Usage
from cloudmart.errors import ProviderFailedError, ProviderMisconfiguredError, UpstreamError
from tests.ai.providers.conftest import Rig
from tests.ai.providers.steps import FIND_PRODUCTS, answer, cost, request, take, user
from tests.support.event_stream import rewritten
from tests.support.malformed_values import (
    BOMB,
    COUNTS,
    DIGITS,
    HALVES,
    JOINED,
    LONE,
    NESTED,
    REPLACED,
)
from tests.support.scripted_server import Reply, loopback

QUESTION = "Is my card 4111 1111 1111 1111 all right?"


def counted(value: Any, at_most: int) -> int | None:  # noqa: ANN401 - any JSON
    """Return the number of tokens that a value is read as."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        return None
    return min(math.ceil(value), at_most)


@pytest.mark.parametrize("value", COUNTS, ids=repr)
async def test_an_answer_is_kept_whatever_usage_is_reported(rig: Rig, value: Any) -> None:  # noqa: ANN401
    rig.server.play(*[rig.wire.costing(dict.fromkeys(rig.wire.names, value))] * 2)
    asked = request()

    text, told = await answer(rig.chat, asked), await cost(rig.chat, asked)

    assert text == "Yes."
    assert told is not None
    # An agent also sends its own instructions.
    most = 200_000 if rig.chat.name == "bedrock-agent" else asked.size
    assert told.input_tokens == counted(value, most)
    assert told.output_tokens in {counted(value, most) for most in (2000, 4000, 8000)}


@pytest.mark.parametrize("usage", [None, {}, [], "none", 5], ids=repr)
async def test_invalid_usage_loses_no_answer(rig: Rig, usage: Any) -> None:  # noqa: ANN401
    if rig.chat.name == "bedrock-agent" and usage not in (None, {}):
        pytest.skip("AWS's SDK reads no further then")
    rig.server.play(*[rig.wire.costing(usage)] * 2)

    assert await answer(rig.chat) == "Yes."
    assert await cost(rig.chat) == Usage()


async def test_usage_with_one_number_missing_is_still_counted(rig: Rig) -> None:
    name, other = rig.wire.names
    rig.server.play(rig.wire.costing({name: 20}), rig.wire.costing({other: 30, name: None}))

    assert await cost(rig.chat) in {Usage(20, None), Usage(20, 0)}
    assert await cost(rig.chat) in {Usage(None, 30), Usage(0, 30)}


@pytest.mark.parametrize(
    ("pieces", "whole"), [(HALVES, JOINED), (LONE, REPLACED)], ids=["divided", "lone"]
)
async def test_an_emoji_cut_in_two_is_joined_or_replaced(
    rig: Rig, pieces: tuple[str, ...], whole: str
) -> None:
    if rig.chat.name == "bedrock-agent":
        pytest.skip("an agent sends bytes: see test_bedrock_agent.py")
    rig.server.play(rig.wire.answer(*pieces))

    deltas, step = await take(rig.chat)

    assert step.text == whole
    assert whole.startswith("".join(deltas))
    assert "".join(deltas).encode()


@pytest.mark.parametrize("piece", ["a", "lamps " * 100], ids=["short", "long"])
async def test_an_answer_without_end_is_cut(rig: Rig, piece: str) -> None:
    rig.server.play(rig.wire.endless(piece))
    begun = time.process_time()

    deltas, ended = 0, ""
    try:
        async with aclosing(rig.chat.step(request())) as events:
            async for event in events:
                deltas += len(event.text) if isinstance(event, TextDelta) else 0
    except ProviderFailedError as error:
        ended = str(error)

    assert deltas <= 20_000
    assert not ended or "too large" in ended
    assert time.process_time() - begun < 5


async def test_events_without_end_are_given_up(rig: Rig) -> None:
    rig.server.play(rig.wire.silent())

    with pytest.raises(ProviderFailedError, match="too large"):
        await take(rig.chat)


async def test_a_line_without_end_is_given_up(rig: Rig) -> None:
    head = dict(rig.wire.answer("Yes.").headers)
    rig.server.play(Reply(200, head, [b"data: ", *[b"a" * 65_536] * 2400]))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    with pytest.raises(UpstreamError):
        await take(rig.chat)

    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 30_000


@pytest.mark.parametrize("line", [b":\n", b"\n", b"\r", b"data:\n"], ids=repr)
async def test_lines_that_bring_no_event_are_given_up(rig: Rig, line: bytes) -> None:
    if rig.chat.name != "openai":
        pytest.skip("Bedrock sends frames")
    whole = rig.wire.answer("Yes.")
    rig.server.play(Reply(200, whole.headers, [*[line * 30_000] * 10, *whole.chunks]))

    with pytest.raises(ProviderFailedError, match="too large"):
        await take(rig.chat)


@pytest.mark.parametrize("status", [200, 400])
async def test_a_compressed_answer_is_not_blown_up(rig: Rig, status: int) -> None:
    head = dict(rig.wire.answer("Yes.").headers) | {"content-encoding": "gzip"}
    rig.server.play(*[Reply(status, head, [BOMB])] * 2)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    with pytest.raises(UpstreamError):
        await take(rig.chat)

    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 30_000
    assert rig.server.requests[0].headers["accept-encoding"] == "identity"


async def test_a_refusal_without_end_is_not_read(rig: Rig) -> None:
    rig.server.play(*[Reply(400, {"content-type": "application/json"}, [b" " * 65_536] * 2400)] * 2)

    with pytest.raises(UpstreamError):
        await take(rig.chat)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_conversation_is_sent_to_its_provider_only(rig: Rig, status: int) -> None:
    with loopback() as other:
        other.answer = lambda _: rig.wire.answer("Mine now.")
        rig.server.play(*[Reply(status, {"location": f"{other.url}/v1/responses"})] * 2)

        with pytest.raises(UpstreamError):
            await take(rig.chat)

        assert other.requests == []


async def test_arguments_nested_too_deep_are_a_call_that_can_be_answered(rig: Rig) -> None:
    if rig.chat.name == "bedrock-agent":
        pytest.skip("an agent's arguments are names and values")
    for nested in (NESTED, '{"query": ' + "[" * 40 + "]" * 40 + "}"):
        rig.server.play(
            rig.wire.asking("call_1", "find_products", nested), rig.wire.answer("Sorry.")
        )
        asked = request(tools=[FIND_PRODUCTS])

        _, step = await take(rig.chat, asked)
        results = [ToolResult(call, '{"error": "invalid_arguments"}') for call in step.calls]
        text = await answer(rig.chat, request(tools=[FIND_PRODUCTS], exchange=[(step, results)]))

        assert (step.calls[0].arguments, text) == (nested, "Sorry.")


@pytest.mark.parametrize("quoted", [QUESTION, "sk-test", "AKIAIOSFODNN7EXAMPLE", "x" * 5000])
async def test_a_refusal_that_quotes_us_is_not_logged(rig: Rig, quoted: str) -> None:
    rig.server.play(rig.wire.quoting(quoted))

    with capture_logs() as events, pytest.raises(ProviderMisconfiguredError):
        await take(rig.chat, request(user(QUESTION)))

    (event,) = events
    assert quoted not in repr(event)
    assert event["provider_sentence"] == ""


async def test_a_count_of_thousands_of_digits_costs_no_answer(rig: Rig) -> None:
    named = dict.fromkeys(rig.wire.names, "many")
    whole = rig.wire.costing(named)
    change = bytes.replace if rig.chat.name == "openai" else rewritten
    chunks = [
        change(chunk, b'"many"', b"9" * DIGITS) if isinstance(chunk, bytes) else chunk
        for chunk in whole.chunks
    ]
    rig.server.play(*[replace(whole, chunks=chunks)] * 2)

    assert await answer(rig.chat) == "Yes."
    assert await cost(rig.chat) in {None, Usage()}
