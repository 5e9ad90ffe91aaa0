"""The assistant without a model: what it understands, which tools it calls, what it answers."""

import json
from typing import Any

import pytest

from cloudmart.ai.languages import language
from cloudmart.ai.ports import ProviderMessage, ProviderStep, ToolCall, ToolResult, ToolSpec
from cloudmart.ai.providers.offline import OfflineChat
from tests.ai.providers.steps import answer, assistant, request, take, user

TOOLS = [
    ToolSpec(name, "", {"type": "object", "properties": {}})
    for name in ("search_products", "get_order", "cancel_order", "delete_order", "search_help")
]
SAYS = language("en").says
NOTICE, NOT_ALLOWED = SAYS["notice"], SAYS["not_allowed"]
NEW, OLD = "a2b3c4d5e6f7g8h9", "ab12cd34"
TOLD = assistant(f"{NOTICE}\n\nHello!")


async def call(*history: ProviderMessage) -> tuple[str, Any]:
    """Return the tool that is called for a history, and its arguments."""
    _, step = await take(OfflineChat(), request(*history, tools=TOOLS))
    (asked,) = step.calls
    return asked.name, json.loads(asked.arguments)


async def say(*history: ProviderMessage, **changes: Any) -> str:  # noqa: ANN401
    """Return the answer without a tool, in a chat in which the notice was given before."""
    return await answer(OfflineChat(), request(TOLD, *history, **({"tools": TOOLS} | changes)))


async def after(*outputs: object, text: str) -> str:
    """Return the answer to a text, given the results of tools."""
    asked = [ToolCall(str(number), "any", "{}") for number, _ in enumerate(outputs)]
    results = [
        ToolResult(one, json.dumps(output)) for one, output in zip(asked, outputs, strict=True)
    ]
    return await say(user(text), exchange=[(ProviderStep("", asked), results)], tools=TOOLS)


async def calls(*history: ProviderMessage) -> dict[str, Any]:
    """Return the tools that are called for a history, and their arguments."""
    _, step = await take(OfflineChat(), request(*history, tools=TOOLS))
    return {asked.name: json.loads(asked.arguments) for asked in step.calls}


@pytest.mark.parametrize(
    "text",
    [
        "Do you have lamps?",
        "I'm looking for a red kettle, please",
        "lamps",
        "Can I order a lamp?",
        "What do you sell?",
        "a tent for two persons",
        "I am ann@example.org. Do you have lamps?",
    ],
)
async def test_products_are_searched_with_the_help_beside(text: str) -> None:
    asked = await calls(user(text))

    assert asked == {"search_help": {"question": text}, "search_products": {"query": text}}


@pytest.mark.parametrize("text", ["anything under 10 dollars?", "the cheapest lamp", "product 3"])
async def test_prices_and_numbers_are_of_products_alone(text: str) -> None:
    assert await calls(user(text)) == {"search_products": {"query": text}}


@pytest.mark.parametrize(
    "text",
    [
        "How long does shipping take?",
        "Can I return my order?",
        f"I want to send order {NEW} back",
        "Can I pay for my order with PayPal?",
        "When are you open?",
        "What is your phone number?",
        "Delete my account",
        "the tray came in a hundred pieces, what now",
        "My husband does not like the lamp. Can we give it back?",
        "if this radio is crap can I return it?",
        "is there a warrenty on the kettle",
        "when is the money taken off my account",
        "Can I drop by and look at the lamps?",
        "how long do you store our conversation",
        "erase everything you have on me",
        "Will I get a tracking link for my parcel?",
        "how many days until it gets here",
        "\u00bfCu\u00e1nto tarda el env\u00edo?",
        "Kann ich bar bezahlen?",
        "Wie kann ich Sie erreichen?",
        "Puis-je \u00eatre rembours\u00e9 ?",
        "Qual \u00e9 o hor\u00e1rio?",
    ],
)
async def test_questions_about_the_shop_go_to_the_help(text: str) -> None:
    assert await calls(user(text)) == {"search_help": {"question": text}}


LIST = assistant("I found 3 products: 1. Desk lamp, $19.99; 2. Mug, $9.95; 3. Tent, $1,189.95. To.")
ONE = assistant("I found one product: Desk lamp, $19.99: A steel lamp.")


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("product 3", "Tent"),
        ("2", "Mug"),
        ("Tell me more about number 2", "Mug"),
        ("the third one please", "Tent"),
        ("#1?", "Desk lamp"),
        ("and the last one?", "Tent"),
    ],
)
async def test_a_number_is_that_of_the_list_shown_last(text: str, query: str) -> None:
    assert await calls(user("Hi"), LIST, user(text)) == {"search_products": {"query": query}}
    assert await calls(user("Hi"), LIST, user("lamp"), ONE, user(text)) == {
        "search_products": {"query": query}
    }


