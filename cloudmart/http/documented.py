"""Problems as the API's document describes them."""

from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, Field

from cloudmart.errors import CloudmartError
from cloudmart.http.problem import CODES, MEDIA_TYPE, TYPES, title

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
    details: Any = Field(None, description="Facts for a program, where there are more to say.")
    docs: str = Field("", description="Where the operation is documented, if it was misused.")
    errors: list[FaultDescription] = Field([], description="What is wrong in the request.")


def may_fail(*errors: type[CloudmartError]) -> Answers:
    """Return the `responses` of an endpoint that may raise some errors."""
    answers: Answers = {}
    for error in errors:
        add(answers, error.status, error.code, str(error.__doc__), error.example)
    return answers


def may_refuse(*statuses: int) -> Answers:
    """Return the `responses` of an endpoint for which the framework may refuse a request."""
    answers: Answers = {}
    for status in statuses:
        code, explanation, sentence = CODES[status]
        add(answers, status, code, explanation, sentence)
    return answers


def add(answers: Answers, status: int, code: str, explanation: str, sentence: str) -> None:
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
            "title": title(code),
            "status": int(status),
            "detail": sentence,
            "instance": "/api/…",
            "requestId": "8f14e45fceea467a9c1f0e2b7d3a5c61",
            "error": sentence,
        },
    }
