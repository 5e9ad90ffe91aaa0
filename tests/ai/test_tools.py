"""A tool's answer to a model is JSON, whatever the model asks for."""

import json
from typing import Any

import pytest

from cloudmart.ai.ports import ToolCall
from cloudmart.ai.tools import ONLY_STAFF
from cloudmart.settings.knowledge import SAMPLE
from tests.ai.conftest import Shop
from tests.support.scripted_chat import ScriptedChat

ANN = "I am ann@example.org, my order is ab12cd34."


async def result(shop: Shop, name: str, arguments: str, **settings: Any) -> Any:  # noqa: ANN401
    """Return the result of a tool call in Ann's chat."""
    chat = ScriptedChat(ToolCall("1", name, arguments), "Done.")
    assistant = shop.assistant(chat, **settings)
    await assistant.reply(await assistant.start(), ANN)
    [(_, [outcome])] = chat.requests[1].exchange
    return json.loads(outcome.output)


@pytest.mark.parametrize(
    "arguments",
    [
        "",
        "{",
        "[]",
        "null",
        "{}",
        '{"order_id": 1}',
        '{"order_id": ""}',
        '{"order_id": "ab12cd34", "email": "ann@example.org"}',
        '{"order_id": "' + "a" * 65 + '"}',
        '{"order_id": "ab 12"}',
        '{"order_id": ["ab12cd34"]}',
        "\ud800",
    ],
)
async def test_the_model_learns_what_is_wrong_with_its_arguments(
    shop: Shop, arguments: str
) -> None:
    assert await result(shop, "get_order", arguments) == {"error": "invalid_arguments"}


@pytest.mark.parametrize(
    ("policy", "tools"),
    [
        ("off", ["search_products"]),
        ("read", ["search_products", "get_order"]),
        ("cancel", ["search_products", "get_order", "cancel_order"]),
        ("delete", ["search_products", "get_order", "cancel_order", "delete_order"]),
    ],
)
async def test_a_model_is_offered_what_the_policy_allows(
    shop: Shop, policy: str, tools: list[str]
) -> None:
    chat = ScriptedChat("Hello.")
    assistant = shop.assistant(chat, order_tools=policy)

    await assistant.reply(await assistant.start(), "Hi")

    (asked,) = chat.requests
    assert [spec.name for spec in asked.tools] == tools
    # The instructions ask customers only for what a tool needs.
    assert ("e-mail address the order was placed with" in asked.instructions) == (
        "get_order" in tools
    )
    assert "the shop's staff read" in asked.instructions


async def test_a_tool_that_is_not_offered_does_nothing(shop: Shop) -> None:
    await shop.place("ab12cd34", "ann@example.org")

    arguments = '{"order_id": "ab12cd34"}'

    assert await result(shop, "rm_rf", "{}") == {"error": "unknown_tool"}
    assert await result(shop, "delete_order", arguments) == ONLY_STAFF
    assert await result(shop, "get_order", arguments, order_tools="off") == ONLY_STAFF


@pytest.mark.parametrize("order_id", ["ab12cd34", " AB12CD34 "])
async def test_an_owner_sees_what_matters_of_an_order(shop: Shop, order_id: str) -> None:
    await shop.place("ab12cd34", "Ann@Example.ORG", status="pending")

    assert await result(shop, "get_order", json.dumps({"order_id": order_id})) == {
        "order": {
            "id": "ab12cd34",
            "status": "Pending",
            "placed": "2026-11-23",
            "total": 40.0,
            "items": [{"name": "Desk lamp", "quantity": 2}],
        }
    }


async def test_an_order_of_the_oldest_shape_is_shown(shop: Shop) -> None:
    item = {"id": "ab12cd34", "customerEmail": "ann@example.org", "productId": "1", "quantity": 2}
    await shop.orders.put(item, new=True)

    assert await result(shop, "get_order", '{"order_id": "ab12cd34"}') == {
        "order": {
            "id": "ab12cd34",
            "status": "Pending",
            "placed": None,
            "total": 0.0,
            "items": [{"name": "", "quantity": 2}],
        }
    }


@pytest.mark.parametrize("status", ["Shipped", "Delivered", "Cancelled"])
async def test_what_has_left_cannot_be_canceled(shop: Shop, status: str) -> None:
    await shop.place("ab12cd34", "ann@example.org", status=status)

    told = await result(shop, "cancel_order", '{"order_id": "ab12cd34"}')

    assert told["error"] == "cannot_be_canceled_any_more"


async def test_what_is_not_canceled_cannot_be_deleted(shop: Shop) -> None:
    await shop.place("ab12cd34", "ann@example.org")

    told = await result(shop, "delete_order", '{"order_id": "ab12cd34"}', order_tools="delete")

    assert told == {"error": "only_canceled_orders_can_be_deleted", "status": "Pending"}


