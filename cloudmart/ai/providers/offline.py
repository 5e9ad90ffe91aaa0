"""The providers of a shop without AI: rules for chats, a packaged lexicon for sentiment."""

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from vader import SentimentIntensityAnalyzer

from cloudmart.ai.ports import (
    ProviderMessage,
    ProviderStep,
    Role,
    Scores,
    StepRequest,
    TextDelta,
    ToolCall,
    ToolResult,
    Usage,
)

_EMAIL = re.compile(r"[^\s@]{1,64}@[^\s@]{1,255}")
# Ours are 16 letters and digits without look-alikes, older ones 8 hexadecimal digits.
_ORDER_ID = re.compile(r"(?<![\w-])([2-9a-hjkmnp-z]{16}|[0-9a-f]{8})(?![\w-])", re.IGNORECASE)
_WORD = re.compile(r"[^\W_]{2,}")

_AGREES = re.compile(r"^\W*(yes|yeah|yep|ok(ay)?|sure|do it|go ahead|please do)\b", re.IGNORECASE)
_EMPTY = """
an and any anything are available buy can catalog catalogue could do does find for get give got has
have hello help hey hi how in is it items like list looking me much my need of offer on order please
price product products recommend sale search sell shop should show some something stock store tell
that the there thing things this to us want we what which with would you your
"""

_EMPTY_WORDS = frozenset(_EMPTY.split())
NOTICE = "No AI provider is configured for this shop, so I answer by simple rules."
ASK_ORDER = (
    "Which order is it? Please tell me its number and the e-mail address it was placed with."
)
ASK_EMAIL = "Please tell me the e-mail address the order was placed with."
NOT_ALLOWED = (
    "I cannot do that here. Please write what you want and end this chat: the shop's staff read it."
)
_NOTHING_FOUND = "I found nothing that fits. Please try another word."
_ERRORS = {
    "not_found_or_not_verified": "I cannot find an order with that number and that e-mail "
    "address. Please check both.",
    "customer_must_sign_in": "Please sign in to the shop first: then I can see your orders.",
    "too_many_failed_lookups": "There were too many look-ups that found nothing. Please start a "
    "new chat, or end this one: the shop's staff read it.",
    "cannot_be_canceled_any_more": "That order cannot be canceled any more.",
    "only_canceled_orders_can_be_deleted": "Only orders that are canceled can be deleted.",
    "only_staff_can_do_this": NOT_ALLOWED,
    "one_change_at_a_time": "One change at a time, please: confirm the first one first.",
}
_FAILED = "That did not work. Please try again, or end this chat: the shop's staff read it."

LONGEST_TEXT = 1000
"""Characters of a text that are read: a page of nothing but emoji costs 0.1 s otherwise."""

# A shop's customers ask politely and speak of cancelling; neither is a mood.
_MISREAD = {"cancel", "like", "please"}
_SLIGHT = 0.05


class Intent(Enum):
    """What a customer wants."""

    CANCEL = auto()
    DELETE = auto()
    ORDER = auto()
    PERSON = auto()
    THANKS = auto()
    GREETING = auto()
    PRODUCTS = auto()
    UNKNOWN = auto()


ABOUT_ORDERS = {Intent.CANCEL, Intent.DELETE, Intent.ORDER}

# The first that fits is meant: who writes "hello, cancel my order" does not only greet.
_SIGNS = {
    Intent.CANCEL: r"\bcancel\w*|\bcall(ing)? off\b",
    Intent.DELETE: r"\b(delet|eras)\w*|\bremove\b",
    Intent.ORDER: r"\b(an|last|my|the|your) (order|package|parcel|delivery|deliveries)s?\b"
    r"|\border (number|status)\b|\btrack",
    Intent.PERSON: r"\b(human|person|somebody|someone|representative|complain\w*|support)\b",
    Intent.PRODUCTS: r"\b(products?|catalog(ue)?|sell|buy|price|cost|how much|looking for|find"
    r"|search|show|recommend|stock|do you have|have you got|i (need|want|like))\b",
    Intent.THANKS: r"^\W*(thanks?|thank you|bye|goodbye|great|perfect|ok(ay)?)\b",
    Intent.GREETING: r"^\W*(hi|hello|hey|good (morning|afternoon|evening|day))\b",
}
_ASKED = {"to cancel order": Intent.CANCEL, "to delete order": Intent.DELETE}
_COMPILED = {intent: re.compile(sign, re.IGNORECASE) for intent, sign in _SIGNS.items()}


