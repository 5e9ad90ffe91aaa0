"""The languages that rules answer in: each is a file of its words and sentences.

A file has the stop words, the words of each topic and each intent as regular expressions, and what
is said. They are compared with `searchable` text: small letters without accents.
"""

import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from cloudmart.values.text import searchable

ENGLISH = "en"
CODES = (ENGLISH, "de", "es", "fr", "pt")


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
    return frozenset(
        topic
        for code in codes
        for topic, words in language(code).topics.items()
        if words.search(plain)
    )
