"""What `ChatModel` promises, kept by every provider over its own wire."""

import asyncio
import json
from contextlib import aclosing

import pytest
from structlog.testing import capture_logs

from cloudmart.ai.ports import TextDelta, ToolResult, Usage
from cloudmart.errors import (
    ProviderFailedError,
    ProviderMisconfiguredError,
    ProviderTimeoutError,
    ProviderUnavailableError,
    UpstreamError,
)
from tests.ai.providers.conftest import Rig
from tests.ai.providers.steps import FIND_PRODUCTS, answer, request, take
from tests.support.scripted_server import Fault, Reply


async def test_an_answer_comes_in_pieces_and_then_whole(rig: Rig) -> None:
    rig.server.play(rig.wire.answer("We have ", "two lamps."))

    deltas, step = await take(rig.chat)

    assert deltas == ["We have ", "two lamps."]
    assert (step.text, step.calls) == ("We have two lamps.", ())


async def test_a_call_is_asked_for_and_its_result_leads_to_the_answer(rig: Rig) -> None:
    rig.server.play(
        rig.wire.asking("call_1", "find_products", '{"query": "lamp", "limit": null}'),
        rig.wire.answer("Two lamps."),
    )
    asked = request(tools=[FIND_PRODUCTS])

    _, step = await take(rig.chat, asked)
    (call,) = step.calls
    exchange = [(step, [ToolResult(call, '{"products": ["Desk lamp"]}')])]
    text = await answer(rig.chat, request(tools=[FIND_PRODUCTS], exchange=exchange))

    assert call.name == "find_products"
    assert json.loads(call.arguments) == {"query": "lamp", "limit": None}
    assert text == "Two lamps."
    assert b"Desk lamp" in rig.server.requests[1].body


async def test_a_final_step_asks_for_nothing_more(rig: Rig) -> None:
    rig.server.play(rig.wire.asking("call_1", "find_products", '{"query": "lamp"}'))

    with pytest.raises(ProviderFailedError, match="asked for more tools"):
        await take(rig.chat, request(tools=[FIND_PRODUCTS], final=True))


async def test_a_throttled_call_is_made_once_more(rig: Rig) -> None:
    rig.server.play(rig.wire.throttled(retry_after="0"), rig.wire.answer("Hello."))

    text = await answer(rig.chat)

    assert text == "Hello."
    assert len(rig.server.requests) == 2
    assert rig.server.requests[0].body == rig.server.requests[1].body


async def test_a_call_throttled_twice_is_unavailable(rig: Rig) -> None:
    rig.server.play(rig.wire.throttled(retry_after="0"), rig.wire.throttled(retry_after="7"))

    with pytest.raises(ProviderUnavailableError) as raised:
        await take(rig.chat)

    assert raised.value.retry_after == 7


async def test_a_wait_longer_than_the_time_left_is_not_waited_for(rig: Rig) -> None:
    rig.server.play(rig.wire.throttled(retry_after="30"))

    with pytest.raises(ProviderUnavailableError) as raised:
        await take(rig.chat, request(seconds_left=20))

    assert raised.value.retry_after == 30
    assert len(rig.server.requests) == 1


async def test_a_fault_of_the_provider_is_reported_when_it_lasts(rig: Rig) -> None:
    rig.server.play(rig.wire.faulty(), rig.wire.faulty())

    with pytest.raises(ProviderFailedError) as raised:
        await take(rig.chat)

    assert "Said by the provider" not in str(raised.value)
    assert len(rig.server.requests) == 1 + rig.wire.repeats


async def test_a_refused_key_or_role_is_a_matter_of_settings(rig: Rig) -> None:
    rig.server.play(rig.wire.denied())

    with pytest.raises(ProviderMisconfiguredError) as raised:
        await take(rig.chat)

    assert "Said by the provider" not in str(raised.value)
    assert len(rig.server.requests) == 1


@pytest.mark.parametrize(
    ("fault", "seconds_left", "expected"),
    [(Fault.RESET, 5, ProviderFailedError), (Fault.HANG, 0.3, ProviderTimeoutError)],
)
async def test_an_answer_that_breaks_off_is_not_requested_again(
    rig: Rig, fault: Fault, seconds_left: float, expected: type[UpstreamError]
) -> None:
    rig.server.play(rig.wire.begun("We ha", fault))

    with pytest.raises(expected):
        await take(rig.chat, request(seconds_left=seconds_left))

    # There is no delta if a busy machine had sent nothing before the time was up.
    assert len(rig.server.requests) <= 1


