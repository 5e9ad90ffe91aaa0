"""What a customer's English words ask of the catalogue: price bounds, an order, a number, words."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum

from cloudmart.ai.languages import ENGLISH, language
from cloudmart.ai.product_search.prices import UNITS, read_bounds
from cloudmart.values.text import searchable

LONGEST_QUERY = 500
_MOST_WORDS = 12
_ORDINALS = ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth"]
_COUNT = rf"(?: (?P<n>\d{{1,2}}|{'|'.join(UNITS)})\b)?"
_CHEAPEST = re.compile(
    r"\b(?:cheapest|lowest[ -](?:price[sd]?|cost)|least expensive|most affordable|least costly"
    rf"|costs? (?:the )?least)\b{_COUNT}"
)
_DEAREST = re.compile(
    r"\b(?:most expensive|priciest|highest[ -](?:price[sd]?|cost)|dearest|costliest|most costly"
    rf"|costs? (?:the )?most)\b{_COUNT}"
)
_CHEAP = re.compile(r"\b(?:cheap(?:er)?|inexpensive|affordable|low[ -]cost|low[ -]price[sd]?)\b")
_DEAR = re.compile(r"\b(?:expensive|pricey|luxury|high[ -]end|pricier)\b")
_FEW = re.compile(
    rf"\b(?:top|best)? ?(?P<n>\d{{1,2}}|{'|'.join(UNITS)}) (?=cheap|most|least|low|high|pric|dear)"
    rf"|\b(?:top|first|best) (?P<m>\d{{1,2}}|{'|'.join(UNITS)})\b"
)
_SEVERAL = re.compile(r"\s*(?:\w+\s+)?(?!this|is|its|less)\w{3,}s\b|\s*are\b")
_NUMBER = re.compile(
    r"(?:\b(?:product|item|article|number|nr\.?|no\.)(?: (?:number|nr\.?|no\.?|id))?"
    r" ?#? ?|(?<!\w)#)(?P<n>\d{1,9})(?![\d.,]*\d)(?! ?(?:dollars?|euros?|\$|€))\b"
)
_ORDINAL = re.compile(
    rf"\b(?P<o>{'|'.join(_ORDINALS)}|[1-8](?:st|nd|rd|th))(?: (?:one|product|item|of (?:them|those"
    r"|these))\b|$)"
)
_PLACE = re.compile(
    rf"\b(?P<o>{'|'.join(_ORDINALS)}|[1-8](?:st|nd|rd|th))[ -]"
    r"(?=cheap|most|least|low|high|pric|dear)"
)
_LOW = r"(?:cheapest|lowest|low|cheap)"
_HIGH = r"(?:most expensive|dearest|priciest|highest|high|expensive)"
_ASCENDING = re.compile(
    rf"\b(?:(?:from )?(?:the )?{_LOW}(?: prices?)?(?: to (?:the )?{_HIGH}|(?: \w+)? first)"
    r"|ascending|(?:sort|order|list|rank)(?:ed)? (?:\w+ ){0,3}by (?:\w+ )?prices?)\b"
)
_DESCENDING = re.compile(
    rf"\b(?:(?:from )?(?:the )?{_HIGH}(?: prices?)?(?: to (?:the )?{_LOW}|(?: \w+)? first)"
    r"|descending)\b"
)
_TAKEN_BACK = re.compile(
    r"\b(?:(?:forget|scrap|skip|drop|never ?mind|instead of|rather than|no longer|not"
    r"|(?:do ?n.?t|do not) (?:want|need|like)) (?:about )?"
    r"(?:(?:the|that|those|this|an?|my) (?:\w+ ?){1,2}?|it|that|\w+)"
    r"(?=[.,;!?]|$| (?:and|but|rather|instead|i|give|show|make)\b)"
    r"|no \w+(?=,? (?:rather|but|instead)\b))"
)
_PREFERRED = re.compile(r"\brather (?P<kept>.{1,60}?) than (?:the |an? |my )?\w+")
_ANY = re.compile(r"\b(?:(?:any|some|every|no)thing|things?|items?|stuff|products?|articles?)\b")
_SENTENCES = re.compile(r"[.!?]+(?:\s|$)|\n")
_DIVIDED = re.compile(r"\b(?:and|or)\b|[,;/&+]")
_POSSESSIVE = re.compile(r"['\u2019]s\b")
_WORD = re.compile(r"[^\W_]{2,}")
_EMPTY = """
amount anniversary anywhere aunt available birthday boyfriend brother between cash christmas
colleague coupon coupons dad daughter entire everywhere father friend girlfriend grandma grandpa
husband kid kids mom money mother mum pocket remaining sister son stuff total uncle voucher
vouchers wedding whatever whichever whole wife
affordable another article articles basket best budget buy catalog catalogue cost costs currently
dollar dollars else euro euros expensive gift gifts good goods idea ideas item items kind kinds
least less making more next nice order ordering please possibly present presents price priced prices
product products purchase range search searching selection selling sells spend stock store things
under want wanted
"""
_EMPTY_WORDS = frozenset(_EMPTY.split())
_EMAIL = re.compile(r"\S{1,64}@\S{1,255}")
_DASHES = re.compile("[\u2010-\u2015]")
_LONG = 4
"""Characters of a word whose ending may be that of a plural of its own."""


class ProductSort(StrEnum):
    """In which order products are wanted."""

    CHEAPEST = "cheapest"
    MOST_EXPENSIVE = "most_expensive"


@dataclass(frozen=True, slots=True)
class ProductQuery:
    """What is asked of the catalogue.

    Each of the `wanted` is a thing by its words, of which any will do. `number` is a product's id,
    or its place in the catalogue. Without any of them, all products are meant.
    """

    wanted: tuple[tuple[str, ...], ...] = ()
    lowest: Decimal | None = None
    highest: Decimal | None = None
    sort: ProductSort | None = None
    limit: int | None = None
    number: int | None = None
    aside: bool = False
    """Whether anything will do at that price: the words count if a product's name has them."""

    place: int = 1
    """Which one is wanted of those in that order: 2 for the second cheapest."""

    def fits(self, price: Decimal) -> bool:
        """Return whether a price is within the bounds."""
        above = self.lowest is None or price >= self.lowest
        return above and (self.highest is None or price <= self.highest)


