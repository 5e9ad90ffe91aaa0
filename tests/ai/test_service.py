"""One message, from the lock to the commit."""

import asyncio
import re
import time
from datetime import timedelta

import pytest

from cloudmart.ai.conversations import ConversationRepository
from cloudmart.ai.ports import ProviderMessage, ProviderStep, Role, TextDelta, ToolCall, Usage
from cloudmart.ai.service import Assistant, ToolRunning
from cloudmart.errors import (
    ConflictError,
    ConversationBusyError,
    ProviderFailedError,
    ProviderMisconfiguredError,
    ProviderTimeoutError,
    ProviderUnavailableError,
    UnknownConversationError,
    UpstreamError,
)
from tests.ai.conftest import Shop
from tests.support.scripted_chat import ScriptedChat

SEARCH = ToolCall("1", "search_products", '{"query": "lamp"}')


async def test_an_answer_is_remembered_with_its_question(shop: Shop) -> None:
    chat = ScriptedChat("We sell kettles.", "Yes, blue ones.")
    assistant = shop.assistant(chat)
    thread = await assistant.start()

    first = await assistant.reply(thread, "What do you sell?")
    second = await assistant.reply(thread, "Blue ones?")

    assert (first, second) == ("We sell kettles.", "Yes, blue ones.")
    assert chat.requests[1].history == [
        ProviderMessage(Role.USER, "What do you sell?"),
        ProviderMessage(Role.ASSISTANT, "We sell kettles."),
        ProviderMessage(Role.USER, "Blue ones?"),
    ]
    assert await shop.history(thread) == [
        ("user", "What do you sell?"),
        ("assistant", "We sell kettles."),
        ("user", "Blue ones?"),
        ("assistant", "Yes, blue ones."),
    ]


async def test_ids_cannot_be_guessed_and_never_reach_the_provider(shop: Shop) -> None:
    chat = ScriptedChat("Hello.")
    assistant = shop.assistant(chat)

    one, other = await assistant.start(), await assistant.start()
    await assistant.reply(one, "Hi")

    assert one != other
    assert re.fullmatch(r"thread_[A-Za-z0-9_-]{32}", one)
    assert re.fullmatch(r"[0-9a-f]{64}", chat.requests[0].conversation)


@pytest.mark.parametrize(
    "thread",
    [
        "",
        "thread_abc123",
        "thread_" + "A" * 32,
        "conv_" + "A" * 32,
        "tokens-2026-11-23",
        "thread_" + "A" * 4000,
        "\ud800",
    ],
)
async def test_a_conversation_nobody_started_is_unknown(shop: Shop, thread: str) -> None:
    chat = ScriptedChat()

    with pytest.raises(UnknownConversationError):
        await shop.assistant(chat).reply(thread, "Hi")

    assert chat.requests == []


async def test_a_conversation_of_the_other_assistant_is_unknown(shop: Shop) -> None:
    assistant = shop.assistant(ScriptedChat())
    thread = await assistant.start()
    item = await shop.conversation(thread)
    await shop.conversations.put(item | {"id": thread.replace("thread_", "conv_")}, new=True)

    with pytest.raises(UnknownConversationError):
        await assistant.reply(thread.replace("thread_", "conv_"), "Hi")


async def test_an_expired_conversation_is_unknown_before_it_is_removed(shop: Shop) -> None:
    assistant = shop.assistant(ScriptedChat())
    thread = await assistant.start()
    await shop.conversations.update(thread, set={"expiresAt": int(time.time()) - 1})

    with pytest.raises(UnknownConversationError):
        await assistant.reply(thread, "Hi")


async def test_a_conversation_is_kept_for_as_long_as_the_settings_say(shop: Shop) -> None:
    assistant = shop.assistant(ScriptedChat("Hello."), conversation_ttl_days=2)
    thread = await assistant.start()
    await shop.conversations.update(thread, set={"expiresAt": int(time.time()) + 60})

    await assistant.reply(thread, "Hi")

    left = int((await shop.conversation(thread))["expiresAt"]) - time.time()
    assert 2 * 86_400 - 60 < left <= 2 * 86_400


