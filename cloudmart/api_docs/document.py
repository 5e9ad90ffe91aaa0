"""The OpenAPI document: what FastAPI knows, and the answers that all operations share."""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from fastapi import FastAPI

from cloudmart.access.rights import RIGHTS, Right
from cloudmart.errors import (
    ForbiddenError,
    OverloadedError,
    ReservedAddressError,
    SlowBodyError,
    TooManyAttemptsError,
    TooManyRequestsError,
    UnauthorizedError,
    UnavailableError,
)
from cloudmart.http.middleware import REQUEST_ID
from cloudmart.http.problem import MEDIA_TYPE, Answers, Problem, may_fail, may_refuse
from cloudmart.rates.limiting import LIMIT, REMAINING, RESET
from cloudmart.rates.route_class import RouteClass, RouteClasses
from cloudmart.settings import AccessSettings, SignInMethod

_SCHEMES: Mapping[SignInMethod, tuple[str, dict[str, str]]] = {
    SignInMethod.BASIC: (
        "password",
        {
            "type": "http",
            "scheme": "basic",
            "description": "An administrator's name and password.",
        },
    ),
    SignInMethod.JWT: (
        "token",
        {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "A token of the shop's issuer: of an administrator's group or scope, or "
            "of a customer whose e-mail address is verified.",
        },
    ),
}

METHODS = ("get", "put", "post", "delete")
_HEADERS: dict[str, dict[str, Any]] = {
    REQUEST_ID: {
        "description": "The request's id: yours if you sent a good one, else a fresh one.",
        "schema": {"type": "string"},
    },
    "Location": {
        "description": "Where the new item is.",
        "schema": {"type": "string", "format": "uri-reference"},
    },
    "ETag": {
        "description": "Names its present state, for `If-Match` (a strong validator, RFC 9110, "
        "8.8.3).",
        "schema": {"type": "string"},
    },
    "Link": {
        "description": 'The next page, as `<…>; rel="next"` (RFC 8288); absent on the last.',
        "schema": {"type": "string"},
    },
    "WWW-Authenticate": {
        "description": "How to prove who you are, one line for each method (RFC 9110, 11.6.1).",
        "schema": {"type": "string"},
    },
    "Retry-After": {
        "description": "Seconds after which trying again makes sense.",
        "schema": {"type": "integer", "minimum": 0},
    },
    LIMIT: {
        "description": (
            "Requests of this kind that a client may make a minute; without a limit this header "
            "and the next two are absent."
        ),
        "schema": {"type": "integer", "minimum": 1},
    },
    REMAINING: {
        "description": "How many of them are left.",
        "schema": {"type": "integer", "minimum": 0},
    },
    RESET: {
        "description": "Seconds until there is room for at least one more.",
        "schema": {"type": "integer", "minimum": 0},
    },
}
_VERSIONED = ("Order", "Ticket")
"""What is answered with an `ETag`, one at a time."""


def security_schemes(access: AccessSettings) -> dict[str, dict[str, str]]:
    """Return the security schemes that are in use."""
    return dict(_SCHEMES[way] for way in access.ways)


def security_of(access: AccessSettings, method: str, path: str) -> list[dict[str, list[str]]]:
    """Return what an operation asks of its callers: one of these, or nothing."""
    right = RIGHTS[f"{method} {path}"]
    if right in {Right.ANYONE, Right.READER, Right.TESTER}:
        return []
    if right is Right.CUSTOMER and not access.signed_in:
        return []
    if right is Right.GUEST:
        # Nothing is a choice as well.
        return [{}, {_SCHEMES[SignInMethod.JWT][0]: []}] if SignInMethod.JWT in access.ways else []
    return [{_SCHEMES[way][0]: []} for way in access.ways]


def access_refusals(access: AccessSettings, method: str, path: str) -> Answers:
    """Return the answers of an operation to callers without the right, or whose proof fails."""
    right = RIGHTS[f"{method} {path}"]
    if right is Right.TESTER and access.ways:
        return may_fail(ReservedAddressError)
    if not security_of(access, method, path):
        return {}
    if right is Right.GUEST:
        return may_fail(UnauthorizedError, UnavailableError)
    # A password is always an administrator's: only a token can be of somebody else.
    forbidden = [ForbiddenError] if SignInMethod.JWT in access.ways else []
    guessed = [TooManyAttemptsError] if SignInMethod.BASIC in access.ways else []
    return may_fail(UnauthorizedError, *forbidden, *guessed, UnavailableError)


