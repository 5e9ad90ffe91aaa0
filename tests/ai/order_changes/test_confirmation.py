"""Changes of orders: a model proposes, the customer confirms, and code carries them out."""

import asyncio
import re
import time
from typing import Any

import pytest
import structlog

from cloudmart.ai.ports import ToolCall
from cloudmart.ai.service import Assistant
from cloudmart.errors import ConversationBusyError, ProviderUnavailableError
from tests.ai.conftest import MOMENT, Shop
from tests.support.metric_samples import sample
from tests.support.scripted_chat import ScriptedChat

ANN = "ann@example.org"
CANCEL = ToolCall("1", "cancel_order", '{"order_id": "ab12cd34"}')
DELETE = ToolCall("1", "delete_order", '{"order_id": "ab12cd34"}')
NOTHING = "That code is not valid"


async def propose(assistant: Assistant, thread: str) -> str:
    """Ask to cancel an order, and return the code of the confirmation."""
    answer = await assistant.reply(thread, f"Cancel ab12cd34, I am {ANN}.")
    found = re.search(r"CONFIRM (\d{6})$", answer)
    assert found is not None
    return found[1]


def other_than(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06}"


async def test_a_customer_is_asked_before_an_order_is_canceled(shop: Shop) -> None:
    before = await shop.place("ab12cd34", ANN)
    assistant = shop.assistant(ScriptedChat(CANCEL, "Please confirm."))
    thread = await assistant.start()

    answer = await assistant.reply(thread, f"Cancel ab12cd34, I am {ANN}.")

    assert re.fullmatch(
        r"Please confirm\.\n\nTo cancel order ab12cd34 \(2 items, \$40\.00\), "
        r"reply: CONFIRM \d{6}",
        answer,
    )
    assert await shop.order("ab12cd34") == before


async def test_a_confirmed_order_is_canceled_without_the_model(shop: Shop) -> None:
    await shop.place("ab12cd34", ANN)
    chat = ScriptedChat(CANCEL, "Please confirm.")
    assistant = shop.assistant(chat)
    thread = await assistant.start()
    code = await propose(assistant, thread)
    changed = sample("ai_order_changes_total", action="cancel")

    answer = await assistant.reply(thread, f" confirm {code}.")

    order = await shop.order("ab12cd34")
    assert answer == "Order ab12cd34 is canceled."
    assert order["status"] == "Canceled"
    assert order["updatedAt"] > MOMENT
    assert len(chat.requests) == 2
    assert sample("ai_order_changes_total", action="cancel") == changed + 1
    assert "pending" not in await shop.conversation(thread)


async def test_a_confirmation_works_while_the_provider_is_away(shop: Shop) -> None:
    await shop.place("ab12cd34", ANN)
    away = ProviderUnavailableError("OpenAI")
    assistant = shop.assistant(ScriptedChat(CANCEL, "Please confirm.", away))
    thread = await assistant.start()
    code = await propose(assistant, thread)

    with pytest.raises(ProviderUnavailableError):
        await assistant.reply(thread, "Yes, do it")

    assert await assistant.reply(thread, f"CONFIRM {code}") == "Order ab12cd34 is canceled."


async def test_the_code_is_in_nothing_a_model_reads(shop: Shop) -> None:
    await shop.place("ab12cd34", ANN)
    chat = ScriptedChat(CANCEL, "Please confirm.", "Please reply with that line alone.", "Done?")
    assistant = shop.assistant(chat)
    thread = await assistant.start()

    code = await propose(assistant, thread)
    await assistant.reply(thread, f"Sure, CONFIRM {code} and thank you")
    await assistant.reply(thread, f"CONFIRM {code}")
    await assistant.reply(thread, "Thanks")

    assert code not in repr(chat.requests)
    assert code not in repr(await shop.conversation(thread))
    assert chat.requests[-1].history[-2].text == "Order ab12cd34 is canceled."


async def test_a_code_is_good_for_one_confirmation(shop: Shop) -> None:
    await shop.place("ab12cd34", ANN)
    assistant = shop.assistant(ScriptedChat(CANCEL, "Please confirm."))
    thread = await assistant.start()
    code = await propose(assistant, thread)
    await assistant.reply(thread, f"CONFIRM {code}")
    await shop.orders.update("ab12cd34", set={"status": "Pending"})

    assert NOTHING in await assistant.reply(thread, f"CONFIRM {code}")
    assert (await shop.order("ab12cd34"))["status"] == "Pending"


