"""The assistant without a model: what it understands, which tools it calls, what it says."""

import json
from typing import Any

import pytest

from cloudmart.ai.ports import ProviderMessage, ProviderStep, ToolCall, ToolResult, ToolSpec
from cloudmart.ai.providers.offline import NOT_ALLOWED, NOTICE, OfflineChat
from tests.ai.providers.steps import answer, assistant, request, take, user

TOOLS = [
    ToolSpec(name, "", {"type": "object", "properties": {}})
    for name in ("search_products", "get_order", "cancel_order", "delete_order")
]
NEW, OLD = "a2b3c4d5e6f7g8h9", "ab12cd34"
TOLD = assistant(f"{NOTICE}\n\nHello!")


async def call(*history: ProviderMessage) -> tuple[str, Any]:
    """Return the tool that is called for a history, and its arguments."""
    _, step = await take(OfflineChat(), request(*history, tools=TOOLS))
    (asked,) = step.calls
    return asked.name, json.loads(asked.arguments)


async def say(*history: ProviderMessage, **changes: Any) -> str:  # noqa: ANN401
    """Return what is said without a tool, the notice having been given before."""
    return await answer(OfflineChat(), request(TOLD, *history, **({"tools": TOOLS} | changes)))


async def after(output: object) -> str:
    """Return what is said about the result of a tool."""
    asked = ToolCall("1", "any", "{}")
    exchange = [(ProviderStep("", [asked]), [ToolResult(asked, json.dumps(output))])]
    return await say(user("Hello"), exchange=exchange)


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("Do you have lamps?", "lamps"),
        ("I'm looking for a red kettle, please", "red kettle"),
        ("How much is the Desk Lamp?", "desk lamp"),
        ("lamps", "lamps"),
        ("Can I order a lamp?", "lamp"),
        ("What do you sell?", ""),
        ("Show me your products", ""),
    ],
)
async def test_products_are_searched_by_the_words_that_matter(text: str, query: str) -> None:
    assert await call(user(text)) == ("search_products", {"query": query})


@pytest.mark.parametrize("change", ["cancel", "delete"])
@pytest.mark.parametrize(
    "line",
    [
        f"To {{}} order {NEW} (2 items, $40.00), reply: CONFIRM [code]",
        f"Nothing is changed yet: to {{}} order {NEW}, type CONFIRM and the six digits.",
    ],
    ids=["first", "reminder"],
)
async def test_who_agrees_to_a_change_asks_for_it(line: str, change: str) -> None:
    asked = assistant(line.format(change))
    before = user(f"{change} {NEW}, ann@example.org")

    assert await call(before, asked, user("Yes")) == (f"{change}_order", {"order_id": NEW})


@pytest.mark.parametrize(
    ("text", "tool", "order_id"),
    [
        (f"Where is my order {NEW}? ann@example.org", "get_order", NEW),
        (f"Track {NEW.upper()} for ann@example.org", "get_order", NEW),
        (f"{OLD} ann@example.org", "get_order", OLD),
        (f"Show me order {NEW}, ann@example.org", "get_order", NEW),
        (f"find {OLD}, I am ann@example.org", "get_order", OLD),
        (f"ann@example.org wants the status of order #{OLD}.", "get_order", OLD),
        (f"Hello, please cancel order {NEW}, ann@example.org", "cancel_order", NEW),
        (f"cancel {OLD} (a2b3c4d5@example.org)", "cancel_order", OLD),
        (f"Delete order {OLD} of ann@example.org", "delete_order", OLD),
    ],
)
async def test_orders_are_known_by_both_kinds_of_ids(text: str, tool: str, order_id: str) -> None:
    assert await call(user(text)) == (tool, {"order_id": order_id})


