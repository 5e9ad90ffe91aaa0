"""The assistant of a shop without AI: rules."""

import json
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from textwrap import shorten
from typing import Any

from cloudmart.ai.languages import ENGLISH, stopwords
from cloudmart.ai.ports import (
    ProviderMessage,
    ProviderStep,
    StepRequest,
    TextDelta,
    ToolCall,
    ToolResult,
    Usage,
)
from cloudmart.ai.providers.offline_answers import (
    help_text,
    listed_products,
    order_text,
    products_text,
    says,
    was_noticed,
    what_can_be_asked,
)
from cloudmart.ai.providers.offline_intents import (
    ABOUT_ORDERS,
    Intent,
    ParsedMessage,
    last_wish,
    parse_messages,
)
from cloudmart.values.text import searchable

_LONGEST_QUERY = 500
_HELP, _PRODUCTS = "search_help", "search_products"
_ORDER_TOOLS = {
    Intent.ORDER: "get_order",
    Intent.CANCEL: "cancel_order",
    Intent.DELETE: "delete_order",
}
_FOR_STAFF = {Intent.PERSON, Intent.COMPLAINT, Intent.EDIT}
_TICKET = "open_ticket"
_CONTACT = "contact"
_LONGEST_SUBJECT = 60
_LONGEST_REQUEST = 4000
_SEARCHES = {
    Intent.HELP: (_HELP,),
    Intent.PERSON: (_HELP,),
    Intent.CAPABILITIES: (_HELP,),
    Intent.UNKNOWN: (_HELP,),
    Intent.PRODUCTS: (_HELP, _PRODUCTS),
    Intent.SEARCH: (_HELP, _PRODUCTS),
}
_NUMBERED = re.compile(
    r"(?:\b(?:product|item|article|number|no\.?|nr\.?)(?: (?:number|no\.?|nr\.?))? ?#? ?|#)"
    r"(?P<n>[1-9])(?![\w.,]*\d)|^\W*(?P<alone>[1-9])\W*$"
    r"|\b(?P<o>first|second|third|fourth|fifth|sixth|seventh|eighth|last)"
    r"(?: (?:one|product|item|of)\b|\W*$)"
)
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")
_PRICED = re.compile(r"\d|\b(?:cheap\w*|expensive|pric\w+|lowest|highest|dollars?|euros?)\b")
_POINTED = re.compile(r"\b(?:it|that|this|the one|price|costs?|how much|more|details?)\b")
_TELL = """
about buy cheap cost costs describe description detail details expensive information item more much
price product tell
"""
_TELLING_WORDS = frozenset(_TELL.split())


class OfflineChat:
    """Answers from the help, finds products, shows orders and has them canceled.

    The same question gets the same answer.
    """

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
    wish = parse_messages(request.history)
    if request.exchange:
        _, results = request.exchange[-1]
        return _answer(request, wish, _told(request, wish, results))
    offered = {each.name for each in request.tools}
    if wish.intent in _ORDER_TOOLS:
        return _about_an_order(request, wish, offered)
    if wish.intent in _FOR_STAFF and _TICKET in offered and not request.final:
        return _request_to_staff(request)
    wanted = [name for name in _SEARCHES.get(wish.intent, ()) if name in offered]
    if wanted and not request.final:
        return _search(request, wish, wanted)
    return _answer(request, wish, _at_once(wish, offered))


def _about_an_order(request: StepRequest, wish: ParsedMessage, offered: set[str]) -> ProviderStep:
    tool = _ORDER_TOOLS[wish.intent]
    if request.final or tool not in offered:
        # Said before anything is asked for.
        return _answer(request, wish, says(wish.language, "not_allowed"))
    if wish.order_id is None:
        return _answer(request, wish, says(wish.language, "ask_order"))
    if not wish.has_email:
        return _answer(request, wish, says(wish.language, "ask_email"))
    return ProviderStep("", [ToolCall("1", tool, json.dumps({"order_id": wish.order_id}))])


def _request_to_staff(request: StepRequest) -> ProviderStep:
    text = last_wish(request.history).strip()[:_LONGEST_REQUEST]
    subject = shorten(text, _LONGEST_SUBJECT, placeholder=" …") or text[:_LONGEST_SUBJECT]
    arguments = json.dumps({"subject": subject, "text": text})
    return ProviderStep("", [ToolCall("1", _TICKET, arguments)])


