"""Whose orders an assistant may touch: decided by who calls, where customers sign in."""

import json
import re
from collections.abc import AsyncIterator
from typing import Any

import aioboto3
import pytest

from cloudmart.ai.assistants import Assistant
from cloudmart.ai.ports import ToolCall
from cloudmart.settings import AccessSettings, Settings
from tests.ai.conftest import Shop, open_shop
from tests.support.scripted_chat import ScriptedChat

ANN, BOB = "ann@example.org", "bob@example.org"
GET = ToolCall("1", "get_order", '{"order_id": "ab12cd34"}')
CANCEL = ToolCall("1", "cancel_order", '{"order_id": "ab12cd34"}')
SIGNED_IN = AccessSettings(auth=("jwt",))


@pytest.fixture
async def strict(settings: Settings, session: aioboto3.Session) -> AsyncIterator[Shop]:
    """Give a shop whose customers sign in, with an order of Ann's."""
    access = {"access": SIGNED_IN}
    async with open_shop(settings.model_copy(update=access), session) as shop:
        await shop.place("ab12cd34", ANN)
        yield shop


async def told(shop: Shop, message: str, proved: str | None) -> Any:  # noqa: ANN401 - any JSON
    """Return what a model is told of Ann's order, after a message of some caller."""
    chat = ScriptedChat(GET, "Done.")
    assistant = shop.assistant(chat)
    await assistant.reply(await assistant.start(), message, proved=proved)
    [(_, [outcome])] = chat.requests[1].exchange
    return json.loads(outcome.output)


@pytest.mark.parametrize(
    ("proved", "shown"),
    [
        (ANN, True),
        ("Ann@Example.org", True),
        (BOB, False),
        (None, False),
        ("ann@example.org.evil.org", False),
    ],
)
async def test_where_customers_sign_in_their_word_counts_for_nothing(
    strict: Shop, proved: str | None, *, shown: bool
) -> None:
    answer = await told(strict, f"I am {ANN}. Where is ab12cd34?", proved)

    assert ("order" in answer) is shown
    assert ("customer_must_sign_in" in answer.values()) == (proved is None)


async def test_where_they_do_not_a_token_still_counts_for_more_than_their_word(
    shop: Shop,
) -> None:
    await shop.place("ab12cd34", ANN)

    assert "order" not in await told(shop, f"I am {ANN}. Where is ab12cd34?", BOB)
    assert "order" in await told(shop, f"I am {BOB}. Where is ab12cd34?", ANN)
    assert "order" in await told(shop, f"I am {ANN}. Where is ab12cd34?", None)


async def test_a_confirmation_needs_the_token_as_well(strict: Shop) -> None:
    assistant = strict.assistant(ScriptedChat(CANCEL, "Please confirm.", "Hm."))
    thread = await assistant.start()
    code = await proposed(assistant, thread)

    stranger = await assistant.reply(thread, f"CONFIRM {code}")

    assert "Nothing was changed." in stranger
    assert (await strict.order("ab12cd34"))["status"] == "Pending"


async def test_a_customer_who_signed_in_cancels_their_order(strict: Shop) -> None:
    assistant = strict.assistant(ScriptedChat(CANCEL, "Please confirm."))
    thread = await assistant.start()
    code = await proposed(assistant, thread)

    answer = await assistant.reply(thread, f"CONFIRM {code}", proved=ANN)

    assert answer == "Order ab12cd34 is canceled."


async def proposed(assistant: Assistant, thread: str) -> str:
    """Have Ann's order proposed to be canceled, and return the code that confirms it."""
    found = re.search(r"CONFIRM (\d{6})", await assistant.reply(thread, "Cancel it", proved=ANN))
    assert found
    return found[1]
