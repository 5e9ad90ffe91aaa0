"""How many tokens assistants may use: in one conversation, and in a day together."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext, suppress
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import aioboto3
import pytest
from structlog.testing import capture_logs

from cloudmart.ai.budget import TokenBudget
from cloudmart.ai.ports import TextDelta, Usage
from cloudmart.ai.service import Assistant, ToolRunning
from cloudmart.app import create_app
from cloudmart.composition.providers import Providers
from cloudmart.dynamodb.table import Table
from cloudmart.errors import (
    ProviderFailedError,
    ProviderTimeoutError,
    ProviderUnavailableError,
    TokensSpentError,
    UpstreamError,
)
from cloudmart.settings import Settings
from tests.ai.conftest import Shop, open_shop
from tests.support.fault_proxy import Fault, FaultProxy
from tests.support.ready_app import serving, still
from tests.support.scripted_chat import ScriptedChat
from tests.support.scripted_sentiment import ScriptedSentiment
from tests.support.shop_tables import CALL_WITHIN

HELLO = (Usage(90, 10), "Hello.")


def budget(table: Table) -> TokenBudget:
    """Return a replica's budget of 100 tokens a day."""
    return TokenBudget(table, conversation=0, daily=100)


@asynccontextmanager
async def running(budget: TokenBudget) -> AsyncIterator[None]:
    """Run a replica while the context lasts."""
    task = asyncio.create_task(budget.run())
    # The replica has started.
    await asyncio.sleep(0)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def spent(table: Table) -> list[int]:
    """Return the stored counts of all days."""
    items = [item async for page in table.scan() for item in page.items]
    return [int(item["tokens"]) for item in items if item["id"].startswith("tokens-")]


async def test_a_conversation_that_spent_its_tokens_does_not_continue(shop: Shop) -> None:
    chat = ScriptedChat(*HELLO)
    assistant = shop.assistant(chat, conversation_tokens=100)
    thread = await assistant.start()
    await assistant.reply(thread, "Hi")

    with pytest.raises(TokensSpentError, match="start a new one"):
        await assistant.reply(thread, "And?")

    assert len(chat.requests) == 1


async def test_who_spends_the_days_tokens_knows_at_once(shop: Shop) -> None:
    chat = ScriptedChat(*HELLO)
    assistant = shop.assistant(chat, daily_tokens=100)
    await assistant.reply(await assistant.start(), "Hi")

    with pytest.raises(TokensSpentError, match="tomorrow") as refused:
        await assistant.reply(await assistant.start(), "Hi")

    assert len(chat.requests) == 1
    assert refused.value.retry_after is not None
    assert 0 < refused.value.retry_after <= 86_400


async def test_the_day_is_over_for_all_replicas(shop: Shop) -> None:
    one, other = budget(shop.conversations), budget(shop.conversations)

    async with running(one):
        one.settle(0, 100)
        while not await spent(shop.conversations):  # noqa: ASYNC110 - the store tells nobody
            await asyncio.sleep(0.05)

    with pytest.raises(TokensSpentError):
        await other.reserve(1)


async def test_what_many_chats_use_is_written_at_once(
    settings: Settings, session: aioboto3.Session, faults: FaultProxy
) -> None:
    async with open_shop(settings, session) as shop:
        replica = budget(shop.conversations)
        async with running(replica):
            for _ in range(50):
                replica.settle(0, 1)

        assert await spent(shop.conversations) == [50]

    assert faults.calls["UpdateItem"] == 1


@pytest.mark.parametrize("fault", [Fault.RESET, Fault.THROTTLED, Fault.UNHEARD_OF])
async def test_what_could_not_be_written_is_kept_and_written_later(
    settings: Settings, session: aioboto3.Session, faults: FaultProxy, fault: Fault
) -> None:
    async with open_shop(settings, session) as shop:
        replica = budget(shop.conversations)
        await replica.reserve(0)
        async with running(replica):
            faults.fail(fault, "UpdateItem")
            replica.settle(0, 60)
            while not faults.calls["UpdateItem"]:  # noqa: ASYNC110 - counted in a thread
                await asyncio.sleep(0.05)
            replica.settle(0, 40)
            with pytest.raises(TokensSpentError):
                await replica.reserve(0)
            faults.heal()

        assert await spent(shop.conversations) == [100]