Operation = dict[str, Any]


class DocumentedApp(FastAPI):
    """A FastAPI whose document has every answer that an operation can give."""

    access = AccessSettings()
    """The settings of access, which are part of the document."""
    classes = RouteClasses({})
    """The class of each route: one without a limit has no answer 429."""

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document; it is made once."""
        if not self.openapi_schema:
            self.openapi_schema = _completed(super().openapi(), self.access, self.classes)
        return self.openapi_schema

    @cached_property
    def document_bytes(self) -> bytes:
        """Return the document as it is served."""
        return json.dumps(self.openapi()).encode()


def operations(document: Mapping[str, Any]) -> Iterator[tuple[str, str, Operation]]:
    """Yield method, path and operation of everything a document describes."""
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield method.upper(), path, item[method]


def _completed(
    document: dict[str, Any], access: AccessSettings, classes: RouteClasses
) -> dict[str, Any]:
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    # The framework's own form of a 422, which we never send.
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= problem.pop("$defs") | {"Problem": problem}
    components["headers"] = _HEADERS
    document["security"] = []
    if in_use := security_schemes(access):
        components["securitySchemes"] = in_use
    for method, path, operation in operations(document):
        limited = classes.table[f"{method} {path}"] is not RouteClass.FREE
        _add_refusals(operation, limited=limited)
        _add_protection(operation, access, method, path)
        _add_links(document["paths"], path, operation)
        for status, answer in operation["responses"].items():
            answer["headers"] = {
                name: {"$ref": f"#/components/headers/{name}"}
                for name in _headers(operation, status, limited=limited)
            }
    return document


def _add_refusals(operation: Operation, *, limited: bool) -> None:
    answers = operation["responses"]
    if MEDIA_TYPE not in answers.get("422", {}).get("content", {}):
        answers.pop("422", None)
    body = "requestBody" in operation
    more = may_refuse(
        *((400, 413, 415) if body else ()),
        # Only what a client fills in can make a request's first line too long.
        *((414, 422) if operation.get("parameters") else (422,) if body else ()),
        500,
    )
    if limited:
        more |= may_fail(TooManyRequestsError, OverloadedError)
    if body:
        more |= may_fail(SlowBodyError)
    _add_answers(operation, more)


def _add_protection(operation: Operation, access: AccessSettings, method: str, path: str) -> None:
    if asked := security_of(access, method, path):
        operation["security"] = asked
    _add_answers(operation, access_refusals(access, method, path))


def _add_answers(operation: Operation, more: Answers) -> None:
    answers = operation["responses"]
    for status, refusal in more.items():
        answer = answers.setdefault(str(status), refusal)
        answer["content"][MEDIA_TYPE]["examples"] |= refusal["content"][MEDIA_TYPE]["examples"]
    operation["responses"] = dict(sorted(answers.items()))


def _add_links(paths: Mapping[str, Any], path: str, operation: Operation) -> None:
    created = operation["responses"].get("201")
    below = [known for known in paths if re.fullmatch(re.escape(path) + r"/\{\w+\}", known)]
    if created is None or not below:
        return
    parameter = below[0].rpartition("{")[2].rstrip("}")
    created["links"] = {
        item["operationId"]: {
            "operationId": item["operationId"],
            "parameters": {parameter: "$response.body#/id"},
        }
        for method, item in paths[below[0]].items()
        if method in METHODS
    }


def _is_versioned(answer: Mapping[str, Any]) -> bool:
    schema = answer.get("content", {}).get("application/json", {}).get("schema", {})
    return schema.get("$ref", "").rpartition("/")[2] in _VERSIONED


def _headers(operation: Operation, status: str, *, limited: bool) -> Iterator[str]:
    yield REQUEST_ID
    if status == "201":
        yield "Location"
    if _is_versioned(operation["responses"][status]):
        yield "ETag"
    if status == "200" and any(one["name"] == "limit" for one in operation.get("parameters", ())):
        yield "Link"
    if status in {"429", "503"}:
        yield "Retry-After"
    if status == "401":
        yield "WWW-Authenticate"
    if limited:
        yield from (LIMIT, REMAINING, RESET)
