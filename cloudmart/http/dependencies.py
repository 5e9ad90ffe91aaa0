"""Hand an endpoint the service it asks for by type."""

import inspect
import re
from collections.abc import Callable
from functools import wraps
from typing import Any, Generic, TypedDict, TypeVar, get_args
from urllib.parse import parse_qsl

from fastapi import Path, Request
from fastapi.params import Depends
from pydantic import Field

from cloudmart.values.model import Model
from cloudmart.values.text import NO_NUL

T = TypeVar("T")

_WEIGHT = re.compile(r"q=(0(\.[0-9]{0,3})?|1(\.0{0,3})?)")
_MOST_NAMES = 32
_MOST_PARAMETERS = 8
"""A header may be longer, but no client needs more."""


class AppState(TypedDict):
    """What the lifespan shares with every request: the services, by their type."""

    services: dict[type[Any], Any]


class FromRequest(Generic[T]):
    """A dependency that only looks at its request.

    A `JsonRoute` calls `read` itself. FastAPI's way to such a value costs 15 µs: for each
    dependency it looks for parameters in path, query, headers and cookies.
    """

    def __init__(self, read: Callable[[Request], T]) -> None:
        self.read = read

    async def __call__(self, request: Request) -> T:
        """Return the value: what FastAPI calls."""
        return self.read(request)


def provide(kind: type[T]) -> FromRequest[T]:
    """Return the dependency that answers the process's one service of a type."""

    def provided(request: Request) -> T:
        service: T = request.state.services[kind]
        return service

    return FromRequest(provided)


def read_directly(endpoint: Callable[..., Any]) -> Callable[..., Any]:
    """Return an endpoint that takes the request in place of what is only read from it."""
    signature = inspect.signature(endpoint)
    parameters = dict(signature.parameters)
    readers = {name: reader for name, each in parameters.items() if (reader := _reader(each))}
    if not readers:
        return endpoint
    takes = [name for name, each in parameters.items() if each.annotation is Request]
    given = takes[0] if takes else "_request"

    @wraps(endpoint)
    async def reading(**values: Any) -> Any:  # noqa: ANN401 - whatever the endpoint takes
        request = values[given] if takes else values.pop(given)
        for name, read in readers.items():
            values[name] = read(request)
        return await endpoint(**values)

    asked = [
        each.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for name, each in parameters.items()
        if name not in readers
    ]
    if not takes:
        asked.append(inspect.Parameter(given, inspect.Parameter.KEYWORD_ONLY, annotation=Request))
    # FastAPI reads it there.
    reading.__signature__ = signature.replace(parameters=asked)  # type: ignore[attr-defined]
    return reading


def _reader(parameter: inspect.Parameter) -> Callable[[Request], Any] | None:
    for each in get_args(parameter.annotation)[1:]:
        if isinstance(each, Depends) and isinstance(each.dependency, FromRequest):
            return each.dependency.read
    return None


def path_id(example: str) -> Any:  # noqa: ANN401 - FastAPI's own type of a parameter
    """Return an item's id in the path; the example is one of the sample data."""
    return Path(
        min_length=1,
        max_length=255,
        pattern=NO_NUL,
        description="The item's id.",
        openapi_examples={"sample": {"summary": "Of the sample data", "value": example}},
    )


def plus_query(request: Request, name: str) -> str:
    """Return a parameter of the query in which a `+` is a `+`.

    Forms mean a space by it, and so does FastAPI. A page that does not encode what it sends means
    the letter.
    """
    query = request.scope["query_string"].decode("latin-1").replace("+", "%2B")
    values = [value for key, value in parse_qsl(query, keep_blank_values=True) if key == name]
    return values[-1] if values else ""


class Message(Model):
    """One sentence."""

    message: str = Field(description="What was done.")


def accept_weights(accept: str) -> dict[str, float]:
    """Return the weights of the media types or codings that a header names; the first counts."""
    found: dict[str, float] = {}
    for part in accept.split(",", _MOST_NAMES)[:_MOST_NAMES]:
        named, *parameters = part.split(";", _MOST_PARAMETERS)
        told = (_WEIGHT.fullmatch(parameter.strip().lower()) for parameter in parameters)
        weight = next((float(weight[1]) for weight in told if weight), 1.0)
        found.setdefault(named.strip().lower(), weight)
    return found


def accept_quality(accept: str, name: str) -> float:
    """Return the weight of a media type or coding that a header names itself; 0 if it does not."""
    return accept_weights(accept).get(name, 0.0)
