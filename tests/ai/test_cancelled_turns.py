"""If a customer leaves at any await of a turn, nothing stays locked, reserved or half done."""

import asyncio
import re
from itertools import count

import pytest
import structlog

from cloudmart.ai.ports import ToolCall, Usage
from tests.ai.conftest import Shop
from tests.support.cancellation import cancelled_at
from tests.support.scripted_chat import Line, ScriptedChat

ANN = "ann@example.org"
SEARCH = ToolCall("1", "search_products", '{"query": "lamp"}')
LOOK_UP = ToolCall("1", "get_order", '{"order_id": "ab12cd34"}')
CANCEL = ToolCall("1", "cancel_order", '{"order_id": "ab12cd34"}')
PAID = Usage(10, 10)
CHANGED = "order_changed_by_assistant"


@pytest.mark.parametrize(
    "script",
    [
        [PAID, "We have lamps."],
        [PAID, SEARCH, PAID, "None."],
        [PAID, LOOK_UP, PAID, "Not found."],
        [PAID, CANCEL, PAID, "Please confirm."],
    ],
    ids=["answer", "search", "lookup", "proposal"],
)
async def test_a_turn_that_is_left_can_be_followed_by_another(
    shop: Shop, script: list[Line], pytestconfig: pytest.Config
) -> None:
    await shop.place("ab12cd34", ANN)
    for number in count(1):
        # So few tokens that the next message would fail if they stayed reserved.
        assistant = shop.assistant(ScriptedChat(*script), daily_tokens=2500)
        thread = await assistant.start()

        left = await cancelled_at(assistant.reply(thread, f"I am {ANN}. Lamps?"), number)

        assert "lockToken" not in await shop.conversation(thread)
        said = await shop.history(thread)
        assert len(said) in {0, 2}
        loop = assistant._loop  # type: ignore[attr-defined]  # noqa: SLF001 - it is the service
        loop._model = ScriptedChat(PAID, "Here.")  # noqa: SLF001 - a script is played once
        assert await assistant.reply(thread, "Still here?") == "Here."
        if not left:
            break
    # DynamoDB Local answers some calls within one round of the event loop.
    assert number > (5 if pytestconfig.getoption("dynamodb") == "embedded" else 2)


@pytest.mark.parametrize("right", [True, False], ids=["right", "wrong"])
async def test_a_confirmation_that_is_left_is_carried_out_or_not_used(
    shop: Shop,
    right: bool,  # noqa: FBT001 - parametrized
) -> None:
    outcomes = set()
    for number in count(1):
        order_id = f"ab12cd{number:02}"
        await shop.place(order_id, f"ann{number}@example.org")
        call = ToolCall("1", "cancel_order", f'{{"order_id": "{order_id}"}}')
        assistant = shop.assistant(ScriptedChat(call, "Please confirm."))
        thread = await assistant.start()
        asked = await assistant.reply(thread, f"Cancel {order_id}, I am ann{number}@example.org.")
        code = re.findall(r"\d{6}", asked)[-1]
        typed = code if right else f"{(int(code) + 1) % 1_000_000:06}"

        with structlog.testing.capture_logs() as events:
            left = await cancelled_at(assistant.reply(thread, f"CONFIRM {typed}"), number)

        conversation, order = await shop.conversation(thread), await shop.order(order_id)
        used = "pending" not in conversation
        canceled = order["status"] == "Canceled"
        audited = [event for event in events if event["event"] == CHANGED]
        assert "lockToken" not in conversation
        assert used == canceled == (len(audited) == 1)
        assert canceled == (len(await shop.history(thread)) == 4) or not right
        outcomes.add(canceled)
        if not left:
            break
    assert outcomes == ({True, False} if right else {False})


async def test_a_client_that_leaves_twice_changes_nothing_more(shop: Shop) -> None:
    await shop.place("ab12cd34", ANN)
    assistant = shop.assistant(ScriptedChat(CANCEL, "Please confirm."))
    thread = await assistant.start()
    asked = await assistant.reply(thread, f"Cancel ab12cd34, I am {ANN}.")
    code = re.findall(r"\d{6}", asked)[-1]

    confirming = asyncio.create_task(assistant.reply(thread, f"CONFIRM {code}"))
    while not confirming.done():
        confirming.cancel()
        await asyncio.sleep(0)

    conversation, order = await shop.conversation(thread), await shop.order("ab12cd34")
    assert "lockToken" not in conversation
    assert ("pending" not in conversation) == (order["status"] == "Canceled")