async def test_nothing_is_written_where_nothing_is_counted(shop: Shop) -> None:
    free = TokenBudget(shop.conversations, conversation=0, daily=0)

    async with running(free):
        free.settle(0, 1_000_000)
        await free.reserve(1)

    assert await spent(shop.conversations) == []


async def test_the_days_count_is_not_read_for_every_message(
    settings: Settings, session: aioboto3.Session, faults: FaultProxy
) -> None:
    async with open_shop(settings, session) as shop:
        assistant = shop.assistant(ScriptedChat(*HELLO, *HELLO), daily_tokens=200)
        thread = await assistant.start()

        for _ in range(2):
            await assistant.reply(thread, "Hi")
        with pytest.raises(TokensSpentError):
            await assistant.reply(thread, "Hi")

    assert faults.calls["GetItem"] == 1


async def test_a_process_that_ends_writes_what_it_used(
    settings: Settings, session: aioboto3.Session
) -> None:
    chat = ScriptedChat(*HELLO)
    providers = Providers(chat, chat, ScriptedSentiment("none"), ScriptedSentiment("none"))
    app = create_app(settings, lambda *_: nullcontext(providers), process=still(settings))

    with serving(app) as client:
        question = client.post("/api/ai/start").json() | {"message": "Lamps?"}
        answer = client.post("/api/ai/message", json=question)

    assert answer.json() == {"response": "Hello."}
    async with open_shop(settings, session) as shop:
        assert await spent(shop.conversations) == [100]


LONG = [TextDelta("word ") for _ in range(60)]


async def hang_up(assistant: Assistant, thread: str, *, after: int) -> None:
    """Ask something, and disconnect after some parts of the answer."""
    heard = 0

    async def listen(_: TextDelta | ToolRunning) -> None:
        nonlocal heard
        heard += 1
        if heard == after:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await assistant.reply(thread, "Tell me of lamps", listen)


async def test_who_hangs_up_in_the_middle_of_an_answer_has_used_it(shop: Shop) -> None:
    chat = ScriptedChat(Usage(), *LONG, "The end.")
    assistant = shop.assistant(chat, daily_tokens=1200)
    thread = await assistant.start()
    await hang_up(assistant, thread, after=50)

    with pytest.raises(TokensSpentError, match="today"):
        await assistant.reply(thread, "Hi")

    tokens = (await shop.conversation(thread))["tokens"]
    assert 1200 <= tokens < 2500


@pytest.mark.parametrize(
    ("line", "least"),
    [
        (ProviderTimeoutError("OpenAI"), 500),
        (ProviderFailedError("OpenAI", "it broke off"), 0),
        (ProviderUnavailableError("OpenAI"), 0),
    ],
)
async def test_a_step_that_never_began_costs_only_what_may_have_been_used(
    shop: Shop, line: UpstreamError, least: int
) -> None:
    assistant = shop.assistant(ScriptedChat(line))
    thread = await assistant.start()

    with pytest.raises(UpstreamError):
        await assistant.reply(thread, "Hi")

    tokens = (await shop.conversation(thread)).get("tokens", 0)
    assert (tokens > least) if least else (tokens == 0)


async def test_a_failed_step_costs_the_usage_that_it_reported(shop: Shop) -> None:
    failed = ProviderFailedError("OpenAI", "it was empty")
    assistant = shop.assistant(ScriptedChat(Usage(), Usage(70, 30), failed))
    thread = await assistant.start()

    with pytest.raises(ProviderFailedError):
        await assistant.reply(thread, "Hi")

    assert (await shop.conversation(thread))["tokens"] == 100