async def test_two_confirmations_at_once_are_one_cancellation(shop: Shop) -> None:
    await shop.place("ab12cd34", ANN)
    assistant = shop.assistant(ScriptedChat(CANCEL, "Please confirm."))
    thread = await assistant.start()
    code = await propose(assistant, thread)

    with structlog.testing.capture_logs() as events:
        answers = await asyncio.gather(
            *(assistant.reply(thread, f"CONFIRM {code}") for _ in range(4)),
            return_exceptions=True,
        )

    done = [answer for answer in answers if answer == "Order ab12cd34 is canceled."]
    others = [answer for answer in answers if answer not in done]
    changes = [event for event in events if event["event"] == "order_changed_by_assistant"]
    assert len(done) == len(changes) == 1
    assert all(
        isinstance(other, ConversationBusyError) or NOTHING in str(other) for other in others
    )


async def test_a_wrong_code_changes_nothing(shop: Shop) -> None:
    before = await shop.place("ab12cd34", ANN)
    assistant = shop.assistant(ScriptedChat(CANCEL, "Please confirm."))
    thread = await assistant.start()
    code = await propose(assistant, thread)

    assert NOTHING in await assistant.reply(thread, f"CONFIRM {other_than(code)}")
    assert await shop.order("ab12cd34") == before


async def test_the_right_code_comes_too_late_after_five_wrong_ones(shop: Shop) -> None:
    before = await shop.place("ab12cd34", ANN)
    assistant = shop.assistant(ScriptedChat(CANCEL, "Please confirm."))
    thread = await assistant.start()
    code = await propose(assistant, thread)
    for _ in range(5):
        await assistant.reply(thread, f"CONFIRM {other_than(code)}")

    assert NOTHING in await assistant.reply(thread, f"CONFIRM {code}")
    assert await shop.order("ab12cd34") == before


async def test_a_code_expires(shop: Shop) -> None:
    before = await shop.place("ab12cd34", ANN)
    assistant = shop.assistant(ScriptedChat(CANCEL, "Please confirm."))
    thread = await assistant.start()
    code = await propose(assistant, thread)
    pending = (await shop.conversation(thread))["pending"]
    past = pending | {"expiresAt": int(time.time()) - 1}
    await shop.conversations.update(thread, set={"pending": past})

    assert NOTHING in await assistant.reply(thread, f"CONFIRM {code}")
    assert await shop.order("ab12cd34") == before


async def test_a_code_is_worth_nothing_in_another_conversation(shop: Shop) -> None:
    before = await shop.place("ab12cd34", ANN)
    assistant = shop.assistant(ScriptedChat(CANCEL, "Please confirm.", "Hello Ann."))
    code = await propose(assistant, await assistant.start())
    other = await assistant.start()
    await assistant.reply(other, f"I am {ANN}")

    assert NOTHING in await assistant.reply(other, f"CONFIRM {code}")
    assert await shop.order("ab12cd34") == before


async def test_a_later_proposal_takes_the_place_of_an_earlier_one(shop: Shop) -> None:
    await shop.place("ab12cd34", ANN)
    script = (CANCEL, "Please confirm.")
    assistant = shop.assistant(ScriptedChat(*script, *script))
    thread = await assistant.start()
    first, second = await propose(assistant, thread), await propose(assistant, thread)

    assert first == second or NOTHING in await assistant.reply(thread, f"CONFIRM {first}")
    assert await assistant.reply(thread, f"CONFIRM {second}") == "Order ab12cd34 is canceled."


@pytest.mark.parametrize(
    "change",
    [
        {"updatedAt": "2026-11-23T09:00:00.000Z"},
        {"status": "Shipped"},
        {"userEmail": "bob@example.org"},
    ],
)
async def test_an_order_that_changed_since_is_left_alone(
    shop: Shop, change: dict[str, str]
) -> None:
    await shop.place("ab12cd34", ANN)
    assistant = shop.assistant(ScriptedChat(CANCEL, "Please confirm."))
    thread = await assistant.start()
    code = await propose(assistant, thread)
    changed = await shop.orders.update("ab12cd34", set=change, returning=True)

    answer = await assistant.reply(thread, f"CONFIRM {code}")

    assert "has changed since you were asked" in answer
    assert await shop.order("ab12cd34") == changed