async def test_what_was_missing_may_follow() -> None:
    first = [user("I want to cancel my order"), TOLD, user(f"It is {NEW}")]

    asked = await answer(OfflineChat(), request(*first, tools=TOOLS))
    called = await call(*first, assistant(asked), user("ann@example.org"))

    assert asked == "Please tell me the e-mail address the order was placed with."
    assert called == ("cancel_order", {"order_id": NEW})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("hello", "Hello! What can I do for you?"),
        ("Thanks!", "You are welcome."),
        ("Let me talk to a human", "I am no person"),
        ("Cancel my order", "Which order is it?"),
        ("Where is my parcel?", "Which order is it?"),
        (f"Cancel {NEW}", "Please tell me the e-mail address"),
        ("???", "I did not understand that."),
    ],
)
async def test_what_needs_no_tool_is_answered_at_once(text: str, said: str) -> None:
    assert said in await say(user(text))


async def test_it_says_once_that_no_provider_is_configured() -> None:
    first = await answer(OfflineChat(), request(user("Hello")))
    second = await say(user("Hello"))

    assert first == f"{NOTICE}\n\nHello! What can I do for you?"
    assert second == "Hello! What can I do for you?"


async def test_a_customer_who_repeats_the_notice_does_not_silence_it() -> None:
    text = await answer(OfflineChat(), request(user(NOTICE), user("Hello")))

    assert text.startswith(NOTICE)


async def test_a_tool_that_is_not_offered_is_not_called() -> None:
    text = await say(user(f"Delete {NEW} ann@example.org"), tools=TOOLS[:3])

    assert text == NOT_ALLOWED
    assert "end this chat: the shop's staff read it" in text


@pytest.mark.parametrize("text", ["Cancel my order", f"Cancel {NEW}"])
async def test_nothing_is_asked_for_in_vain(text: str) -> None:
    assert await say(user(text), tools=TOOLS[:2]) == NOT_ALLOWED


@pytest.mark.parametrize(
    ("tools", "offers"),
    [
        (TOOLS[:1], "for products (“do you have lamps?”)."),
        (TOOLS[:2], "your e-mail address)."),
        (TOOLS, "or to cancel one."),
    ],
    ids=["off", "read", "delete"],
)
async def test_only_what_is_possible_is_offered(tools: list[ToolSpec], offers: str) -> None:
    assert (await say(user("???"), tools=tools)).endswith(offers)


async def test_a_final_step_calls_no_tool() -> None:
    assert await say(user("Do you have lamps?"), final=True)


async def test_an_answer_comes_line_by_line() -> None:
    deltas, step = await take(OfflineChat(), request(user("Hello")))

    assert "".join(deltas) == step.text
    assert len(deltas) == 3


@pytest.mark.parametrize(
    ("output", "said"),
    [
        (
            {
                "products": [
                    {"id": "1", "name": "Desk lamp", "price": 19.99, "description": "Warm."},
                    {"id": "2", "name": "Kettle", "price": 5, "description": ""},
                ]
            },
            "- Desk lamp, $19.99: Warm.\n- Kettle, $5.00",
        ),
        ({"products": []}, "I found nothing that fits. Please try another word."),
        (
            {
                "order": {
                    "id": NEW,
                    "status": "Shipped",
                    "placed": "2026-11-20",
                    "total": 39.98,
                    "items": [{"name": "Desk lamp", "quantity": 2}],
                }
            },
            f"Order {NEW} of 2026-11-20 is Shipped: $39.98 (2 x Desk lamp).",
        ),
        (
            {"order": {"id": OLD, "status": "Pending", "placed": None, "total": 0, "items": []}},
            f"Order {OLD} is Pending: $0.00.",
        ),
        (
            {"status": "customer_is_asked_to_confirm", "order": {}},
            "Nothing is changed yet: to confirm, please reply with the line below.",
        ),
        (
            {"error": "not_found_or_not_verified"},
            "I cannot find an order with that number and that e-mail address. Please check both.",
        ),
        (
            {"error": "unknown_tool"},
            "That did not work. Please try again, or end this chat: the shop's staff read it.",
        ),
        (
            {"something": "else"},
            "That did not work. Please try again, or end this chat: the shop's staff read it.",
        ),
    ],
)
async def test_what_a_tool_returned_is_put_into_words(output: object, said: str) -> None:
    assert await after(output) == said
