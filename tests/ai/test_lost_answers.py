"""A store that carries a call out and loses the answer: nothing is done twice or forgotten."""

import re
from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs

from cloudmart.ai.ports import ToolCall
from cloudmart.ai.service import Assistant
from cloudmart.dynamodb.session import new_session
from cloudmart.settings import Settings
from tests.ai.conftest import Shop, open_shop
from tests.support.fault_proxy import Fault, FaultProxy
from tests.support.scripted_chat import ScriptedChat

CANCEL = ToolCall("1", "cancel_order", '{"order_id": "ab12cd34"}')


@pytest.fixture
async def behind(faults: FaultProxy, settings: Settings) -> AsyncIterator[Shop]:
    """Provide a shop whose store fails as a test asks."""
    assert faults.url
    async with open_shop(settings, new_session()) as shop:
        yield shop


async def asked_to_confirm(shop: Shop) -> tuple[Assistant, str, str]:
    """Ask a customer to confirm a cancellation; return the assistant, the chat and the code."""
    await shop.place("ab12cd34", "ann@example.org")
    assistant = shop.assistant(ScriptedChat(CANCEL, "Please confirm."))
    thread = await assistant.start()
    asked = await assistant.reply(thread, "Cancel ab12cd34, I am ann@example.org.")
    return assistant, thread, re.findall(r"\d{6}", asked)[-1]


@pytest.mark.parametrize("write", ["lock", "commit"])
async def test_a_turn_is_made_once(faults: FaultProxy, behind: Shop, write: str) -> None:
    assistant = behind.assistant(ScriptedChat("Hello.", "Still here."))
    thread = await assistant.start()
    faults.fail(Fault.LOST, "UpdateItem", after=["lock", "commit"].index(write), times=1)

    assert await assistant.reply(thread, "Hi") == "Hello."
    assert await assistant.reply(thread, "And?") == "Still here."
    assert len(await behind.history(thread)) == 4


WRITES = ["lock", "confirmation", "allowance", "cancellation", "commit"]


@pytest.mark.parametrize("write", WRITES)
async def test_an_order_is_canceled_once(faults: FaultProxy, behind: Shop, write: str) -> None:
    assistant, thread, code = await asked_to_confirm(behind)
    faults.fail(Fault.LOST, "UpdateItem", after=WRITES.index(write), times=1)

    answer = await assistant.reply(thread, f"CONFIRM {code}")

    assert answer == "Order ab12cd34 is canceled."
    assert (await behind.order("ab12cd34"))["status"] == "Canceled"
    assert (await behind.history(thread))[-1] == ("assistant", answer)


async def test_if_the_store_fails_at_the_end_the_failure_is_still_reported(
    faults: FaultProxy, behind: Shop
) -> None:
    assistant = behind.assistant(ScriptedChat())
    thread = await assistant.start()
    faults.fail(Fault.THROTTLED, "UpdateItem", after=1)

    with pytest.raises(AssertionError):
        await assistant.reply(thread, "Hi")


DOUBTFUL = "I cannot tell whether order ab12cd34 is canceled"
NOT_NOW = "Nothing was changed: the shop's data store does not answer"


@pytest.mark.parametrize(
    ("failing", "said", "events"),
    [
        # The service reads the order, counts the customer's changes, then changes the order.
        (("GetItem", 0), NOT_NOW, []),
        (("UpdateItem", 2), NOT_NOW, []),
        (("UpdateItem", 3), DOUBTFUL, ["order_change_unknown"]),
    ],
    ids=["reading", "counting", "changing"],
)
async def test_a_code_that_was_used_in_an_outage_is_reported(
    faults: FaultProxy, behind: Shop, failing: tuple[str, int], said: str, events: list[str]
) -> None:
    assistant, thread, code = await asked_to_confirm(behind)
    operation, passing = failing
    faults.fail(Fault.THROTTLED, operation, after=passing)

    with capture_logs() as logged:
        answer = await assistant.reply(thread, f"CONFIRM {code}")

    faults.heal()
    assert answer.startswith(said)
    assert (await behind.order("ab12cd34"))["status"] == "Pending"
    assert [one["event"] for one in logged if "order_change" in one["event"]][:1] == events
    assert "pending" not in await behind.conversation(thread)


async def test_a_change_whose_answer_is_lost_for_good_is_seen(
    faults: FaultProxy, behind: Shop
) -> None:
    assistant, thread, code = await asked_to_confirm(behind)
    # The SDK's second try is lost as well.
    faults.fail(Fault.LOST, "UpdateItem", after=3, times=2)

    with capture_logs() as logged:
        answer = await assistant.reply(thread, f"CONFIRM {code}")

    assert answer == "Order ab12cd34 is canceled."
    assert "order_changed_by_assistant" in [one["event"] for one in logged]


async def test_a_change_is_reported_although_the_conversation_cannot_be_kept(
    faults: FaultProxy, behind: Shop
) -> None:
    assistant, thread, code = await asked_to_confirm(behind)
    faults.fail(Fault.THROTTLED, "UpdateItem", after=4)

    answer = await assistant.reply(thread, f"CONFIRM {code}")

    assert answer == "Order ab12cd34 is canceled."
    assert (await behind.order("ab12cd34"))["status"] == "Canceled"
