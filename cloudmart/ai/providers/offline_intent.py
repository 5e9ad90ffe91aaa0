"""What a customer wants, as far as rules can tell: a few words of English, ids and e-mails."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

from cloudmart.ai.ports import Message, Role

_EMAIL = re.compile(r"[^\s@]{1,64}@[^\s@]{1,255}")
# Ours are 16 letters and digits without look-alikes, older ones 8 hexadecimal digits.
_ORDER_ID = re.compile(r"(?<![\w-])([2-9a-hjkmnp-z]{16}|[0-9a-f]{8})(?![\w-])", re.IGNORECASE)
_WORD = re.compile(r"[^\W_]{2,}")


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
_AGREES = re.compile(r"^\W*(yes|yeah|yep|ok(ay)?|sure|do it|go ahead|please do)\b", re.IGNORECASE)
_ASKED = {"to cancel order": Intent.CANCEL, "to delete order": Intent.DELETE}
_COMPILED = {intent: re.compile(sign, re.IGNORECASE) for intent, sign in _SIGNS.items()}

_EMPTY = """
an and any anything are available buy can catalog catalogue could do does find for get give got has
have hello help hey hi how in is it items like list looking me much my need of offer on order please
price product products recommend sale search sell shop should show some something stock store tell
that the there thing things this to us want we what which with would you your
"""
_EMPTY_WORDS = frozenset(_EMPTY.split())


@dataclass(frozen=True, slots=True)
class Wish:
    """What a customer wants, and of what."""

    intent: Intent
    order_id: str | None = None
    has_email: bool = False
    query: str = ""


def understand(history: Sequence[Message]) -> Wish:
    """Return what the newest message asks for, with what earlier ones of the customer add to it."""
    said = [message.text for message in history if message.role is Role.USER]
    newest, earlier = said[-1], said[-2::-1]
    query = " ".join(word for word in _words(newest) if word not in _EMPTY_WORDS)
    ids = (_order_id(text) for text in (newest, *earlier))
    intent = _agreed(history) or _intent(newest)
    if intent is Intent.PRODUCTS and _order_id(newest):
        # "Show", "find" and "I need" are said of orders too.
        intent = None
    return Wish(
        intent or _meant(newest, earlier, query),
        order_id=next((one for one in ids if one), None),
        has_email=any(_EMAIL.search(text) for text in said),
        query=query,
    )


def _agreed(history: Sequence[Message]) -> Intent | None:
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
