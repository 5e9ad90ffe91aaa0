"""Errors as `application/problem+json` (RFC 9457), in one form from one place."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.types import Scope

from cloudmart.errors import CloudmartError, Fault, ForbiddenError, UnauthorizedError
from cloudmart.settings.validation import error_in_words

MEDIA_TYPE = "application/problem+json"
TYPES = "/api/problems"

DOCS = "/api/docs"
# The caller asked the right operation in the wrong way: where it is explained helps.
_MISUSED = {400, 415, 422}

CODES = {
    400: (
        "malformed-request",
        "The body is not JSON, or nested more than 64 deep; `detail` says which, and where.",
        "The body is not valid JSON (at character 12).",
    ),
    404: (
        "not-found",
        "No item has that id, or no route that path.",
        "There is no '/api/product' here.",
    ),
    405: (
        "method-not-allowed",
        "The path exists, the method does not; `Allow` names its methods.",
        "POST is not possible here.",
    ),
    413: (
        "content-too-large",
        "The body is larger than 1 MiB, or than 8 MiB where a chat is ended.",
        "The body is larger than 1 MiB.",
    ),
    414: (
        "address-too-long",
        "The first line of a request, its address above all, is longer than 8 KiB.",
        "The request's first line is longer than 8 KiB.",
    ),
    415: (
        "unsupported-media-type",
        "Bodies are JSON: send `Content-Type: application/json`.",
        "The body must be JSON: send the header `Content-Type: application/json`.",
    ),
    422: (
        "invalid-request",
        "The request has the right form but cannot be carried out.",
        "The request is not valid: /query/limit: is less than 1",
    ),
    500: (
        "internal-error",
        "A bug in the service. The log has it under the request id.",
        "Something went wrong on our side. The request id helps us find it.",
    ),
}
"""What the framework may refuse by itself: code, explanation and a sentence, by status."""

UNEXPECTED = CODES[500][2]

_LONGEST_PATH = 200

_UNREADABLE = "There was an error parsing the body"
"""What FastAPI says of a body that could not be decoded."""


def problem_title(code: str) -> str:
    """Return the kind of a problem in a few words."""
    return re.sub("^ai-", "assistant-", code).replace("-", " ").capitalize()


@dataclass(frozen=True, slots=True)
class ProblemDetails:
    """The rest of a problem: its code, any JSON details, and the places that are at fault."""

    code: str | None = None
    details: Any = None
    faults: Sequence[Fault] = ()


_NO_MORE = ProblemDetails()


def problem_response(
    scope: Scope,
    status: int,
    sentence: str,
    more: ProblemDetails = _NO_MORE,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return the answer with a problem document."""
    code, details, faults = more.code or _code(status), more.details, more.faults
    # For the log and the metrics: the answer's own bytes are not read again.
    scope.setdefault("state", {})["problem"] = code
    members: dict[str, Any] = {
        "type": f"{TYPES}/{code}",
        "title": problem_title(code),
        "status": status,
        "detail": sentence,
        "instance": quote(quoted_path(scope), errors="replace"),
        "requestId": scope.get("state", {}).get("request_id", ""),
        "error": sentence,
    }
    if faults:
        members["errors"] = [asdict(fault) for fault in faults]
        details = details or [_sentence(fault) for fault in faults]
    if details is not None:
        members["details"] = details
    if status in _MISUSED and (docs := _documentation(scope)):
        members["docs"] = docs
    # ASCII only: a path may hold what is no Unicode text.
    return Response(json.dumps(members), status, headers, MEDIA_TYPE)


def quoted_path(scope: Scope) -> str:
    """Return the path that was asked for, as far as an answer repeats it."""
    path: str = scope["path"]
    return path if len(path) <= _LONGEST_PATH else f"{path[:_LONGEST_PATH]}…"


def _documentation(scope: Scope) -> str | None:
    route = scope.get("route")
    return f"{DOCS}#/{route.tags[0]}/{route.name}" if isinstance(route, APIRoute) else None


def _code(status: int) -> str:
    if status in CODES:
        return CODES[status][0]
    return HTTPStatus(status).phrase.lower().replace(" ", "-").replace("'", "")


