"""What a customer wants, as rules read it, and in which language they say so."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from cloudmart.ai.languages import CODES, ENGLISH, Language, language, stopwords, topics_in
from cloudmart.ai.ports import ProviderMessage, Role
from cloudmart.values.text import searchable

LONGEST_MESSAGE = 1000
"""Characters of a message that are read for what it wants."""

_LOOKED_BACK = 10
"""Messages in which the wish is looked for that an id or an address belongs to."""

_EMAIL = re.compile(r"[^\s@]{1,64}@[^\s@]{1,255}")
# Ours are 16 letters and digits without look-alikes, older ones 8 hexadecimal digits.
_ORDER_ID = re.compile(r"(?<![\w-])([2-9a-hjkmnp-z]{16}|[0-9a-f]{8})(?![\w-])", re.IGNORECASE)
_WORD = re.compile(r"[^\W_]{2,}")
_CLAUSES = re.compile(r"[.!?;,\n]+(?!\d)")
_ASKS_IN_IT = re.compile(r"\b(?:can|could|may|do|should) (?:i|we|you)\b|\bwhat now\b|\bhow\b|\?")
_PRICED = re.compile(r"\d|\b(?:cheap\w*|expensive|priciest|affordable)\b")
_ANSWERED_BY_HELP = {"returns", "warranty"}
_ASKS = re.compile(
    r"\?\s*$|^\W*(?:what|when|where|who|why|how|which|can|could|do|does|did|is|are|will|would"
    r"|may|should)\b"
)


class Intent(StrEnum):
    """What a customer wants; what languages have words for goes by the same name there."""

    KEEP = "keep"
    BOT = "bot"
    COMPLAINT = "complaint"
    PERSON = "person"
    CANCEL = "cancel"
    DELETE = "delete"
    EDIT = "edit"
    ORDER = "order"
    ORDERING = "ordering"
    HELP = "help"
    PRODUCTS = "products"
    CAPABILITIES = "capabilities"
    THANKS = "thanks"
    GREETING = "greeting"
    SEARCH = "search"
    """Something that no rule knows: the help may, or the catalogue."""

    UNKNOWN = "unknown"


ABOUT_ORDERS = {Intent.CANCEL, Intent.DELETE, Intent.ORDER}

_ASKED = {
    "to cancel order ": Intent.CANCEL,
    "to delete order ": Intent.DELETE,
    "to send this to the shop's staff": Intent.PERSON,
}
# Sending goods back is about help even where an order is named.
_NOT_OF_ONE_ORDER = {"payment", "privacy", "returns", "visit", "vouchers", "warranty"}
_OF_ONE_ORDER = {"cancel", "edit"}


@dataclass(frozen=True, slots=True)
class ParsedMessage:
    """What a customer wants, and of what."""

    intent: Intent
    language: str
    text: str
    order_id: str | None = None
    has_email: bool = False
    asks: bool = False
    """Whether it is a question."""


def parse_messages(history: Sequence[ProviderMessage]) -> ParsedMessage:
    """Return what the newest message asks for, with what earlier ones of the customer add to it."""
    said = [message.text for message in history if message.role is Role.USER]
    newest, earlier = said[-1], said[-2::-1]
    spoken = _language(newest, earlier)
    ids = (_order_id(text) for text in (newest, *earlier))
    plain = _plain(newest)
    intent = (
        _agreed(history, spoken)
        or _continued(history, spoken)
        or _said(plain, spoken)
        or _without_a_wish(plain, spoken)
    )
    return ParsedMessage(
        intent,
        spoken.code,
        newest,
        order_id=next((one for one in ids if one), None),
        has_email=any(_EMAIL.search(text) for text in said),
        asks=bool(_ASKS.search(plain)),
    )


def last_wish(history: Sequence[ProviderMessage]) -> str:
    """Return the newest message of the customer that does not only agree to something."""
    said = [message.text for message in history if message.role is Role.USER]
    agrees = [language(code).intents["agree"] for code in CODES]
    wishes = (text for text in reversed(said) if not any(map(_matches(text), agrees)))
    return next(wishes, said[-1])


def _matches(text: str) -> Callable[[re.Pattern[str]], bool]:
    plain = _bare(text)
    return lambda sign: sign.match(plain) is not None


def _bare(text: str) -> str:
    return _plain(text).strip(" .,!?\u00a1\u00bf\"'")


def _plain(text: str) -> str:
    """Return a message without what is the same in every language."""
    words = _ORDER_ID.sub(" ", searchable(_EMAIL.sub(" ", text[:LONGEST_MESSAGE])))
    return " ".join(words.split())


def _language(newest: str, earlier: Sequence[str]) -> Language:
    """Return the language of a message, else the one of those before it, else English."""
    likely = list(CODES)
    for text in (newest, *earlier):
        scores = {code: _score(_plain(text), language(code)) for code in likely}
        best = max(scores.values())
        if best:
            # A customer who writes only `ok` keeps the earlier language.
            likely = [code for code in likely if scores[code] == best]
        if len(likely) == 1:
            break
    return language(likely[0] if len(likely) < len(CODES) else ENGLISH)


def _score(text: str, spoken: Language) -> int:
    words = set(_WORD.findall(text))
    signs = [*spoken.topics.values(), *spoken.intents.values()]
    found = {match[0] for sign in signs if (match := sign.search(text))}
    return len(words & spoken.stopwords) + 2 * len(found)


def _agreed(history: Sequence[ProviderMessage], spoken: Language) -> Intent | None:
    """Return what a customer says to a change that they were just asked to confirm, if they were.

    If the customer agrees without the code, the tool asks for the code again.
    """
    asked = history[-2].text.casefold() if len(history) > 1 else ""
    change = next((intent for words, intent in _ASKED.items() if words in asked), None)
    if change is None:
        return None
    text = _bare(history[-1].text)
    for each in map(language, (spoken.code, *CODES)):
        if each.intents["agree"].match(text):
            return change
        if each.intents["decline"].match(text) and change not in _found(text, spoken):
            return Intent.KEEP
    return None


def _continued(history: Sequence[ProviderMessage], spoken: Language) -> Intent | None:
    """Return what a customer wants who gives what they were just asked for."""
    newest = history[-1].text
    if not (_EMAIL.search(newest) or _order_id(newest)):
        return None
    said = _said(_plain(newest), spoken)
    if said not in {None, Intent.ORDER, Intent.HELP, Intent.PRODUCTS}:
        return said
    before = [message.text for message in history[:-1] if message.role is Role.USER][-_LOOKED_BACK:]
    wanted = (_said(_plain(text), _language(text, ())) for text in reversed(before))
    last = next((intent for intent in wanted if intent in ABOUT_ORDERS), None)
    if last and (said is None or _was_asked(history)):
        return last
    if said is Intent.PRODUCTS and not _order_id(newest):
        return said
    # "My order number is …", "show me …", "my e-mail address is …": an order is meant.
    topics = topics_in(_plain(newest), (spoken.code, ENGLISH)) - {"contact"}
    about_all = topics if _order_id(newest) is None else topics & _NOT_OF_ONE_ORDER
    return Intent.HELP if said is Intent.HELP and about_all else Intent.ORDER


def _was_asked(history: Sequence[ProviderMessage]) -> bool:
    """Return whether the customer was just asked for an order's number or for an address."""
    asked = history[-2].text if len(history) > 1 else ""
    return any(
        language(code).says[key] in asked for code in CODES for key in ("ask_order", "ask_email")
    )