@dataclass(slots=True)
class _Reading:
    """A text of which what was understood is taken away."""

    text: str
    query: ProductQuery = field(default_factory=ProductQuery)

    def take(self, found: re.Match[str], **told: object) -> None:
        self.text = f"{self.text[: found.start()]} , {self.text[found.end() :]}"
        self.query = replace(self.query, **told)  # type: ignore[arg-type]


def read_query(text: str) -> ProductQuery:
    """Return what a text asks of the catalogue."""
    text = _EMAIL.sub(" , ", text[:LONGEST_QUERY])
    plain = _POSSESSIVE.sub("", _DASHES.sub("-", searchable(text)))
    plain = _PREFERRED.sub(r" , \g<kept> , ", " ".join(plain.split()))
    reading = _Reading(_TAKEN_BACK.sub(" , ", plain))
    aside = _asks_for_any(reading.text)
    reading.text, (lowest, highest) = read_bounds(reading.text)
    reading.query = ProductQuery(lowest=lowest, highest=highest)
    _read_sort(reading)
    if found := _NUMBER.search(reading.text):
        reading.take(found, number=int(found["n"]))
    elif reading.query.sort is None and (found := _ORDINAL.search(reading.text)):
        reading.take(found, number=ordinal(found["o"]))
    priced = reading.query.sort is not None or (lowest, highest) != (None, None)
    aside = aside or (priced and _ANY.search(reading.text) is not None)
    wanted = tuple(words for words in map(_words, _DIVIDED.split(reading.text)) if words)
    return replace(reading.query, wanted=wanted, aside=aside)


def _asks_for_any(text: str) -> bool:
    """Return whether a sentence of several asks for prices alone: `What costs more than $100?`."""
    sentences = [each for each in _SENTENCES.split(text) if each.strip()]
    return len(sentences) > 1 and any(_prices_alone(each) for each in sentences)


def _prices_alone(sentence: str) -> bool:
    reading = _Reading(sentence)
    reading.text, bounds = read_bounds(sentence)
    _read_sort(reading)
    priced = reading.query.sort is not None or bounds != (None, None)
    return priced and not _words(reading.text)


def ordinal(word: str) -> int:
    """Return the number of `third` or `3rd`."""
    return int(word[0]) if word[0].isdigit() else _ORDINALS.index(word) + 1


def _read_sort(reading: _Reading) -> None:
    if found := _FEW.search(reading.text):
        reading.take(found, limit=_count(found["n"] or found["m"]))
    if found := _PLACE.search(reading.text):
        reading.take(found, place=ordinal(found["o"]), limit=1)
    for pattern, sort in (
        (_ASCENDING, ProductSort.CHEAPEST),
        (_DESCENDING, ProductSort.MOST_EXPENSIVE),
    ):
        if found := pattern.search(reading.text):
            reading.take(found, sort=sort)
            return
    for pattern, sort, superlative in (
        (_CHEAPEST, ProductSort.CHEAPEST, True),
        (_DEAREST, ProductSort.MOST_EXPENSIVE, True),
        (_CHEAP, ProductSort.CHEAPEST, False),
        (_DEAR, ProductSort.MOST_EXPENSIVE, False),
    ):
        if found := pattern.search(reading.text):
            if superlative and found["n"]:
                reading.query = replace(reading.query, limit=_count(found["n"]))
            # Who asks for the cheapest wants one; who asks for the cheapest lamps, some.
            one = superlative and not _SEVERAL.match(reading.text, found.end())
            limit = reading.query.limit or (1 if one else None)
            reading.take(found, sort=sort, limit=limit)
            return


def _count(told: str) -> int:
    return max(1, int(told) if told.isdigit() else UNITS[told])


def _words(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_telling(text)))[:_MOST_WORDS]


def _telling(text: str) -> Iterator[str]:
    known = language(ENGLISH).stopwords | _EMPTY_WORDS
    return (stem(word) for word in _WORD.findall(text) if word not in known)


def stem(word: str) -> str:
    """Return a word without its plural: `knives` and `knife` give the same."""
    if len(word) > _LONG and word.endswith("ies"):
        return f"{word[:-3]}y"
    if len(word) > _LONG and word.endswith("ves"):
        return f"{word[:-3]}f"
    if len(word) > _LONG and word.endswith(("sses", "xes", "zzes", "ches", "shes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    return word[:-1] if word.endswith("fe") else word