def failure_response(scope: Scope, error: CloudmartError) -> Response:
    """Return the answer for an expected failure."""
    wait = {"Retry-After": str(error.retry_after)} if error.retry_after is not None else None
    more = ProblemDetails(error.code, error.details, error.faults)
    answer = problem_response(scope, error.status, str(error), more, wait)
    if isinstance(error, UnauthorizedError | ForbiddenError):
        # A line each: browsers take one line for one challenge.
        for challenge in error.challenges:
            answer.headers.append("WWW-Authenticate", challenge)
    return answer


async def _expected(request: Request, error: Exception) -> Response:
    assert isinstance(error, CloudmartError)  # noqa: S101 - registered for no other
    return failure_response(request.scope, error)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for no other
    status = error.status_code
    sentence = error.detail
    if status == HTTPStatus.NOT_FOUND:
        sentence = f"There is no {quoted_path(request.scope)!r} here."
    elif status == HTTPStatus.METHOD_NOT_ALLOWED:
        sentence = f"{request.method} is not possible here."
    elif sentence == _UNREADABLE:
        sentence = "The body is not valid JSON."
    return problem_response(request.scope, status, sentence, headers=error.headers)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for no other
    found = error.errors()
    if any(fault["type"] == "json_invalid" for fault in found):
        position = found[0]["loc"][-1]
        return problem_response(
            request.scope, 400, f"The body is not valid JSON (at character {position})."
        )
    # The input is never echoed: it may be a secret, not a number, or no text at all.
    by_place = {_pointer(fault["loc"]): error_in_words(fault) for fault in reversed(found)}
    faults = [Fault(*fault) for fault in reversed(by_place.items())]
    sentence = f"The request is not valid: {_sentence(faults[0])}"
    return problem_response(request.scope, 422, sentence, ProblemDetails(faults=faults))


def _sentence(fault: Fault) -> str:
    return f"{fault.pointer}: {fault.message}" if fault.pointer else fault.message


def _pointer(location: Sequence[str | int]) -> str:
    # A parameter is its place and name; what pydantic adds is which of its types it tried.
    path = location[1:] if location[0] == "body" else location[:2]
    steps = [str(step).replace("~", "~0").replace("/", "~1") for step in path]
    return "".join(f"/{step}" for step in steps)


def install_problem_handlers(app: FastAPI) -> None:
    """Answer every expected failure as a problem."""
    app.add_exception_handler(CloudmartError, _expected)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)


Answers = dict[int | str, dict[str, Any]]


class FaultDescription(BaseModel):
    """One thing wrong with a request."""

    pointer: str = Field(
        description="Where: a JSON pointer (RFC 6901) into the body, or `/query/…`."
    )
    message: str = Field(description="What.")


class Problem(BaseModel):
    """An error (RFC 9457). `error` says the same as `detail`, for clients that read it."""

    type: str = Field(description="The kind of problem: a path that answers with an explanation.")
    title: str = Field(description="The kind in a few words.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="What went wrong, for a person.")
    instance: str = Field(description="The path that was asked for.")
    requestId: str = Field(description="Name it when you ask for help.")  # noqa: N815 - wire name
    error: str = Field(description="The same as `detail`.")
    details: Any = Field(None, description="More facts, for a program.")
    docs: str = Field("", description="Where the operation is documented, if it was misused.")
    errors: list[FaultDescription] = Field([], description="What is wrong in the request.")


def may_fail(*errors: type[CloudmartError]) -> Answers:
    """Return the `responses` of an endpoint that may raise some errors."""
    answers: Answers = {}
    for error in errors:
        add_problem_response(answers, error.status, error.code, str(error.__doc__), error.example)
    return answers


def may_refuse(*statuses: int) -> Answers:
    """Return the `responses` of an endpoint for which the framework may refuse a request."""
    answers: Answers = {}
    for status in statuses:
        code, explanation, sentence = CODES[status]
        add_problem_response(answers, status, code, explanation, sentence)
    return answers


def add_problem_response(
    answers: Answers, status: int, code: str, explanation: str, sentence: str
) -> None:
    """Add a problem to the answers an operation may give."""
    answer = answers.setdefault(
        int(status),
        {
            "description": HTTPStatus(status).phrase,
            "content": {
                MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": {}}
            },
        },
    )
    answer["content"][MEDIA_TYPE]["examples"][code] = {
        "summary": explanation,
        "value": {
            "type": f"{TYPES}/{code}",
            "title": problem_title(code),
            "status": int(status),
            "detail": sentence,
            "instance": "/api/…",
            "requestId": "8f14e45fceea467a9c1f0e2b7d3a5c61",
            "error": sentence,
        },
    }
