"""The answers of the rules: results of tools as sentences in the customer's language."""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from cloudmart.ai.languages import CODES, ENGLISH, language
from cloudmart.ai.ports import ProviderMessage, Role, ToolResult

LONGEST_HELP = 900
"""Characters of a section that are said: the sentences that fit, from its beginning."""

_LONGEST_LIST = 8
_FOUND_ONE = "I found one product: "
_IN_LIST = re.compile(r"(?:^|\s)(\d)\. (.+?), \$[\d,]+\.\d\d(?=[;.])")
_THE_ONE = re.compile(r"(?:product|best|mentions it): (.+?), \$[\d,]+\.\d\d(?=[:.])")
_SENTENCE = re.compile(r"\S.*?(?:[.!?](?=\s|$)|$)", re.DOTALL)
_STATUS = "status_"


def says(code: str, key: str, **values: object) -> str:
    """Return a sentence in a language, or in English where it has none."""
    own = language(code).says.get(key) or language(ENGLISH).says[key]
    return own.format(**values) if values else own


def was_noticed(history: Sequence[ProviderMessage]) -> bool:
    """Return whether the customer has already read that rules answer."""
    notices = [language(code).says["notice"] for code in CODES]
    said = (message.text for message in history if message.role is Role.ASSISTANT)
    return any(notice in text for text in said for notice in notices)


def what_can_be_asked(code: str, key: str, tools: Collection[str], topics: Sequence[str]) -> str:
    """Return what may be asked here, by the tools there are and the topics of the help."""
    wishes = [says(code, "wish_products")]
    if topics:
        wishes.insert(0, says(code, "wish_help", topics=", ".join(topics)))
    if "get_order" in tools:
        wishes.append(says(code, "wish_order"))
    if "cancel_order" in tools:
        wishes.append(says(code, "wish_cancel"))
    *others, last = wishes
    joined = f"{', '.join(others)} {says(code, 'or')} {last}" if others else last
    return f"{says(code, key, wishes=joined)} {says(code, 'otherwise')}"


def order_text(code: str, result: ToolResult) -> str:
    """Return a sentence about the result of a call about an order."""
    outcome = json.loads(result.output)
    if "error" in outcome:
        return _error(code, outcome["error"], outcome.get("status"))
    if outcome.get("status") == "customer_must_type_the_code":
        return says(code, "type_code")
    if "status" in outcome:
        return says(code, "confirm")
    return _order(code, outcome["order"]) if "order" in outcome else says(code, "failed")


def _error(code: str, error: str, status: str | None) -> str:
    key = "not_allowed" if error == "only_staff_can_do_this" else error
    known = key in language(ENGLISH).says
    text = says(code, key if known else "failed")
    if status is None:
        return text
    named = says(code, f"{_STATUS}{status.casefold()}")
    return f"{text} {says(code, 'its_status', status=named)}"


def _order(code: str, order: Mapping[str, Any]) -> str:
    lines = [f"{line['quantity']} x {line['name']}" for line in order.get("items", ())]
    placed = order.get("placed")
    return says(
        code,
        "order",
        id=order["id"],
        placed=says(code, "placed", date=placed) if placed else "",
        status=says(code, f"{_STATUS}{order['status'].casefold()}"),
        total=f"${order['total']:.2f}",
        goods=f" ({', '.join(lines)})" if lines else "",
    )


def help_text(code: str, sections: Sequence[Mapping[str, str]]) -> str:
    """Return the best section with its name, and the second one if both are short."""
    told = [
        says(code, "help", heading=each["section"], text=_shortened(each["text"]))
        for each in sections[:2]
    ]
    both = " ".join(told)
    return both if len(both) <= LONGEST_HELP else told[0]


def _shortened(text: str) -> str:
    kept = ""
    for sentence in _SENTENCE.findall(text):
        if kept and len(kept) + len(sentence) >= LONGEST_HELP:
            break
        kept = f"{kept} {sentence}".strip()
    return kept[:LONGEST_HELP]


def products_text(found: Mapping[str, Any]) -> str:
    """Return the products that were found. Their names are English, so this is, too."""
    products: list[Mapping[str, Any]] = list(found["products"])[:_LONGEST_LIST]
    more = found.get("not_shown", 0)
    if not products:
        return "I found no product that fits. Please try another word or another price."
    if len(products) == 1:
        begin = "This one fits best: " if more else _FOUND_ONE
        if found.get("note"):
            begin = "I found no product of that name. This description mentions it: "
        return f"{begin}{_described(products[0])}"
    listed = "; ".join(f"{number}. {_priced(each)}" for number, each in enumerate(products, 1))
    total = len(products) + more
    begin = f"Here are {len(products)} of {total} products" if more else f"I found {total} products"
    if found.get("note"):
        begin = "I found no product of that name. These descriptions mention it"
    rest = f" {more} more are not shown: add a word or a price (“lamps under $30”)." if more else ""
    return f"{begin}: {listed}.{rest} To read about one, write its number (“product 2”)."


def _priced(product: Mapping[str, Any]) -> str:
    return f"{product['name']}, ${product['price']:,.2f}"


def _described(product: Mapping[str, Any]) -> str:
    text = " ".join(str(product.get("description") or "").split())
    return f"{_priced(product)}: {text}" if text else f"{_priced(product)}."


def listed_products(history: Sequence[ProviderMessage]) -> list[list[str]]:
    """Return the names of the products of each list that a customer was shown, the last first."""
    lists: list[list[str]] = []
    for message in reversed(history):
        if message.role is Role.ASSISTANT:
            one = _THE_ONE.search(message.text)
            names = [one[1]] if one else [name for _, name in _IN_LIST.findall(message.text)]
            lists += [names] if names else []
    return lists
