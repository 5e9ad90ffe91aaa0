"""Requests to the staff: shown, confirmed, sent once, and named at the end of the chat."""

import json
import re

import pytest

from cloudmart.ai.chat_archive import Chat, ChatArchive
from cloudmart.ai.ports import ToolCall
from cloudmart.ai.service import Assistant
from cloudmart.settings import TicketTools
from cloudmart.tickets.models import MessageCreate, Ticket, TicketStatus
from tests.ai.conftest import Shop
from tests.support.metric_samples import sample
from tests.support.scripted_chat import Line, ScriptedChat

REQUEST = {"subject": "A broken mug", "text": "My mug came broken. Please send another."}
CALL = ToolCall("1", "open_ticket", json.dumps(REQUEST))
SAYS = "My mug came broken, I am ada@example.com"


def assistant(shop: Shop, model: ScriptedChat) -> Assistant:
    """Return an assistant that may open tickets."""
    return shop.assistant(model, tickets=TicketTools.ON)


async def asked(shop: Shop, model: ScriptedChat) -> tuple[Assistant, str, str]:
    """Return an assistant, a chat with a ticket that waits for its code, and the code."""
    chat = assistant(shop, model)
    thread = await chat.start()
    answer = await chat.reply(thread, SAYS)
    shown = re.search(
        r"subject: “A broken mug”, text: “My mug came broken. Please send another.”\), "
        r"reply: CONFIRM (\d{6})$",
        answer,
    )
    assert shown, answer
    return chat, thread, shown[1]


async def test_a_customer_sees_the_request_and_nothing_is_sent_before_the_code(shop: Shop) -> None:
    _, thread, code = await asked(shop, ScriptedChat(CALL, "Please confirm."))

    assert await shop.tickets() == []
    kept = json.dumps(await shop.history(thread))
    assert code not in kept
    assert "A broken mug" in kept


async def test_a_confirmed_request_is_an_open_ticket_with_the_chat(shop: Shop) -> None:
    model = ScriptedChat(CALL, "Please confirm.")
    chat, thread, code = await asked(shop, model)
    before = sample("ai_tickets_total")

    answer = await chat.reply(thread, f"CONFIRM {code}")

    assert sample("ai_tickets_total") == before + 1
    (ticket,) = await shop.tickets()
    assert f"ticket {ticket.id} is open" in answer
    assert ticket.status is TicketStatus.OPEN
    assert (ticket.subject, ticket.message) == (REQUEST["subject"], REQUEST["text"])
    assert ticket.user_email == "ada@example.com"
    # The chat's id opens the chat, so a ticket must not have it before the end of the chat.
    assert ticket.thread_id is None
    said = [(message.sender, message.text) for message in ticket.conversation]
    assert said[0] == ("user", SAYS)
    assert said[1][0] == "ai"
    assert code not in str(said)


async def test_a_code_sends_one_ticket_once(shop: Shop) -> None:
    chat, thread, code = await asked(shop, ScriptedChat(CALL, "Please confirm."))

    await chat.reply(thread, f"CONFIRM {code}")
    again = await chat.reply(thread, f"CONFIRM {code}")

    assert "is not valid" in again
    assert len(await shop.tickets()) == 1


async def test_agreeing_without_the_code_sends_nothing(shop: Shop) -> None:
    model = ScriptedChat(CALL, "Please confirm.", CALL, "One moment.")
    chat, thread, code = await asked(shop, model)

    answer = await chat.reply(thread, "yes, send it")
    await chat.reply(thread, f"CONFIRM {code}")

    assert "Nothing is sent yet" in answer
    assert len(await shop.tickets()) == 1


async def test_another_request_takes_the_place_of_one_that_waits(shop: Shop) -> None:
    other = ToolCall("1", "open_ticket", json.dumps(REQUEST | {"subject": "Two broken mugs"}))
    model = ScriptedChat(CALL, "Please confirm.", other, "Please confirm.")
    chat, thread, code = await asked(shop, model)

    answer = await chat.reply(thread, "No, both mugs!")
    old = await chat.reply(thread, f"CONFIRM {code}")
    (new,) = re.findall(r"CONFIRM (\d{6})", answer)
    await chat.reply(thread, f"CONFIRM {new}")

    assert "is not valid" in old
    assert [ticket.subject for ticket in await shop.tickets()] == ["Two broken mugs"]


async def test_a_chat_opens_three_tickets_at_most(shop: Shop) -> None:
    script: list[Line] = [CALL, "Please confirm."]
    model = ScriptedChat(*script * 4)
    chat = assistant(shop, model)
    thread = await chat.start()

    for _ in range(3):
        answer = await chat.reply(thread, "Please write to the staff.")
        (code,) = re.findall(r"CONFIRM (\d{6})", answer)
        await chat.reply(thread, f"CONFIRM {code}")
    await chat.reply(thread, "Please write to the staff.")

    assert len(await shop.tickets()) == 3
    (told,) = model.requests[-1].exchange[0][1]
    assert json.loads(told.output) == {"error": "too_many_tickets"}


@pytest.mark.parametrize(
    "arguments",
    [
        "{}",
        json.dumps(REQUEST | {"subject": " "}),
        json.dumps(REQUEST | {"text": ""}),
        json.dumps(REQUEST | {"text": "x" * 4001}),
        json.dumps(REQUEST | {"text": "a\0b"}),
        json.dumps(REQUEST | {"email": "eve@example.com"}),
    ],
)
async def test_an_invalid_request_is_refused(shop: Shop, arguments: str) -> None:
    model = ScriptedChat(ToolCall("1", "open_ticket", arguments), "Sorry.")
    chat = assistant(shop, model)

    answer = await chat.reply(await chat.start(), "Write to the staff.")

    assert answer == "Sorry."
    (told,) = model.requests[-1].exchange[0][1]
    assert json.loads(told.output) == {"error": "invalid_arguments"}


async def test_where_the_shop_does_not_allow_it_there_is_no_such_tool(shop: Shop) -> None:
    model = ScriptedChat(CALL, "Sorry.")
    chat = shop.assistant(model)

    answer = await chat.reply(await chat.start(), "Write to the staff.")

    assert answer == "Sorry."
    assert "open_ticket" not in [tool.name for tool in model.requests[0].tools]
    (told,) = model.requests[-1].exchange[0][1]
    assert json.loads(told.output) == {"error": "unknown_tool"}


async def test_a_ticket_that_cannot_be_stored_is_not_reported_as_sent(shop: Shop) -> None:
    _, thread, code = await asked(shop, ScriptedChat(CALL, "Please confirm."))

    away = assistant(shop.without_tickets(), ScriptedChat())
    answer = await away.reply(thread, f"CONFIRM {code}")

    assert "was not sent" in answer
    assert await shop.tickets() == []


async def test_the_end_of_a_chat_names_the_ticket_that_was_opened(shop: Shop) -> None:
    chat, thread, code = await asked(shop, ScriptedChat(CALL, "Please confirm."))
    await chat.reply(thread, f"CONFIRM {code}")
    (opened,) = await shop.tickets()
    archive: ChatArchive = shop.archive()

    said = [MessageCreate(sender="user", text=SAYS)]
    ended = await archive.keep(Chat(id=thread, messages=said))

    tickets: dict[str, Ticket] = {ticket.id: ticket for ticket in await shop.tickets()}
    assert tickets[ended.ticket_id].message == f"Tickets opened in this chat: {opened.id}."
    assert tickets[ended.ticket_id].status is TicketStatus.CLOSED
    assert tickets[opened.id].status is TicketStatus.OPEN