async def test_a_second_message_is_refused_while_one_is_answered(shop: Shop) -> None:
    go_on = asyncio.Event()
    chat = ScriptedChat(go_on, "First.", "Second.")
    assistant = shop.assistant(chat)
    thread = await assistant.start()
    first = asyncio.create_task(assistant.reply(thread, "One"))
    await chat.asked.wait()

    with pytest.raises(ConversationBusyError) as busy:
        await assistant.reply(thread, "Two")
    go_on.set()

    assert busy.value.retry_after == 3
    assert await first == "First."
    assert await assistant.reply(thread, "Two") == "Second."


async def test_a_chat_that_waits_blocks_no_other(shop: Shop) -> None:
    go_on = asyncio.Event()
    slow, quick = ScriptedChat(go_on, "At last."), ScriptedChat("At once.")
    waiting, prompt = shop.assistant(slow), shop.assistant(quick)
    ended: list[str] = []

    async def talk(assistant: Assistant, name: str) -> None:
        await assistant.reply(await assistant.start(), "Hi")
        ended.append(name)

    first = asyncio.create_task(talk(waiting, "slow"))
    await slow.asked.wait()
    await talk(prompt, "quick")
    go_on.set()
    await first

    assert ended == ["quick", "slow"]


async def test_the_lock_of_a_dead_process_ends_by_itself(shop: Shop) -> None:
    assistant = shop.assistant(ScriptedChat("Hello."))
    thread = await assistant.start()
    dead = {"lockToken": "dead", "lockUntil": int(time.time()) - 1}
    await shop.conversations.update(thread, set=dead)

    assert await assistant.reply(thread, "Hi") == "Hello."


async def test_an_answer_whose_lock_was_lost_is_not_kept(shop: Shop) -> None:
    go_on = asyncio.Event()
    chat = ScriptedChat(go_on, "Too late.")
    assistant = shop.assistant(chat)
    thread = await assistant.start()
    late = asyncio.create_task(assistant.reply(thread, "Hi"))
    await chat.asked.wait()

    await shop.conversations.update(thread, set={"lockToken": "another's"})
    go_on.set()

    with pytest.raises(ConflictError, match="too late"):
        await late
    assert await shop.history(thread) == []
    assert (await shop.conversation(thread))["lockToken"] == "another's"


async def test_a_chat_that_ends_while_it_is_answered_does_not_remember_its_customer(
    shop: Shop,
) -> None:
    go_on = asyncio.Event()
    chat = ScriptedChat(go_on, "Too late.")
    assistant = shop.assistant(chat)
    thread = await assistant.start()
    late = asyncio.create_task(assistant.reply(thread, "I am ann@example.org"))
    await chat.asked.wait()

    ended = ConversationRepository(shop.conversations, lifetime=timedelta(days=30), longest_turn=45)
    await ended.forget_customer(thread)
    go_on.set()

    with pytest.raises(ConflictError, match="too late"):
        await late
    assert "email" not in await shop.conversation(thread)


@pytest.mark.parametrize(
    "failure",
    [
        ProviderFailedError("OpenAI", "it was cut off"),
        ProviderUnavailableError("OpenAI", retry_after=7),
        ProviderTimeoutError("OpenAI"),
        ProviderMisconfiguredError("OpenAI", "OPENAI_API_KEY"),
    ],
)
async def test_a_failing_provider_leaves_the_history_unharmed(
    shop: Shop, failure: UpstreamError
) -> None:
    assistant = shop.assistant(ScriptedChat("Hello.", SEARCH, failure, "Here again."))
    thread = await assistant.start()
    await assistant.reply(thread, "Hi")

    with pytest.raises(type(failure)):
        await assistant.reply(thread, "I am ann@example.org. Lamps?")

    item = await shop.conversation(thread)
    assert await shop.history(thread) == [("user", "Hi"), ("assistant", "Hello.")]
    assert {"lockToken", "lockUntil", "email"}.isdisjoint(item)
    assert await assistant.reply(thread, "And now?") == "Here again."


async def test_a_bug_in_an_adapter_leaves_the_history_unharmed(shop: Shop) -> None:
    assistant = shop.assistant(ScriptedChat(), max_steps=1)
    thread = await assistant.start()

    with pytest.raises(AssertionError):
        await assistant.reply(thread, "Hi")

    assert await shop.history(thread) == []
    assert "lockToken" not in await shop.conversation(thread)