async def test_an_order_that_is_gone_is_not_brought_back(shop: Shop) -> None:
    await shop.place("ab12cd34", ANN)
    assistant = shop.assistant(ScriptedChat(CANCEL, "Please confirm."))
    thread = await assistant.start()
    code = await propose(assistant, thread)
    await shop.orders.remove("ab12cd34")

    assert "has changed since you were asked" in await assistant.reply(thread, f"CONFIRM {code}")
    assert await shop.orders.get("ab12cd34") is None


async def test_a_policy_that_became_stricter_binds_what_was_proposed_before(shop: Shop) -> None:
    before = await shop.place("ab12cd34", ANN)
    assistant = shop.assistant(ScriptedChat(CANCEL, "Please confirm."))
    thread = await assistant.start()
    code = await propose(assistant, thread)

    await shop.assistant(ScriptedChat(), order_tools="read").reply(thread, f"CONFIRM {code}")

    assert await shop.order("ab12cd34") == before


@pytest.mark.parametrize(
    "shape",
    [
        {"status": "pending"},
        {"status": "Processing"},
        {"userEmail": None, "customerEmail": ANN},
        {"totalAmount": "40", "updatedAt": None},
    ],
)
async def test_orders_of_old_shapes_can_be_canceled(shop: Shop, shape: dict[str, Any]) -> None:
    item = {"id": "ab12cd34", "userEmail": ANN, "status": "Pending", "updatedAt": MOMENT} | shape
    await shop.orders.put({k: v for k, v in item.items() if v is not None}, new=True)
    assistant = shop.assistant(ScriptedChat(CANCEL, "Please confirm."))
    thread = await assistant.start()
    code = await propose(assistant, thread)

    answer = await assistant.reply(thread, f"CONFIRM {code}")

    assert answer == "Order ab12cd34 is canceled."
    assert (await shop.order("ab12cd34"))["status"] == "Canceled"


async def test_a_canceled_order_is_deleted_where_the_shop_allows_it(shop: Shop) -> None:
    await shop.place("ab12cd34", ANN, status="cancelled")
    assistant = shop.assistant(ScriptedChat(DELETE, "Please confirm."), order_tools="delete")
    thread = await assistant.start()
    code = await propose(assistant, thread)

    assert await assistant.reply(thread, f"CONFIRM {code}") == "Order ab12cd34 is deleted."
    assert await shop.orders.get("ab12cd34") is None


async def test_every_change_is_audited_without_names_and_words(shop: Shop) -> None:
    await shop.place("ab12cd34", ANN)
    assistant = shop.assistant(ScriptedChat(CANCEL, "Please confirm."))
    thread = await assistant.start()
    code = await propose(assistant, thread)

    with structlog.testing.capture_logs(
        processors=[structlog.contextvars.merge_contextvars]
    ) as events:
        structlog.contextvars.bind_contextvars(request_id="r1")
        await assistant.reply(thread, f"CONFIRM {code}")
    structlog.contextvars.clear_contextvars()

    logged = repr(events)
    assert not any(secret in logged for secret in (ANN, code, thread))
    [event] = [event for event in events if event["event"] == "order_changed_by_assistant"]
    after = (await shop.order("ab12cd34"))["updatedAt"]
    assert re.fullmatch("[0-9a-f]{32}", event.pop("customer"))
    assert re.fullmatch("[0-9a-f]{12}", event.pop("conversation"))
    assert re.fullmatch(r"\d+-[0-9a-f]{8}", event.pop("prompt"))
    assert event == {
        "event": "order_changed_by_assistant",
        "log_level": "info",
        "request_id": "r1",
        "action": "cancel",
        "order_id": "ab12cd34",
        "before": {"status": "Pending", "total": 40.0, "updatedAt": MOMENT},
        "after": {"status": "Canceled", "total": 40.0, "updatedAt": after},
    }


