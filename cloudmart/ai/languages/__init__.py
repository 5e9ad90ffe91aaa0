"""The languages that rules answer in: each is a file of its words and sentences.

A file has the stop words, the words of each topic and each intent as regular expressions, and what
is said. They are compared with `searchable` text: small letters without accents.
"""

import difflib
import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources

from cloudmart.values.text import searchable

ENGLISH = "en"
CODES = (ENGLISH, "de", "es", "fr", "pt")

_SPELT = {
    "shipping": "shipping shipment delivery delivered deliver courier postage tracking",
    "returns": "return returned refund refunded exchange broken damaged defective replacement",
    "warranty": "warranty guarantee guaranty",
    "payment": "payment paypal mastercard invoice receipt",
    "hours": "opening weekend",
    "contact": "contact telephone",
    "privacy": "privacy personal",
    "vouchers": "voucher coupon discount promotion",
}
_TOPIC_OF = {word: topic for topic, words in _SPELT.items() for word in words.split()}
_OTHER_WORDS = frozenset({"contract", "contrast", "person", "persons", "shopping", "slipping"})
"""Words that only look like those of a topic."""

_SHORTEST_MISSPELT = 6
_CLOSE = 0.84
_WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class Language:
    """The words and sentences of a language."""

    code: str
    stopwords: frozenset[str]
    topics: Mapping[str, re.Pattern[str]]
    intents: Mapping[str, re.Pattern[str]]
    says: Mapping[str, str]


@cache
def language(code: str) -> Language:
    """Return a language by its code."""
    text = resources.files(__package__).joinpath(f"{code}.toml").read_text("utf-8")
    told = tomllib.loads(text)
    return Language(
        code,
        frozenset(told["stopwords"].split()),
        {name: _words(pattern) for name, pattern in told["topics"].items()},
        {name: _words(pattern) for name, pattern in told["intents"].items()},
        told["says"],
    )


def _words(pattern: str) -> re.Pattern[str]:
    # White space in the file is there to be read.
    alternatives = "|".join(part.strip() for part in pattern.split("\n") if part.strip())
    return re.compile(rf"\b(?:{alternatives})\b")


@cache
def stopwords() -> frozenset[str]:
    """Return the words of all languages that say nothing of what is asked."""
    return frozenset().union(*(language(code).stopwords for code in CODES))


def topics_in(text: str, codes: Collection[str] = CODES) -> frozenset[str]:
    """Return the topics that a text speaks of in some languages, by their English names."""
    plain = searchable(text)
    named = frozenset(
        topic
        for code in codes
        for topic, words in language(code).topics.items()
        if words.search(plain)
    )
    misspelt = {_misspelt_topic(word) for word in _WORD.findall(plain)} if not named else set()
    return named | {topic for topic in misspelt if topic}


@lru_cache(maxsize=4096)
def _misspelt_topic(word: str) -> str | None:
    """Return the topic of the English word that a word is likely a misspelling of."""
    if len(word) < _SHORTEST_MISSPELT or word in _OTHER_WORDS or word in stopwords():
        return None
    near = [each for each in _TOPIC_OF if each[0] == word[0]]
    swapped = [each for each in near if sorted(each) == sorted(word)]
    close = swapped or difflib.get_close_matches(word, near, n=1, cutoff=_CLOSE)
    return _TOPIC_OF[close[0]] if close else None
