"""Finds the sections of the shop's own text that answer a question.

SQLite's full-text search ranks them. Each language's words for a topic (`devolución`, `refund`)
also find a section whose heading has another of them.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cloudmart.ai.languages import stopwords, topics_in
from cloudmart.settings.knowledge import Knowledge
from cloudmart.values.text import searchable

if TYPE_CHECKING:
    from sqlite3 import Connection

MOST_SECTIONS = 3
LONGEST_QUESTION = 500
LONGEST_TEXT = 1500
"""Characters of a section that are given."""

_MOST_WORDS = 32
_WORD = re.compile(r"[^\W_]{2,}")
_FIRST, _LAST = "returns", "contact"
_MOST_OF_IT = 0.5
"""A section has more than this share of a question's words, if its heading has no topic of it."""

# What every text has: it does not make a section the answer.
_COMMON = """
answer confirm day days good name need new next old online order orders product products right
thanks way word words work working works write
"""
_COMMON_WORDS = frozenset(_COMMON.split())

# What sections say of topics that they are seldom named by.
_ALSO = {"visit": ("store", "stores", "location"), "warranty": ("guarantee", "warranties")}

# A word of the heading says more of a section than one of its text.
_FIND = "SELECT rowid FROM help WHERE help MATCH ? ORDER BY bm25(help, 4.0, 1.0), rowid"
_CREATE = "CREATE VIRTUAL TABLE help USING fts5(heading, text, tokenize = {tokens})"
_TOKENS = "'porter unicode61 remove_diacritics 2'"

_FENCE = re.compile(r"\s*(```|~~~)")
_ITEM = re.compile(r"\s*([-*+]|\d+[.)])\s+")
_RULE = re.compile(r"\s*([-*_]\s*){3,}|[\s|:-]*-[\s|:-]*")
_LINK = re.compile(r"!?\[([^\]]*)\]\(\s*<?([^)>\s]*)>?[^)]*\)")
_EMPHASIS = re.compile(r"(\*\*|__|`)(?=\S)(.+?)(?<=\S)\1")
_ENDED = (".", "!", "?", ":", ";")


@dataclass(frozen=True, slots=True)
class HelpSection:
    """A section as an answer shows it: its heading, and its text in one paragraph."""

    heading: str
    text: str


class HelpIndex:
    """The sections, in memory."""

    def __init__(self, knowledge: Knowledge | None) -> None:
        told = knowledge.sections if knowledge else ()
        self._sections = [HelpSection(each.heading, plain_text(each.text)) for each in told]
        self._topics = [topics_in(section.heading) for section in self._sections]
        self._database = _indexed(self._sections) if self._sections else None

    @property
    def empty(self) -> bool:
        """Return whether the shop has told nothing."""
        return not self._sections

    @property
    def topics(self) -> list[str]:
        """Return the headings."""
        return [section.heading for section in self._sections]

    @property
    def contact(self) -> HelpSection | None:
        """Return the section that says how to reach the shop, if there is one."""
        named = zip(self._sections, self._topics, strict=True)
        return next((section for section, topics in named if "contact" in topics), None)

    def search(self, question: str) -> list[HelpSection]:
        """Return the sections that a question is about, the best first; none where none is."""
        if self.empty:
            return []
        asked = searchable(question[:LONGEST_QUESTION])
        topics = topics_in(asked)
        wanted = list(_terms(asked, topics))
        ranked = self._matching([term for group in wanted for term in group])
        found = [set(self._matching(group)) for group in wanted]
        # A topic is more of a question than any of its other words.
        weights = [2 if group[0] in topics else 1 for group in wanted]
        shares = {
            row: sum(weight for weight, rows in zip(weights, found, strict=True) if row in rows)
            / sum(weights)
            for row in range(len(self._sections))
            if wanted
        }
        about = {row: topics & self._topics[row] for row in shares}
        headed = frozenset().union(*self._topics)
        good = [row for row in shares if about[row]]
        if not good:
            # A topic that no heading names is looked for in the texts.
            texts = zip(wanted, found, strict=True)
            said = [rows for group, rows in texts if group[0] in topics & _ALSO.keys() - headed]
            good = sorted(frozenset().union(*said))
        good = good or [row for row, share in shares.items() if share > _MOST_OF_IT]
        good.sort(
            key=lambda row: (
                -len(about[row]),
                # Who pays for a return asks about returns.
                _FIRST not in about[row],
                # Who asks where to write about their data asks about their data.
                about[row] == {_LAST},
                -shares[row],
                ranked.index(row) if row in ranked else len(ranked),
            )
        )
        return [self._sections[row] for row in good[:MOST_SECTIONS]]

    def _matching(self, terms: Sequence[str]) -> list[int]:
        if not (terms and self._database):
            return []
        # Each is quoted, so none of it is an operator of the search.
        query = " OR ".join(f'"{term}"' for term in terms)
        return [row for (row,) in self._database.execute(_FIND, (query,))]


def _indexed(sections: Sequence[HelpSection]) -> "Connection":
    # SQLite takes 2 MB, and only a shop with knowledge needs it.
    from sqlite3 import connect  # noqa: PLC0415

    # Every thread may search: nothing is written any more.
    database = connect(":memory:", check_same_thread=False)
    database.execute(_CREATE.format(tokens=_TOKENS))
    database.executemany(
        "INSERT INTO help(rowid, heading, text) VALUES (?, ?, ?)",
        [(row, each.heading, each.text) for row, each in enumerate(sections)],
    )
    return database


def _terms(asked: str, topics: Collection[str]) -> Iterator[list[str]]:
    """Yield what to look for: a topic, or a word of the question that belongs to none."""
    for topic in sorted(topics):
        yield [topic, *_ALSO.get(topic, ())]
    words = dict.fromkeys(_WORD.findall(asked))
    telling = [
        word for word in words if word not in stopwords() | _COMMON_WORDS and not topics_in(word)
    ]
    for word in telling[:_MOST_WORDS]:
        yield [word]


def plain_text(markdown: str) -> str:
    """Return a text in one paragraph, without the marks of Markdown."""
    parts: list[str] = []
    whole = True
    for line in markdown.split("\n"):
        text = line.strip().lstrip("#>").strip()
        if not text or _FENCE.match(line) or _RULE.fullmatch(line):
            whole = True
            continue
        listed = _ITEM.match(text)
        row = text.startswith("|")
        if listed:
            text = text[listed.end() :]
        elif row:
            text = ", ".join(cell.strip() for cell in text.strip("|").split("|"))
        titled = line.lstrip().startswith("#")
        if parts and (whole or listed or row or titled) and not parts[-1].endswith(_ENDED):
            parts[-1] += "."
        parts.append(text)
        whole = row or titled
    plain = _LINK.sub(_link, " ".join(parts))
    return " ".join(_EMPHASIS.sub(r"\2", plain).split())


def _link(found: re.Match[str]) -> str:
    text, address = found[1], found[2].removeprefix("mailto:")
    return text if not address or address in text else f"{text} ({address})"