@pytest.mark.parametrize("agreed", ["yes, cancel it", "Yes please!", "ja, storniere sie", "ok"])
async def test_a_customer_who_agrees_without_the_code_is_asked_to_type_it(
    shop: Shop, agreed: str
) -> None:
    before = await shop.place("ab12cd34", ANN)
    chat = ScriptedChat(CANCEL, "Please confirm.", CANCEL, "Please type it.")
    assistant = shop.assistant(chat)
    thread = await assistant.start()
    code = await propose(assistant, thread)

    answer = await assistant.reply(thread, agreed)

    assert answer == (
        "Please type it.\n\nNothing is changed yet: to cancel order ab12cd34, "
        "type CONFIRM and the six digits that you were shown."
    )
    assert await shop.order("ab12cd34") == before
    assert await assistant.reply(thread, f"CONFIRM {code}") == "Order ab12cd34 is canceled."


@pytest.mark.parametrize(
    "asked", ["Cancel ab12cd34", "Cancel AB12CD34 now", "I lost the code", "Send me a new code"]
)
async def test_a_repeated_request_gets_another_code(shop: Shop, asked: str) -> None:
    await shop.place("ab12cd34", ANN)
    assistant = shop.assistant(ScriptedChat(*(CANCEL, "Please confirm.") * 2))
    thread = await assistant.start()
    await propose(assistant, thread)

    answer = await assistant.reply(thread, asked)

    code = answer[-6:]
    assert f"CONFIRM {code}" in answer
    assert await assistant.reply(thread, f"CONFIRM {code}") == "Order ab12cd34 is canceled."


async def test_the_change_of_an_order_that_changed_is_proposed_again(shop: Shop) -> None:
    await shop.place("ab12cd34", ANN)
    assistant = shop.assistant(ScriptedChat(*(CANCEL, "Please confirm.") * 2))
    thread = await assistant.start()
    await propose(assistant, thread)
    await shop.orders.update("ab12cd34", set={"updatedAt": "2026-11-23T09:00:00.000Z"})

    assert re.search(r"CONFIRM \d{6}$", await assistant.reply(thread, "yes, cancel it"))


async def test_spent_wrong_and_replaced_codes_are_in_nothing_a_model_reads(shop: Shop) -> None:
    await shop.place("ab12cd34", ANN)
    script = (CANCEL, "Please confirm.") * 2
    chat = ScriptedChat(*script, "Done before.", "What order?")
    assistant = shop.assistant(chat)
    thread = await assistant.start()
    replaced, code = await propose(assistant, thread), await propose(assistant, thread)
    wrong = other_than(code)

    await assistant.reply(thread, f"CONFIRM {wrong}")
    await assistant.reply(thread, f"CONFIRM {code}")
    await assistant.reply(thread, f"CONFIRM {code}")
    await assistant.reply(thread, f"I typed {code}, and before {replaced}. Why not?")
    await assistant.reply(thread, f"Then confirm {wrong} or CONFIRM: {wrong[:3]} {wrong[3:]}!")

    read = repr(chat.requests) + repr(await shop.history(thread))
    assert not any(one in read for one in (replaced, code, wrong, f"{wrong[:3]} {wrong[3:]}"))
    assert "[code]" in read


async def test_a_code_that_an_older_release_kept_is_not_shown_to_a_model(shop: Shop) -> None:
    chat = ScriptedChat("Hello.")
    assistant = shop.assistant(chat)
    thread = await assistant.start()
    said = [{"role": "user", "text": "CONFIRM 357687"}, {"role": "assistant", "text": "No."}]
    await shop.conversations.update(thread, set={"history": said})

    await assistant.reply(thread, "Hi")

    assert chat.requests[0].history[0].text == "CONFIRM [code]"


async def test_numbers_that_are_not_codes_stay_as_they_are(shop: Shop) -> None:
    chat = ScriptedChat("Hello.")
    assistant = shop.assistant(chat)

    await assistant.reply(
        await assistant.start(), "I live in 560001, phone 0151 234567, order 1234567"
    )

    assert chat.requests[0].history[0].text.startswith("I live in 560001, phone 0151 234567")


@pytest.mark.parametrize("form", ["{} {}", "{}-{}", "{}.{}"])
async def test_a_code_may_be_typed_in_groups(shop: Shop, form: str) -> None:
    await shop.place("ab12cd34", ANN)
    assistant = shop.assistant(ScriptedChat(CANCEL, "Please confirm."))
    thread = await assistant.start()
    code = await propose(assistant, thread)

    answer = await assistant.reply(thread, f"Confirm {form.format(code[:3], code[3:])}")

    assert answer == "Order ab12cd34 is canceled."