@pytest.mark.parametrize("query", ["cafe", "CAFE\u0301S", "İZMİR"])
async def test_products_are_found_however_their_letters_are_written(shop: Shop, query: str) -> None:
    for number, name in enumerate(["Café İzmir", "Cafe\u0301 I\u0307zmir"]):
        await shop.products.put({"id": str(number), "name": name, "price": 20}, new=True)

    told = await result(shop, "search_products", json.dumps({"query": query}))

    assert sorted(product["id"] for product in told["products"]) == ["0", "1"]


async def test_few_products_are_shown_with_short_descriptions(shop: Shop) -> None:
    for number in range(10):
        product = {"id": str(number), "name": "Lamp", "description": "x" * 4000, "price": "19.99"}
        await shop.products.put(product, new=True)

    told = await result(shop, "search_products", '{"query": ""}')

    assert len(told["products"]) == 8
    assert told["not_shown"] == 2
    assert told["products"][0] == {
        "id": told["products"][0]["id"],
        "name": "Lamp",
        "price": 19.99,
        "description": "x" * 300,
    }


SHELF = {"1": ("Desk lamp", 20), "2": ("Kettle", 55), "3": ("Floor lamp", 80), "4": ("Chair", 90)}


async def found(shop: Shop, arguments: dict[str, Any], tool: str = "search_products") -> list[str]:
    """Return the names of the products that a call finds, in order."""
    for key, (name, price) in SHELF.items():
        await shop.products.put({"id": key, "name": name, "price": price}, new=True)
    told = await result(shop, tool, json.dumps(arguments))
    return [product["name"] for product in told["products"]]


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ({"query": "lamps", "max_price": 50}, ["Desk lamp"]),
        ({"query": "lamps", "max_price": "50.00"}, ["Desk lamp"]),
        ({"query": "lamps", "min_price": 50, "max_price": None}, ["Floor lamp"]),
        ({"query": "", "sort": "cheapest", "limit": 2}, ["Desk lamp", "Kettle"]),
        ({"sort": "most_expensive", "limit": "1"}, ["Chair"]),
        # An explicit argument takes precedence over the words.
        ({"query": "lamps under 30", "max_price": 100, "sort": "cheapest"}, None),
        ({"query": "cheapest", "sort": "most_expensive"}, ["Chair"]),
        ({"query": "product 2"}, ["Kettle"]),
    ],
)
async def test_a_model_can_give_bounds_and_order_as_arguments(
    shop: Shop, arguments: dict[str, Any], names: list[str] | None
) -> None:
    assert await found(shop, arguments) == (names or ["Desk lamp", "Floor lamp"])


@pytest.mark.parametrize(
    "arguments",
    [
        {"query": "lamp", "sort": "dearest"},
        {"query": "lamp", "min_price": -1},
        {"query": "lamp", "max_price": "NaN"},
        {"query": "lamp", "max_price": "much"},
        {"query": "lamp", "limit": 0},
        {"query": ["lamp"]},
        {"query": "x" * 501},
    ],
)
async def test_the_model_learns_what_is_wrong_with_its_bounds(
    shop: Shop, arguments: dict[str, Any]
) -> None:
    told = await result(shop, "search_products", json.dumps(arguments))

    assert told == {"error": "invalid_arguments"}


@pytest.mark.parametrize(
    "arguments",
    [
        {"productName": "kettle"},
        {"name": "kettle", "locale": "en"},
        {"q": "kettle"},
        {"query": "kettle"},
        {"Search": "kettle"},
    ],
)
async def test_the_old_name_of_the_search_still_works(
    shop: Shop, arguments: dict[str, Any]
) -> None:
    assert await found(shop, arguments, "list_products") == ["Kettle"]


async def test_the_old_name_lists_all_products_without_a_query(shop: Shop) -> None:
    assert len(await found(shop, {}, "list_products")) == len(SHELF)


async def test_the_help_is_searched(shop: Shop) -> None:
    told = await result(
        shop, "search_help", '{"question": "Can I pay by PayPal?"}', knowledge=SAMPLE
    )

    assert [section["section"] for section in told["sections"]] == ["Payment"]
    assert "PayPal" in told["sections"][0]["text"]


async def test_what_the_help_does_not_say_is_reported_as_unknown(shop: Shop) -> None:
    told = await result(shop, "search_help", '{"question": "Who won?"}', knowledge=SAMPLE)

    assert told["sections"] == []
    assert "Payment" in told["topics"]
    assert "you do not know" in told["advice"]


async def test_the_help_tool_exists_only_with_knowledge(shop: Shop) -> None:
    chat = ScriptedChat("Hello.", "Hello.")

    for settings in ({}, {"knowledge": SAMPLE}):
        assistant = shop.assistant(chat, **settings)
        await assistant.reply(await assistant.start(), "Hi")

    names = [[spec.name for spec in request.tools] for request in chat.requests]
    specs = {spec.name: spec for spec in chat.requests[1].tools}
    assert ["search_help" in each for each in names] == [False, True]
    assert "Topics: Shipping, Returns and refunds, Payment" in specs["search_help"].description
    assert await result(shop, "search_help", '{"question": "x"}') == {"error": "unknown_tool"}