async def test_an_answer_that_never_begins_is_given_up_in_time(rig: Rig) -> None:
    rig.server.play(Reply(headers=rig.wire.answer().headers, chunks=[Fault.HANG]))

    with pytest.raises(ProviderTimeoutError):
        await take(rig.chat, request(seconds_left=0.3))

    assert not rig.server.requests or await asyncio.to_thread(rig.server.abandoned.wait, 60)


async def test_a_server_that_does_not_speak_http_gets_our_own_message(rig: Rig) -> None:
    nonsense = rig.wire.begun("We ha", Fault.NONSENSE)
    # It may arrive with the headers. Then no answer has begun, and the call is made again.
    rig.server.play(nonsense, nonsense)

    # aiohttp is below all three, and treats malformed bytes inside an answer as a broken
    # connection.
    with pytest.raises(UpstreamError):
        await take(rig.chat, request(seconds_left=1))


async def test_an_answer_without_a_status_gets_our_own_message(rig: Rig) -> None:
    nonsense = Reply(status=0)
    rig.server.play(nonsense, nonsense)

    with pytest.raises((ProviderFailedError, ProviderUnavailableError)):
        await take(rig.chat)


async def test_without_time_left_no_call_is_made(rig: Rig) -> None:
    with pytest.raises(ProviderTimeoutError):
        await take(rig.chat, request(seconds_left=0))

    assert rig.server.requests == []


async def test_an_empty_answer_is_a_failure(rig: Rig) -> None:
    rig.server.play(rig.wire.empty())

    with pytest.raises(ProviderFailedError, match="it was empty"):
        await take(rig.chat)


async def test_an_answer_that_cannot_be_read_is_a_failure(rig: Rig) -> None:
    rig.server.play(rig.wire.garbled())

    with pytest.raises(ProviderFailedError, match="it cannot be read"):
        await take(rig.chat)


async def test_a_step_that_is_closed_early_stops_its_call(rig: Rig) -> None:
    rig.server.play(rig.wire.begun("We ha", Fault.HANG))

    async with aclosing(rig.chat.step(request())) as pieces:
        taken, first = await anext(pieces), await anext(pieces)

    assert (taken, first) == (Usage(), TextDelta("We ha"))
    assert await asyncio.to_thread(rig.server.abandoned.wait, 60)


async def test_a_cancelled_step_stops_its_call(rig: Rig) -> None:
    rig.server.play(rig.wire.begun("We ha", Fault.HANG))
    begun = asyncio.Event()

    async def listen() -> None:
        async with aclosing(rig.chat.step(request())) as pieces:
            async for piece in pieces:
                if isinstance(piece, TextDelta):
                    begun.set()

    listening = asyncio.create_task(listen())
    await begun.wait()
    listening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await listening

    assert await asyncio.to_thread(rig.server.abandoned.wait, 60)


async def test_a_failure_leaves_nothing_behind(rig: Rig) -> None:
    rig.server.play(rig.wire.begun("We ha", Fault.RESET), rig.wire.answer("Hello."))

    with pytest.raises(ProviderFailedError):
        await take(rig.chat)

    assert await answer(rig.chat) == "Hello."


async def test_a_connection_that_was_read_to_its_end_is_used_again(rig: Rig) -> None:
    rig.server.play(rig.wire.answer("One."), rig.wire.answer("Two."))

    texts = [await answer(rig.chat), await answer(rig.chat)]

    assert texts == ["One.", "Two."]
    assert rig.server.connections == 1


async def test_a_provider_that_cannot_be_reached_is_called_that(rig: Rig) -> None:
    rig.server.stop()

    with (
        capture_logs() as events,
        pytest.raises(ProviderUnavailableError, match="cannot be reached"),
    ):
        await take(rig.chat)

    # The operator sees the error that the SDK wrapped.
    assert events[-1]["provider_code"] == "ConnectionRefusedError"
