"""What there is: every operation, and which are nearest to an address that is none."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property
from typing import Any

from cloudmart.explorer.document import Operation, operations
from cloudmart.http.problem import DOCS

_MOST_NEAREST = 3
_ALIKE = 0.6
_WORD = re.compile(r"[a-z]{3,}")
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Entry:
    """An operation: how to ask for it, what to send, where to read on."""

    method: str
    path: str
    summary: str
    body: Any
    docs: str
    words: frozenset[str]
    pattern: re.Pattern[str]

    def listed(self) -> dict[str, Any]:
        """Return what a list of operations says of this one."""
        entry = {"method": self.method, "path": self.path, "summary": self.summary}
        return entry | ({"body": self.body} if self.body is not None else {}) | {"docs": self.docs}


class Directory:
    """The operations of a document, read when they are first asked for."""

    def __init__(self, document: Callable[[], Mapping[str, Any]]) -> None:
        self._document = document

    @cached_property
    def entries(self) -> list[Entry]:
        """Return every operation, in the document's order."""
        return [_entry(*operation) for operation in operations(self._document())]

    def methods(self, path: str) -> list[str]:
        """Return the methods a path answers."""
        # A path that is spelt out is not an id of the one beside it: /api/orders/user.
        named = [entry.method for entry in self.entries if entry.path == path]
        return named or [entry.method for entry in self.entries if entry.pattern.fullmatch(path)]

    def nearest(self, method: str, path: str) -> list[Entry]:
        """Return the operations someone who asked for this may have meant, the likeliest first."""
        path = path[:_LONGEST]
        scored = [(_likeness(entry, method, path), entry) for entry in self.entries]
        likely = [pair for pair in scored if pair[0] > _ALIKE]
        likely.sort(key=lambda pair: pair[0], reverse=True)
        return [entry for _, entry in likely[:_MOST_NEAREST]]


def docs_link(operation: Operation) -> str:
    """Return where Swagger UI shows an operation."""
    return f"{DOCS}#/{operation['tags'][0]}/{operation['operationId']}"


def _entry(method: str, path: str, operation: Operation) -> Entry:
    told = " ".join([path, operation["summary"], operation.get("description", "")])
    return Entry(
        method=method,
        path=path,
        summary=operation["summary"],
        body=_sample(operation),
        docs=docs_link(operation),
        words=_words(told),
        pattern=re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path))),
    )


def _sample(operation: Operation) -> Any:  # noqa: ANN401 - any JSON
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    return next((one["value"] for one in content.get("examples", {}).values()), None)


def _likeness(entry: Entry, method: str, path: str) -> float:
    # Words that an operation tells of itself say more than letters: /ai/azure is about sentiment.
    asked = _words(path)
    told = len(asked & entry.words) / len(asked) if asked else 0
    letters = 1.0 if entry.pattern.fullmatch(path) else _ratio(entry.path, path)
    return letters + told / 2 + (0.1 if entry.method == method else 0)


def _words(text: str) -> frozenset[str]:
    return frozenset(word.rstrip("s") for word in _WORD.findall(text.lower()) if word != "api")


def _ratio(known: str, asked: str) -> float:
    # What all paths share says nothing.
    ours, theirs = (text.lower().removeprefix("/api") for text in (known, asked))
    return SequenceMatcher(None, ours, theirs).ratio()
