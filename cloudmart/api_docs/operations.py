"""Every operation of the API, and which ones are nearest to a wrong address."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property
from html import escape
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse
from starlette.exceptions import HTTPException

from cloudmart.api_docs.document import Operation, operations
from cloudmart.http.dependencies import accept_quality
from cloudmart.http.problem import DOCS, ProblemDetails, problem_response, quoted_path

_MOST_NEAREST = 3
_ALIKE = 0.6
_WORD = re.compile(r"[a-z]{3,}")
_LONGEST = 200

_CSP = (
    "default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Not found: CloudMart API</title>
<link rel="icon" href="data:,">
</head>
<body>
<h1>Not found</h1>
<p>{sentence}</p>
{guess}
<p><a href="/api/docs">All operations, in Swagger UI</a></p>
</body>
</html>
"""


@dataclass(frozen=True, slots=True)
class OperationEntry:
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


class OperationList:
    """The operations of a document, read when they are first asked for."""

    def __init__(self, document: Callable[[], Mapping[str, Any]]) -> None:
        self._document = document

    @cached_property
    def entries(self) -> list[OperationEntry]:
        """Return every operation, in the document's order."""
        return [_entry(*operation) for operation in operations(self._document())]

    def methods(self, path: str) -> list[str]:
        """Return the methods a path answers."""
        # A path that is spelt out is not an id of the one beside it: /api/orders/user.
        named = [entry.method for entry in self.entries if entry.path == path]
        return named or [entry.method for entry in self.entries if entry.pattern.fullmatch(path)]

    def nearest(self, method: str, path: str) -> list[OperationEntry]:
        """Return the operations someone who asked for this may have meant, the likeliest first."""
        path = path[:_LONGEST]
        scored = [(_likeness(entry, method, path), entry) for entry in self.entries]
        likely = [pair for pair in scored if pair[0] > _ALIKE]
        likely.sort(key=lambda pair: pair[0], reverse=True)
        return [entry for _, entry in likely[:_MOST_NEAREST]]


def docs_link(operation: Operation) -> str:
    """Return where Swagger UI shows an operation."""
    return f"{DOCS}#/{operation['tags'][0]}/{operation['operationId']}"


def _entry(method: str, path: str, operation: Operation) -> OperationEntry:
    told = " ".join([path, operation["summary"], operation.get("description", "")])
    return OperationEntry(
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


def _likeness(entry: OperationEntry, method: str, path: str) -> float:
    # Words in an operation's documentation count more than letters: /ai/azure is about sentiment.
    asked = _words(path)
    told = len(asked & entry.words) / len(asked) if asked else 0
    letters = 1.0 if entry.pattern.fullmatch(path) else _ratio(entry.path, path)
    return letters + told / 2 + (0.1 if entry.method == method else 0)


def _words(text: str) -> frozenset[str]:
    return frozenset(word.rstrip("s") for word in _WORD.findall(text.lower()) if word != "api")


def _ratio(known: str, asked: str) -> float:
    # A word that all paths have does not distinguish them.
    ours, theirs = (text.lower().removeprefix("/api") for text in (known, asked))
    return SequenceMatcher(None, ours, theirs).ratio()


def install_not_found(app: FastAPI, operation_list: OperationList) -> None:
    """Answer 404 and 405 of an app as problems that name the nearest operations."""

    async def not_found(request: Request, _: Exception) -> Response:
        nearest = operation_list.nearest(request.method, request.scope["path"])
        sentence = f"There is no {request.method} {quoted_path(request.scope)!r}."
        if _is_for_a_person(request):
            return not_found_page(sentence, nearest)
        told = f"{sentence}{_guess(nearest)}"
        return problem_response(request.scope, 404, told, _more(nearest))

    async def not_allowed(request: Request, error: Exception) -> Response:
        path = request.scope["path"]
        methods = operation_list.methods(path)
        if not methods and isinstance(error, HTTPException):
            methods = [(error.headers or {}).get("Allow", "GET")]
        nearest = operation_list.nearest(request.method, path)
        sentence = (
            f"{quoted_path(request.scope)!r} does not take {request.method}.{_guess(nearest)}"
        )
        # What answers GET answers HEAD.
        allow = {"Allow": ", ".join(["HEAD"] * ("GET" in methods) + methods)}
        return problem_response(request.scope, 405, sentence, _more(nearest), allow)

    app.add_exception_handler(404, not_found)
    app.add_exception_handler(405, not_allowed)


def not_found_page(sentence: str, nearest: Sequence[OperationEntry]) -> Response:
    """Return the answer to a wrong address for a person with a browser."""
    guess = ""
    if nearest:
        entry = nearest[0]
        guess = (
            f'<p>Did you mean <a href="{escape(entry.docs)}">{entry.method} {entry.path}</a>?</p>'
        )
    content = _PAGE.format(sentence=escape(sentence), guess=guess)
    return HTMLResponse(content, 404, {"Content-Security-Policy": _CSP, "Vary": "Accept"})


def _is_for_a_person(request: Request) -> bool:
    accept = request.headers.get("accept", "")
    wanted = accept_quality(accept, "text/html")
    others = ("application/json", "application/problem+json", "application/*")
    return request.method in {"GET", "HEAD"} and wanted > max(
        accept_quality(accept, each) for each in others
    )


def _guess(nearest: Sequence[OperationEntry]) -> str:
    if not nearest:
        return " GET /api lists all operations."
    return f" Did you mean {nearest[0].method} {nearest[0].path}?"


def _more(nearest: Sequence[OperationEntry]) -> ProblemDetails:
    listed = [entry.listed() for entry in nearest]
    return ProblemDetails(details={"nearest": listed} if nearest else None)
