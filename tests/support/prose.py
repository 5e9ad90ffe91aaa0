"""The sentences of a Markdown page, without code, tables and the targets of links."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_FENCE = re.compile(r"^ *(```|~~~).*?^ *\1 *$", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_CODE = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)", re.DOTALL)
_LINK = re.compile(r"!?\[([^\]]*)\](?:\([^)]*\)|\[[^\]]*\])")
_AUTOLINK = re.compile(r"<https?://[^>]*>")
_TABLE = re.compile(r"^ *\|.*$", re.MULTILINE)
# A heading, an entry of a list and a quotation begin a sentence, and so does the text after them.
_BEGINS = re.compile(r"^ *(?:#+ |[*+-] |\d+[.)] |> )")
_END = re.compile(r"(?<=[.!?])[*_)\"”]*\s+(?=[^a-z])")
_WORD = re.compile(r"[^\W_]")


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of a page, and the line on which its paragraph begins."""

    line: int
    text: str

    @property
    def words(self) -> int:
        """The number of words; code in backticks counts as one."""
        return sum(1 for word in self.text.split() if _WORD.search(word))


def sentences(page: str) -> Iterator[Sentence]:
    """Yield the sentences of a page in order."""
    for line, paragraph in _paragraphs(_prose(page)):
        for text in _END.split(paragraph):
            if _WORD.search(text):
                yield Sentence(line, text)


def without_code(page: str) -> str:
    """Return a page without code and comments, with the same number of lines."""
    for what in (_FENCE, _COMMENT):
        page = what.sub(_blank, page)
    return _CODE.sub(lambda found: "CODE" + _blank(found), page)


def _prose(page: str) -> str:
    page = _AUTOLINK.sub("LINK", _TABLE.sub("", without_code(page)))
    return _LINK.sub(lambda found: found[1] + _blank(found, found[1]), page)


def _blank(found: re.Match[str], kept: str = "") -> str:
    """Return the line breaks of a removed text."""
    return "\n" * (found[0].count("\n") - kept.count("\n"))


def _paragraphs(prose: str) -> Iterator[tuple[int, str]]:
    first, lines = 1, list[str]()
    for number, line in enumerate([*prose.splitlines(), ""], start=1):
        begins = _BEGINS.match(line)
        if begins or not line.strip():
            if lines:
                yield first, " ".join(lines)
            first, lines = number, []
        if line.strip():
            first = first if lines else number
            lines.append(_BEGINS.sub("", line).strip())
        if line.lstrip().startswith("#"):
            yield number, " ".join(lines)
            lines = []