@dataclass(frozen=True, slots=True)
class ParsedMessage:
    """What a customer wants, and of what."""

    intent: Intent
    order_id: str | None = None
    has_email: bool = False
    query: str = ""


def parse_messages(history: Sequence[ProviderMessage]) -> ParsedMessage:
    """Return what the newest message asks for, with what earlier ones of the customer add to it."""
    said = [message.text for message in history if message.role is Role.USER]
    newest, earlier = said[-1], said[-2::-1]
    query = " ".join(word for word in _words(newest) if word not in _EMPTY_WORDS)
    ids = (_order_id(text) for text in (newest, *earlier))
    intent = _agreed(history) or _intent(newest)
    if intent is Intent.PRODUCTS and _order_id(newest):
        # "Show", "find" and "I need" are said of orders too.
        intent = None
    return ParsedMessage(
        intent or _meant(newest, earlier, query),
        order_id=next((one for one in ids if one), None),
        has_email=any(_EMAIL.search(text) for text in said),
        query=query,
    )


def _agreed(history: Sequence[ProviderMessage]) -> Intent | None:
    """Return the change that a customer agrees to, if they were just asked to confirm one."""
    if not _AGREES.search(history[-1].text):
        return None
    asked = history[-2].text.casefold() if len(history) > 1 else ""
    return next((intent for words, intent in _ASKED.items() if words in asked), None)


def _meant(newest: str, earlier: Sequence[str], query: str) -> Intent:
    """Return what is meant by a message that does not say."""
    if _EMAIL.search(newest) or _order_id(newest):
        # It gives what was missing.
        before = (_intent(text) for text in earlier)
        return next((intent for intent in before if intent in ABOUT_ORDERS), Intent.ORDER)
    return Intent.PRODUCTS if query else Intent.UNKNOWN


def _intent(text: str) -> Intent | None:
    return next((intent for intent, sign in _COMPILED.items() if sign.search(text)), None)


def _order_id(text: str) -> str | None:
    found = [match.lower() for match in _ORDER_ID.findall(_EMAIL.sub(" ", text))]
    # A long word may look like an id; an id without a digit is rare.
    return next((one for one in found if re.search(r"\d", one)), found[0] if found else None)


def _words(text: str) -> list[str]:
    return [word.casefold() for word in _WORD.findall(text[:500])]


ANSWERS = {
    Intent.GREETING: "Hello! What can I do for you?",
    Intent.THANKS: "You are welcome.",
    Intent.PERSON: "I am no person, and cannot fetch one. Please write what you want and end this "
    "chat: the shop's staff read it.",
}


def help_text(tools: Collection[str]) -> str:
    """Return what is said to what makes no sense: what may be asked, by the tools there are."""
    wishes = ["for products (“do you have lamps?”)"]
    if "get_order" in tools:
        wishes.append("for an order (its number and your e-mail address)")
    if "cancel_order" in tools:
        wishes.append("to cancel one")
    return f"I did not understand that. You can ask me {', or '.join(wishes)}."


def tool_result_text(result: ToolResult) -> str:
    """Return what became of a call, in words."""
    outcome = json.loads(result.output)
    if "error" in outcome:
        return _ERRORS.get(outcome["error"], _FAILED)
    if "products" in outcome:
        return "\n".join(map(_product, outcome["products"])) or _NOTHING_FOUND
    if outcome.get("status") == "customer_must_type_the_code":
        return "I cannot take that for the code."
    if "status" in outcome:
        return "Nothing is changed yet: to confirm, please reply with the line below."
    return _order(outcome["order"]) if "order" in outcome else _FAILED