def _search(request: StepRequest, wish: ParsedMessage, tools: Sequence[str]) -> ProviderStep:
    text = wish.text[:_LONGEST_QUERY]
    if wish.intent is Intent.PRODUCTS and _PRICED.search(searchable(text)):
        tools = [name for name in tools if name == _PRODUCTS] or tools
    if wish.intent in {Intent.CAPABILITIES, Intent.UNKNOWN}:
        text = ""
    if wish.intent is Intent.PERSON:
        text = _CONTACT
    pointed = _pointed_at(request.history, wish)
    if pointed:
        tools, text = [_PRODUCTS], pointed
    arguments = {_HELP: {"question": text}, _PRODUCTS: {"query": text}}
    return ProviderStep(
        "",
        [
            ToolCall(str(number), name, json.dumps(arguments[name]))
            for number, name in enumerate(tools, 1)
        ],
    )


def _pointed_at(history: Sequence[ProviderMessage], wish: ParsedMessage) -> str | None:
    """Return the name of the product that a customer means by its place in the list, or by `it`."""
    lists = listed_products(history)
    text = searchable(wish.text[:_LONGEST_QUERY])
    if not lists or wish.intent not in {Intent.PRODUCTS, Intent.SEARCH, Intent.UNKNOWN}:
        return None
    if found := _NUMBERED.search(text):
        # One product that was read about is no list.
        several = [names for names in lists if len(names) > 1]
        if found["o"] == "last":
            return several[0][-1] if several else None
        place = int(found["n"] or found["alone"] or 1 + _ORDINALS.index(found["o"]))
        return next((names[place - 1] for names in several if len(names) >= place), None)
    telling = {
        word for word in re.findall(r"\w{2,}", text) if word not in stopwords()
    } - _TELLING_WORDS
    if len(lists[0]) == 1 and not telling and _POINTED.search(text):
        return lists[0][0]
    return None


def _at_once(wish: ParsedMessage, offered: set[str]) -> str:
    """Return what is said without a tool."""
    match wish.intent:
        case Intent.HELP:
            return says(wish.language, "no_help")
        case Intent.CAPABILITIES:
            return what_can_be_asked(wish.language, "able", offered, [])
        case Intent.PRODUCTS | Intent.SEARCH | Intent.UNKNOWN:
            return what_can_be_asked(wish.language, "unknown", offered, [])
    return says(wish.language, wish.intent)


def _told(request: StepRequest, wish: ParsedMessage, results: Sequence[ToolResult]) -> str:
    """Return a sentence about the results of the calls."""
    outcomes = [json.loads(result.output) for result in results]
    if wish.intent is Intent.PERSON and any("sections" in each for each in outcomes):
        sections = [each for outcome in outcomes for each in outcome["sections"]]
        return _with_contact(wish, says(wish.language, wish.intent), next(iter(sections), None))
    if wish.intent in ABOUT_ORDERS | _FOR_STAFF:
        return " ".join(order_text(wish.language, result) for result in results)
    found: Mapping[str, Any] = {key: told for each in outcomes for key, told in each.items()}
    named = found.get("products") and not found.get("note")
    if found.get("sections") and not named:
        return help_text(wish.language, found["sections"])
    if found.get("products"):
        return products_text(found)
    return _nothing_found(request, wish, found)


def _nothing_found(request: StepRequest, wish: ParsedMessage, found: Mapping[str, Any]) -> str:
    if "error" in found and not found.keys() & {"products", "sections"}:
        return says(wish.language, "failed")
    english = wish.language == ENGLISH
    if wish.intent is Intent.PRODUCTS and not english:
        return says(wish.language, "products_in_english")
    if wish.intent is Intent.PRODUCTS and "sections" not in found:
        return products_text(found)
    if english and (wish.intent is Intent.PRODUCTS or (wish.intent is Intent.SEARCH and wish.asks)):
        return _with_contact(wish, says(wish.language, "nothing"), found.get("contact"))
    if wish.intent is Intent.HELP or (wish.intent is Intent.SEARCH and wish.asks):
        return _with_contact(wish, says(wish.language, "no_help"), found.get("contact"))
    key = "able" if wish.intent is Intent.CAPABILITIES else "unknown"
    offered = {each.name for each in request.tools}
    return what_can_be_asked(wish.language, key, offered, found.get("topics", []))


def _with_contact(wish: ParsedMessage, text: str, section: Mapping[str, str] | None) -> str:
    return f"{text} {help_text(wish.language, [section])}" if section else text


def _answer(request: StepRequest, wish: ParsedMessage, text: str) -> ProviderStep:
    if was_noticed(request.history):
        return ProviderStep(text)
    return ProviderStep(f"{says(wish.language, 'notice')}\n\n{text}")
