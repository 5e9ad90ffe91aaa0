"""What a text says of prices: `under $10`, `between five and twenty`, `30 or less`.

Prices are in the shop's currency, whichever sign a customer writes.
"""

import re
from collections.abc import Mapping
from decimal import Decimal

_CENT = Decimal("0.01")
_NEAR = Decimal("0.2")
"""How far from an amount a price is still about that amount."""

UNITS = {
    "zero": 0,
    "one": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "nine": 9,
    "ten": 10,
    "eleven": 11,
    "twelve": 12,
    "thirteen": 13,
    "fourteen": 14,
    "fifteen": 15,
    "sixteen": 16,
    "seventeen": 17,
    "eighteen": 18,
    "nineteen": 19,
}
_TENS = {
    "twenty": 20,
    "thirty": 30,
    "forty": 40,
    "fifty": 50,
    "sixty": 60,
    "seventy": 70,
    "eighty": 80,
    "ninety": 90,
}
_SPELT = (
    rf"(?:(?:{'|'.join(_TENS)})(?:[ -](?:{'|'.join(UNITS)}))?"
    rf"|(?:{'|'.join(UNITS)}|a) hundred|{'|'.join(UNITS)})"
)
_DIGITS = r"\d{1,3}(?:[.,]\d{3})+(?:[.,]\d{1,2})?|\d{1,9}(?:[.,]\d{1,2})?"
_SIGN = r"(?:us ?\$|[$€£]|usd|eur|gbp)"
_NAME = r"(?:[$€£]|(?:us )?dollars?|bucks?|usd|euros?|eur|pounds?|quid|gbp)"
_NO_UNIT = (
    r"(?! ?(?:cm|mm|m|kg|g|ml|l|litres?|liters?|hours?|days?|minutes?|years?|weeks?|months?|pages?"
    r"|cups?|people|persons?|percent|watts?|pieces?|pencils?|%|°)\b)"
)


def _amount(name: str, *, money: bool = False) -> str:
    number = rf"(?P<{name}>{_DIGITS}|{_SPELT})(?![\d\w])"
    if money:
        return rf"(?:{_SIGN} ?{number}|{number.replace(f'<{name}>', f'<{name}_>')} ?{_NAME})"
    return rf"(?:{_SIGN} ?)?{number}(?: ?{_NAME}(?!\w))?{_NO_UNIT}"


_A, _B, _MONEY = _amount("a"), _amount("b"), _amount("a", money=True)
_MORE = r"(?:or|and) (?:more|above|over|up(?:wards?)?|higher)|\+"
_LESS = r"(?:or|and) (?:less|under|below|lower|cheaper)"
_BOUNDS = {
    "between": rf"\b(?:between|from) {_A} ?(?:and|to|-|until) ?{_B}"
    rf"|{_SIGN} ?(?P<c>{_DIGITS}) ?(?:-|to) ?(?:{_SIGN} ?)?(?P<d>{_DIGITS})(?: ?{_NAME}\b)?"
    rf"|\b(?P<e>{_DIGITS}) ?(?:-|to|and) ?(?P<f>{_DIGITS}) ?{_NAME}(?!\w)",
    "least": r"(?:\bat least|\bno(?:t)? (?:less|cheaper|lower) than|\bnot (?:under|below)"
    rf"|\b(?:starting )?(?:from|at a minimum of)|\bstarting at|\bmin(?:imum)?(?: of)?|>=|≥) ?{_A}",
    "most": r"(?:\bup to|\bat most|\bno(?:t)? (?:more|higher) (?:expensive )?than"
    r"|\bno(?:t|thing) (?:over|above|exceeding|more than)|n.?t (?:over|above|exceed|more than)"
    r"|\b(?:spend|pay)(?:ing)? (?:any )?more than|\bmax(?:imum)?(?: of| is)?|<=|\u2264"
    rf"|\bbudget (?:of|is)(?: about| around)?) ?{_A}",
    "less": r"(?:\b(?:for )?(?:under|below|beneath)|\b(?:less|lower|cheaper|fewer) than|<) ?"
    rf"{_A}",
    "more": r"(?:\b(?:over|above|beyond)|\b(?:more|higher|pricier)(?: expensive)? than|>) ?"
    rf"{_A}",
    "least_after": rf"{_A} ?(?:{_MORE})",
    "most_after": rf"{_A} ?(?:{_LESS}|(?:tops|max(?:imum)?)\b)",
    "near": rf"(?:\b(?:around|about|approximately|roughly|circa|near(?:ly)?)|~) ?{_MONEY}",
    "exact": rf"\b(?:exactly|costs?|costing|priced at|price of|for exactly) {_MONEY}",
    "budget": rf"\b(?:for|with|within|spend|have|got|only|budget)? ?{_MONEY}",
}
_COMPILED = {kind: re.compile(pattern) for kind, pattern in _BOUNDS.items()}


Bounds = tuple[Decimal | None, Decimal | None]
"""The lowest and the highest price."""


def read_bounds(text: str) -> tuple[str, Bounds]:
    """Return the bounds that a text names, and the text without them."""
    lowest: Decimal | None = None
    highest: Decimal | None = None
    for kind, pattern in _COMPILED.items():
        found = pattern.search(text)
        numbers = [_number(each) for each in found.groups() if each] if found else []
        if not found or not numbers:
            continue
        low, high = _bounds(kind, numbers)
        lowest, highest = low or lowest, high or highest
        text = f"{text[: found.start()]} , {text[found.end() :]}"
        if lowest is not None and highest is not None:
            break
    return text, (lowest, highest)


def _bounds(kind: str, numbers: list[Decimal]) -> Bounds:
    first = numbers[0]
    bounds: Mapping[str, Bounds] = {
        "between": (min(numbers), max(numbers)),
        "least": (first, None),
        "least_after": (first, None),
        "more": (first + _CENT, None),
        "less": (None, first - _CENT),
        "near": (first * (1 - _NEAR), first * (1 + _NEAR)),
        "exact": (first, first),
    }
    return bounds.get(kind, (None, first))


def _number(told: str) -> Decimal:
    if not told[0].isdigit():
        return Decimal(_spelt(told))
    # What has two digits behind it divides the cents, whether a point or a comma.
    whole, cents = (told[:-3], told[-2:]) if told[-3:-2] in {".", ","} else (told, "0")
    if told[-2:-1] in {".", ","}:
        whole, cents = told[:-2], told[-1]
    return Decimal(f"{re.sub('[.,]', '', whole)}.{cents}")


def _spelt(told: str) -> int:
    words = re.split("[ -]", told)
    if words[-1] == "hundred":
        return 100 * UNITS.get(words[0], 1)
    return sum(_TENS.get(word, UNITS.get(word, 0)) for word in words)