async def test_a_turn_that_takes_too_long_is_given_up(shop: Shop) -> None:
    chat = ScriptedChat(asyncio.Event(), "Never.")
    assistant = shop.assistant(chat, turn_timeout=3)
    thread = await assistant.start()

    with pytest.raises(ProviderTimeoutError):
        await assistant.reply(thread, "Hi")

    assert chat.abandoned == 1
    assert "lockToken" not in await shop.conversation(thread)


async def test_a_turn_that_is_stopped_stops_the_provider_and_frees_the_conversation(
    shop: Shop,
) -> None:
    chat = ScriptedChat(asyncio.Event(), "Never.", "Hello.")
    assistant = shop.assistant(chat)
    thread = await assistant.start()
    turn = asyncio.create_task(assistant.reply(thread, "Hi"))
    await chat.asked.wait()

    turn.cancel()
    await asyncio.gather(turn, return_exceptions=True)

    assert chat.abandoned == 1
    assert "lockToken" not in await shop.conversation(thread)


async def test_the_last_step_is_asked_for_without_tools(shop: Shop) -> None:
    chat = ScriptedChat(SEARCH, SEARCH, "We sell none.")
    assistant = shop.assistant(chat, max_steps=3)

    answer = await assistant.reply(await assistant.start(), "Lamps?")

    assert answer == "We sell none."
    assert [request.final for request in chat.requests] == [False, False, True]


async def test_a_model_that_never_answers_is_left_after_its_last_step(shop: Shop) -> None:
    chat = ScriptedChat(*[SEARCH] * 20)
    assistant = shop.assistant(chat)
    thread = await assistant.start()

    with pytest.raises(ProviderFailedError):
        await assistant.reply(thread, "Lamps?")

    assert len(chat.requests) == 4
    assert await shop.history(thread) == []


async def test_a_listener_gets_text_beside_tool_calls_and_then_the_answer(shop: Shop) -> None:
    assistant = shop.assistant(ScriptedChat(TextDelta("Let me look."), SEARCH, "We sell none."))
    heard: list[object] = []

    async def listen(event: object) -> None:
        heard.append(event)

    answer = await assistant.reply(await assistant.start(), "Lamps?", listen)

    assert answer == "We sell none."
    assert heard == [
        TextDelta("Let me look."),
        TextDelta("\n\n"),
        ToolRunning("search_products"),
        TextDelta("We"),
        TextDelta(" sell"),
        TextDelta(" none."),
    ]


async def test_a_listener_also_gets_an_answer_in_one_piece(shop: Shop) -> None:
    assistant = shop.assistant(ScriptedChat(ProviderStep("We sell none.")))
    heard: list[object] = []

    async def listen(event: object) -> None:
        heard.append(event)

    await assistant.reply(await assistant.start(), "Lamps?", listen)

    assert heard == [TextDelta("We sell none.")]


async def test_tokens_are_counted_even_for_a_turn_that_fails(shop: Shop) -> None:
    costly = (Usage(100, 20, cached_tokens=50, reasoning_tokens=5), SEARCH)
    failure = ProviderFailedError("OpenAI", "it was cut off")
    assistant = shop.assistant(ScriptedChat(*costly, failure))
    thread = await assistant.start()

    with pytest.raises(ProviderFailedError):
        await assistant.reply(thread, "Hi")

    assert (await shop.conversation(thread))["tokens"] == 120


async def test_history_is_cut_at_whole_turns(shop: Shop) -> None:
    assistant = shop.assistant(ScriptedChat("Hello."))
    thread = await assistant.start()
    turns = [{"role": role, "text": f"{n}"} for n in range(60) for role in ("user", "assistant")]
    await shop.conversations.update(thread, set={"history": turns})

    await assistant.reply(thread, "Hi")

    history = await shop.history(thread)
    assert len(history) == 120
    assert history[0] == ("user", "1")
    assert history[-1] == ("assistant", "Hello.")


async def test_history_is_cut_to_what_an_item_holds(shop: Shop) -> None:
    assistant = shop.assistant(ScriptedChat("Hello."))
    thread = await assistant.start()
    long = "ü" * 49_000
    turns = [{"role": role, "text": long} for role in ("user", "assistant")]
    await shop.conversations.update(thread, set={"history": turns})

    await assistant.reply(thread, "ü" * 4000)

    assert await shop.history(thread) == [("user", "ü" * 4000), ("assistant", "Hello.")]