@pytest.mark.parametrize("text", ["product 9", "2 mugs", "number 12"])
async def test_a_number_of_no_list_is_the_catalogue_s(text: str) -> None:
    asked = await calls(user("Hi"), LIST, user(text))

    assert asked["search_products"] == {"query": text}


@pytest.mark.parametrize(
    "text", ["How much is it?", "Tell me more about this one", "is it cheap", "and the price?"]
)
async def test_it_is_the_one_product_shown_last(text: str) -> None:
    assert await calls(user("lamp"), ONE, user(text)) == {"search_products": {"query": "Desk lamp"}}


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


@pytest.mark.parametrize("text", ["no", "No, never mind", "nope", "Nein", "Mejor no", "don't"])
async def test_a_customer_who_declines_a_change_learns_that_nothing_changes(text: str) -> None:
    asked = assistant(f"To cancel order {NEW} (2 items, $40.00), reply: CONFIRM [code]")

    assert NEW not in await say(user(f"cancel {NEW}, ann@example.org"), asked, user(text))
    assert await calls(user(f"cancel {NEW}, ann@example.org"), asked, user(text)) == {}


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
        ("Cancel my order", "Which order is it?"),
        ("Where is my parcel?", "Which order is it?"),
        (f"Cancel {NEW}", "Please tell me the e-mail address"),
        ("Are you a bot?", "I am a program of the shop and no person."),
        ("You're a robot, right?", "I am a program of the shop and no person."),
        ("This is a scam, I want to complain!", "I am sorry about that."),
        ("Don't cancel my order", "I change nothing"),
        ("Change the address of my order", "I cannot change what is in an order"),
        ("How do I place an order?", "I cannot place orders."),
        ("Hola", "\u00a1Hola!"),
        ("\u00a1Hola! \u00bfQu\u00e9 tal?", "\u00a1Hola!"),
        ("How are you?", "Hello!"),
        ("Guten Tag!", "Was kann ich f\u00fcr Sie tun?"),
        ("Onde est\u00e1 a minha encomenda?", "De que pedido se trata?"),
    ],
)
async def test_what_needs_no_tool_is_answered_at_once(text: str, said: str) -> None:
    assert said in await say(user(text))


CONTACT = {"section": "Contact", "text": "Write to help@shop.example."}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Let me talk to a human", SAYS["person"]),
        ("Ich will mit einem Menschen reden", language("de").says["person"]),
        ("Je veux parler \u00e0 quelqu'un", language("fr").says["person"]),
        ("Quiero hablar con una persona de verdad", language("es").says["person"]),
        ("Quero falar com um atendente", language("pt").says["person"]),
    ],
)
async def test_who_wants_a_person_is_given_the_shop_s_contact(text: str, said: str) -> None:
    assert await calls(user(text)) == {"search_help": {"question": "contact"}}

    named = await after({"sections": [CONTACT]}, text=text)

    assert named.startswith(said)
    assert "help@shop.example" in named
    assert await after(NO_SECTION, text=text) == said
    assert await say(user(text), tools=TOOLS[:1]) == said


@pytest.mark.parametrize("text", ["is there a student discount", "do you wrap gifts?"])
async def test_what_the_help_does_not_answer_names_the_contact(text: str) -> None:
    found = NO_SECTION | {"contact": CONTACT}

    assert "help@shop.example" in await after(found, {"products": [], "not_shown": 0}, text=text)


async def test_a_voucher_beside_a_question_for_prices_is_not_a_question_about_vouchers() -> None:
    text = "I got a gift card. What costs more than 40 dollars?"

    assert await calls(user(text)) == {"search_products": {"query": text}}
    assert await calls(user("Do you take gift cards?")) == {
        "search_help": {"question": "Do you take gift cards?"}
    }


@pytest.mark.parametrize("text", ["so is it still on?", "is my order still active"])
async def test_whether_an_order_is_still_on_is_a_question_for_its_status(text: str) -> None:
    before = user(f"cancel {NEW}, ann@example.org")

    assert await call(before, TOLD, user(text)) == ("get_order", {"order_id": NEW})
    told = user(f"{text} {NEW} ann@example.org")
    assert await call(before, TOLD, told) == ("get_order", {"order_id": NEW})


