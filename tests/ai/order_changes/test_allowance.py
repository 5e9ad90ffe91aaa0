"""How many changes a customer may make in a day, over all conversations."""

import re
from datetime import UTC, datetime

from cloudmart.ai.ports import ToolCall
from tests.ai.conftest import Shop
from tests.support.scripted_chat import ScriptedChat

ANN = "ann@example.org"
ENOUGH = (
    "Nothing was changed: you have reached today's limit of changes. "
    "If you end the chat, the shop's staff read it and can help."
)


async def cancel(shop: Shop, order_id: str, email: str = ANN) -> str:
    """Cancel an order in a new conversation, and return the answer."""
    call = ToolCall("1", "cancel_order", f'{{"order_id": "{order_id}"}}')
    assistant = shop.assistant(ScriptedChat(call, "Please confirm."))
    thread = await assistant.start()
    asked = await assistant.reply(thread, f"Cancel {order_id}, I am {email}.")
    return await assistant.reply(thread, f"CONFIRM {re.findall(r'[0-9]{6}', asked)[-1]}")


async def test_a_fourth_change_in_a_day_is_left_to_the_support(shop: Shop) -> None:
    orders = [f"ab12cd3{number}" for number in range(4)]
    for order_id in orders:
        await shop.place(order_id, ANN)

    said = [await cancel(shop, order_id, ANN.upper()) for order_id in orders]

    assert said == [f"Order {order_id} is canceled." for order_id in orders[:3]] + [ENOUGH]
    assert (await shop.order(orders[3]))["status"] == "Pending"


async def test_other_customers_have_their_own_count(shop: Shop) -> None:
    for number in range(3):
        await shop.place(f"ab12cd3{number}", ANN)
        await cancel(shop, f"ab12cd3{number}")
    await shop.place("ef56ab78", "bob@example.org")

    assert await cancel(shop, "ef56ab78", "bob@example.org") == "Order ef56ab78 is canceled."


async def test_the_count_contains_no_address_and_expires(shop: Shop) -> None:
    await shop.place("ab12cd34", ANN)

    await cancel(shop, "ab12cd34")

    scanned = [item async for page in shop.conversations.scan() for item in page.items]
    (count,) = [item for item in scanned if item["id"].startswith("changes-")]
    assert re.fullmatch(r"changes-[0-9a-f]{32}-\d{4}-\d\d-\d\d", count["id"])
    assert count["changes"] == 1
    assert 0 < float(count["expiresAt"]) - datetime.now(UTC).timestamp() <= 2 * 86_400
    assert "ann" not in str(count)