def _product(product: Mapping[str, Any]) -> str:
    description = f": {product['description']}" if product.get("description") else ""
    return f"- {product['name']}, ${product['price']:.2f}{description}"


def _order(order: Mapping[str, Any]) -> str:
    placed = f" of {order['placed']}" if order.get("placed") else ""
    lines = [f"{line['quantity']} x {line['name']}" for line in order.get("items", ())]
    goods = f" ({', '.join(lines)})" if lines else ""
    return f"Order {order['id']}{placed} is {order['status']}: ${order['total']:.2f}{goods}."


_TOOLS = {
    Intent.PRODUCTS: "search_products",
    Intent.ORDER: "get_order",
    Intent.CANCEL: "cancel_order",
    Intent.DELETE: "delete_order",
}


class OfflineChat:
    """Finds products, shows orders and cancels them; the same question gets the same answer."""

    name = "offline"
    model = "rules"
    priced_by = ""

    async def step(
        self, request: StepRequest
    ) -> AsyncGenerator[TextDelta | Usage | ProviderStep, None]:
        step = _next(request)
        if not step.calls:
            for line in step.text.splitlines(keepends=True):
                yield TextDelta(line)
        yield step


def _next(request: StepRequest) -> ProviderStep:
    if request.exchange:
        _, results = request.exchange[-1]
        return _answer(request, "\n".join(tool_result_text(result) for result in results))
    wish = parse_messages(request.history)
    tool = _TOOLS.get(wish.intent)
    offered = {each.name for each in request.tools}
    if tool is None:
        return _answer(request, ANSWERS.get(wish.intent) or help_text(offered))
    if request.final or tool not in offered:
        # Said before anything is asked for.
        return _answer(request, NOT_ALLOWED)
    if missing := _missing(wish):
        return _answer(request, missing)
    return ProviderStep("", [ToolCall("1", tool, json.dumps(_arguments(wish)))])


def _missing(wish: ParsedMessage) -> str | None:
    """Return the question for what a wish about an order lacks."""
    if wish.intent not in ABOUT_ORDERS:
        return None
    if wish.order_id is None:
        return ASK_ORDER
    return None if wish.has_email else ASK_EMAIL


def _arguments(wish: ParsedMessage) -> dict[str, Any]:
    if wish.intent is Intent.PRODUCTS:
        return {"query": wish.query}
    return {"order_id": wish.order_id}


def _answer(request: StepRequest, text: str) -> ProviderStep:
    said = (message.text for message in request.history if message.role is Role.ASSISTANT)
    first = not any(NOTICE in text for text in said)
    return ProviderStep(f"{NOTICE}\n\n{text}" if first else text)


class OfflineSentiment:
    """Scores texts by their words, with VADER (Hutto and Gilbert, 2014)."""

    source = "offline-vader"

    def __init__(self) -> None:
        lexicon = SentimentIntensityAnalyzer().lexicon
        kept = {word: value for word, value in lexicon.items() if word not in _MISREAD}
        self._vader = SentimentIntensityAnalyzer(kept)

    async def score(self, texts: Sequence[str]) -> list[Scores | None]:
        scores: list[Scores | None] = []
        for text in texts:
            # Others are served between two texts.
            await asyncio.sleep(0)
            scores.append(self._score(text) if text.strip() else None)
        return scores

    def _score(self, text: str) -> Scores:
        return from_compound(self._vader.polarity_scores(text[:LONGEST_TEXT])["compound"])


def from_compound(compound: float) -> Scores:
    """Return the shares that stand for VADER's one number between -1 and 1.

    Its own three numbers are shares of words, nearly all of which are neutral in any text.
    """
    if abs(compound) < _SLIGHT:
        return Scores(positive=0.1, neutral=0.8, negative=0.1)
    winner = 0.55 + 0.45 * abs(compound)
    neutral, other = 0.7 * (1 - winner), 0.3 * (1 - winner)
    if compound > 0:
        return Scores(positive=winner, neutral=neutral, negative=other)
    return Scores(positive=other, neutral=neutral, negative=winner)