async def test_a_refusal_to_cancel_names_the_status() -> None:
    refused = {"error": "cannot_be_canceled_any_more", "status": "Shipped"}

    said = await after(refused, text=f"cancel {NEW}, ann@example.org")

    assert said == "That order cannot be canceled any more. Its status is: Shipped."


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
async def test_the_assistant_does_not_ask_for_what_it_cannot_use(text: str) -> None:
    assert await say(user(text), tools=TOOLS[:2]) == NOT_ALLOWED


@pytest.mark.parametrize(
    ("tools", "offers"),
    [
        (TOOLS[:1], "You can ask me for products (“do you have lamps?”)."),
        (TOOLS[:2], "or for an order (its number and your e-mail address)."),
        (TOOLS[:4], "or to cancel one."),
    ],
    ids=["off", "read", "delete"],
)
async def test_only_what_is_possible_is_offered(tools: list[ToolSpec], offers: str) -> None:
    assert offers in await say(user("What can you do?"), tools=tools)


async def test_a_final_step_calls_no_tool() -> None:
    assert await say(user("Do you have lamps?"), final=True)


async def test_an_answer_comes_line_by_line() -> None:
    deltas, step = await take(OfflineChat(), request(user("Hello")))

    assert "".join(deltas) == step.text
    assert len(deltas) == 3


LAMP = {"id": "1", "name": "Desk lamp", "price": 19.99, "description": "Warm\nand bright."}
MUG = {"id": "2", "name": "Mug", "price": 5, "description": ""}
SHIPPING = {"section": "Shipping", "text": "It takes three days."}
READ_ABOUT = "To read about one, write its number (“product 2”)."
SHORTER = "7 more are not shown: add a word or a price (“lamps under $30”)."
LISTED = "1. Desk lamp, $19.99; 2. Mug, $5.00."
MENTIONED = "I found no product of that name. This description mentions it:"
NO_SECTION = {"sections": [], "topics": ["Shipping", "Contact"]}


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({"products": [LAMP]}, "I found one product: Desk lamp, $19.99: Warm and bright."),
        ({"products": [MUG], "not_shown": 3}, "This one fits best: Mug, $5.00."),
        (
            {"products": [LAMP, MUG], "not_shown": 0},
            f"I found 2 products: {LISTED} {READ_ABOUT}",
        ),
        (
            {"products": [LAMP, MUG], "not_shown": 7},
            f"Here are 2 of 9 products: {LISTED} {SHORTER} {READ_ABOUT}",
        ),
        (
            {"products": [LAMP], "note": "…"},
            f"{MENTIONED} Desk lamp, $19.99: Warm and bright.",
        ),
        (
            {"products": []},
            "I found no product that fits. Please try another word or another price.",
        ),
    ],
)
async def test_products_are_listed_in_one_paragraph(found: object, said: str) -> None:
    assert await after(found, text="anything under 20 dollars") == said


async def test_an_answer_of_the_help_names_its_section() -> None:
    help_found = {"sections": [SHIPPING]}

    english = await after(help_found, text="How long does shipping take?")
    german = await after(help_found, text="Wie lange dauert der Versand?")

    assert english == "From our help, “Shipping”: It takes three days."
    assert german == "Aus unserer Hilfe, „Shipping“: It takes three days."


async def test_a_product_of_that_name_outdoes_a_section_that_mentions_it() -> None:
    found = {"products": [LAMP], "not_shown": 0}
    mentioned = found | {"note": "…"}

    assert "Desk lamp" in await after({"sections": [SHIPPING]}, found, text="a lamp")
    assert "Shipping" in await after({"sections": [SHIPPING]}, mentioned, text="a lamp")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Do you have gift cards?", SAYS["no_help"]),
        ("Who is the president?", SAYS["nothing"]),
        ("Do you have sofas?", SAYS["nothing"]),
        ("\u00bfTienen sillones?", language("es").says["products_in_english"]),
        ("Verkaufen Sie Sofas?", language("de").says["products_in_english"]),
        ("Vendez-vous des chaises ?", language("fr").says["products_in_english"]),
        ("Voc\u00eas vendem cadeiras?", language("pt").says["products_in_english"]),
    ],
)
async def test_what_is_not_found_is_not_made_up(text: str, said: str) -> None:
    assert await after(NO_SECTION, {"products": [], "not_shown": 0}, text=text) == said


async def test_what_makes_no_sense_gets_no_list_of_products() -> None:
    said = await after(NO_SECTION, {"products": [], "not_shown": 0}, text="asdf qwer")

    assert said.startswith("I did not understand that. You can ask me about Shipping, Contact, ")
    assert said.endswith(SAYS["otherwise"])


@pytest.mark.parametrize(
    ("output", "said"),
    [
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
    assert await after(output, text=f"Where is my order {NEW}?") == said
