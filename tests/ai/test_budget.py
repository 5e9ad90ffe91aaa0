"""What assistants may spend: in a conversation, and in a day all together."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext, suppress

import aioboto3
import pytest

from cloudmart.ai.budget import TokenBudget
from cloudmart.ai.conversations import Conversation
from cloudmart.ai.ports import Step, Usage
from cloudmart.app import create_app
from cloudmart.dynamodb.table import Table
from cloudmart.errors import TokensSpentError
from cloudmart.settings import Settings
from cloudmart.vendors import Vendors
from tests.ai.conftest import Shop, open_shop
from tests.support.faults import Fault, FaultProxy
from tests.support.scripted_chat import ScriptedChat
from tests.support.scripted_moods import ScriptedMoods
from tests.support.serving import serving, still

ANY = Conversation(id="thread_1")
HELLO = Step("Hello.", usage=Usage(90, 10))


def budget(table: Table) -> TokenBudget:
    """Return a replica's budget of 100 tokens a day."""
    return TokenBudget(table, conversation=0, daily=100)


@asynccontextmanager
async def running(budget: TokenBudget) -> AsyncIterator[None]:
    """Let a replica live for as long as the context lasts."""
    task = asyncio.create_task(budget.run())
    # It has begun.
    await asyncio.sleep(0)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def spent(table: Table) -> list[int]:
    """Return the counts of all days there are."""
    items = [item async for page in table.scan() for item in page.items]
    return [int(item["tokens"]) for item in items if item["id"].startswith("tokens-")]


async def test_a_conversation_that_spent_its_tokens_goes_on_no_more(shop: Shop) -> None:
    chat = ScriptedChat(HELLO)
    assistant = shop.assistant(chat, conversation_tokens=100)
    thread = await assistant.start()
    await assistant.reply(thread, "Hi")

    with pytest.raises(TokensSpentError, match="start a new one"):
        await assistant.reply(thread, "And?")

    assert len(chat.requests) == 1


async def test_who_spends_the_days_tokens_knows_at_once(shop: Shop) -> None:
    chat = ScriptedChat(HELLO)
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
        one.spend(100)
        while not await spent(shop.conversations):  # noqa: ASYNC110 - the store tells nobody
            await asyncio.sleep(0.05)

    with pytest.raises(TokensSpentError):
        await other.check(ANY)


async def test_what_many_chats_use_is_written_at_once(
    settings: Settings, session: aioboto3.Session, faults: FaultProxy
) -> None:
    async with open_shop(settings, session) as shop:
        replica = budget(shop.conversations)
        async with running(replica):
            for _ in range(50):
                replica.spend(1)

        assert await spent(shop.conversations) == [50]

    assert faults.calls["UpdateItem"] == 1


@pytest.mark.parametrize("fault", [Fault.RESET, Fault.THROTTLED, Fault.UNHEARD_OF])
async def test_what_could_not_be_written_is_kept_and_written_later(
    settings: Settings, session: aioboto3.Session, faults: FaultProxy, fault: Fault
) -> None:
    async with open_shop(settings, session) as shop:
        replica = budget(shop.conversations)
        await replica.check(ANY)
        async with running(replica):
            faults.fail(fault, "UpdateItem")
            replica.spend(60)
            while not faults.calls["UpdateItem"]:  # noqa: ASYNC110 - counted in a thread
                await asyncio.sleep(0.05)
            replica.spend(40)
            with pytest.raises(TokensSpentError):
                await replica.check(ANY)
            faults.heal()

        assert await spent(shop.conversations) == [100]


async def test_nothing_is_written_where_nothing_is_counted(shop: Shop) -> None:
    free = TokenBudget(shop.conversations, conversation=0, daily=0)

    async with running(free):
        free.spend(1_000_000)
        await free.check(ANY)

    assert await spent(shop.conversations) == []


async def test_the_days_count_is_not_read_for_every_message(
    settings: Settings, session: aioboto3.Session, faults: FaultProxy
) -> None:
    async with open_shop(settings, session) as shop:
        assistant = shop.assistant(ScriptedChat(HELLO, HELLO), daily_tokens=200)
        thread = await assistant.start()

        for _ in range(2):
            await assistant.reply(thread, "Hi")
        with pytest.raises(TokensSpentError):
            await assistant.reply(thread, "Hi")

    assert faults.calls["GetItem"] == 1


async def test_a_process_that_ends_writes_what_it_used(
    settings: Settings, session: aioboto3.Session
) -> None:
    chat = ScriptedChat(HELLO)
    vendors = Vendors(chat, chat, ScriptedMoods("none"), ScriptedMoods("none"))
    app = create_app(settings, lambda *_: nullcontext(vendors), process=still(settings))

    with serving(app) as client:
        question = client.post("/api/ai/start").json() | {"message": "Lamps?"}
        answer = client.post("/api/ai/message", json=question)

    assert answer.json() == {"response": "Hello."}
    async with open_shop(settings, session) as shop:
        assert await spent(shop.conversations) == [100]