def _found(text: str, spoken: Language) -> set[str]:
    """Return the names of the intents whose words are in a text."""
    own = {name for name, sign in spoken.intents.items() if sign.search(text)}
    if own or spoken.code == ENGLISH:
        return own
    return {name for name, sign in language(ENGLISH).intents.items() if sign.search(text)}


def _said(text: str, spoken: Language) -> Intent | None:
    """Return what a text asks for by its words."""
    topics = topics_in(text, (spoken.code, ENGLISH))
    found = _found(text, spoken)
    if topics & _ANSWERED_BY_HELP and _ASKS_IN_IT.search(text):
        # "If it is crap, can I send it back?" is no complaint yet.
        found -= {"complaint"}
    if topics == {"vouchers"} and _asks_for_prices(text, spoken):
        topics = frozenset()
    turns = _in_turn(found, topics)
    return next((intent for intent, wanted in turns if wanted), None)


def _asks_for_prices(text: str, spoken: Language) -> bool:
    """Return whether a clause asks for products by their price and speaks of nothing else."""
    products = spoken.intents["products"]
    return any(
        _PRICED.search(clause) and products.search(clause) and not topics_in(clause)
        for clause in _CLAUSES.split(text)
    )


def _in_turn(found: set[str], topics: frozenset[str]) -> Sequence[tuple[Intent, bool]]:
    """Return the intents in the order in which they are meant, and whether each has signs.

    Who writes "hello, cancel my order" does not only greet.
    """
    about_all = "help" in found or bool(topics & _NOT_OF_ONE_ORDER and not found & _OF_ONE_ORDER)
    return (
        (Intent.KEEP, "keep" in found),
        (Intent.BOT, "bot" in found),
        (Intent.COMPLAINT, "complaint" in found),
        (Intent.ORDER, "canceled" in found),
        (Intent.PERSON, "person" in found),
        (Intent.HELP, about_all),
        (Intent.CANCEL, "cancel" in found),
        (Intent.EDIT, "edit" in found),
        (Intent.DELETE, "delete" in found),
        (Intent.ORDERING, "ordering" in found),
        (Intent.ORDER, "order" in found),
        (Intent.HELP, bool(topics)),
        (Intent.PRODUCTS, "products" in found),
    )


def _without_a_wish(text: str, spoken: Language) -> Intent:
    """Return what is meant by a message of courtesies, or of words that no rule knows."""
    courtesies = (Intent.CAPABILITIES, Intent.THANKS, Intent.GREETING)
    found = _found(text, spoken)
    rest = text
    for intent in courtesies:
        for sign in {spoken.intents[intent], language(ENGLISH).intents[intent]}:
            rest = sign.sub(" ", rest)
    if any(word not in stopwords() for word in _WORD.findall(rest)):
        return Intent.SEARCH
    return next((intent for intent in courtesies if intent in found), Intent.UNKNOWN)


def _order_id(text: str) -> str | None:
    found = [match.lower() for match in _ORDER_ID.findall(_EMAIL.sub(" ", text))]
    # A long word may look like an id; an id without a digit is rare.
    return next((one for one in found if re.search(r"\d", one)), found[0] if found else None)