async def test_an_answer_without_reported_usage_is_estimated(shop: Shop) -> None:
    assistant = shop.assistant(ScriptedChat(Usage(), "We have two lamps, a desk lamp and another."))
    thread = await assistant.start()

    await assistant.reply(thread, "Which lamps do you have?")

    # The instructions and the tools are about 5 kB.
    assert 500 < (await shop.conversation(thread))["tokens"] < 2000


async def test_answers_at_the_same_time_are_bound_together(shop: Shop) -> None:
    release = asyncio.Event()
    chat = ScriptedChat(*[release] * 3, *(Usage(400, 100), "Hello.") * 3)
    assistant = shop.assistant(chat, daily_tokens=13_000)
    threads = [await assistant.start() for _ in range(8)]

    asking = [asyncio.create_task(assistant.reply(thread, "Hi")) for thread in threads]
    waiting = set(asking)
    while len(waiting) > 3:
        done, waiting = await asyncio.wait(
            waiting, timeout=CALL_WITHIN, return_when=asyncio.FIRST_COMPLETED
        )
        assert done
    release.set()
    answers = await asyncio.gather(*asking, return_exceptions=True)

    refused = [answer for answer in answers if isinstance(answer, TokensSpentError)]
    assert answers.count("Hello.") == len(chat.requests) == 3
    # The reserved tokens are returned, so the customers need not wait for another day.
    assert [error.retry_after for error in refused] == [10] * 5
    assert "in a moment" in str(refused[0])


@pytest.mark.parametrize("stored", ["many", None, [], {"tokens": 1}, Decimal("1e125"), -5])
async def test_an_invalid_count_loses_no_answer_and_no_process(
    shop: Shop,
    stored: Any,  # noqa: ANN401 - whatever somebody wrote
) -> None:
    day = f"tokens-{datetime.now(UTC):%Y-%m-%d}"
    if stored != Decimal("1e125"):
        await shop.conversations.put({"id": day, "tokens": stored}, new=True)
    replica = budget(shop.conversations)
    thread = await shop.assistant(ScriptedChat()).start()
    begun = await shop.conversations.get(thread)
    assert begun is not None
    await shop.conversations.put(begun | {"tokens": stored}, new=False)

    async with running(replica):
        await replica.reserve(10)
        replica.settle(10, 5)
    answer = await shop.assistant(ScriptedChat(*HELLO), conversation_tokens=0).reply(thread, "Hi")

    assert answer == "Hello."
    assert len(await shop.history(thread)) == 2


@pytest.mark.parametrize("stored", ["many", None, Decimal("1e100"), Decimal("-1e100")])
async def test_an_impossible_count_of_a_day_begins_again_and_is_logged(
    shop: Shop,
    stored: Any,  # noqa: ANN401 - whatever somebody wrote
) -> None:
    day = f"tokens-{datetime.now(UTC):%Y-%m-%d}"
    await shop.conversations.put({"id": day, "tokens": stored}, new=True)
    replica = budget(shop.conversations)

    with capture_logs() as events:
        async with running(replica):
            await replica.reserve(10)
            replica.settle(10, 7)

    assert await spent(shop.conversations) == [7]
    assert [event["day"] for event in events if event["event"] == "tokens_not_believed"] == [day]


@pytest.mark.parametrize("fault", [Fault.THROTTLED, Fault.RESET, Fault.UNHEARD_OF])
async def test_a_count_that_cannot_be_read_costs_no_answer(
    settings: Settings, session: aioboto3.Session, faults: FaultProxy, fault: Fault
) -> None:
    async with open_shop(settings, session) as shop:
        assistant = shop.assistant(ScriptedChat(*HELLO), daily_tokens=100)
        thread = await assistant.start()
        faults.fail(fault, "GetItem")

        assert await assistant.reply(thread, "Hi") == "Hello."
        with pytest.raises(TokensSpentError):
            await assistant.reply(thread, "Hi")
