"""Hand an endpoint the service it asks for by type."""

import re
from collections.abc import Awaitable, Callable
from typing import Any, TypedDict, TypeVar
from urllib.parse import parse_qsl

from fastapi import Path, Request
from pydantic import Field

from cloudmart.values.model import Model
from cloudmart.values.text import NO_NUL

T = TypeVar("T")

_WEIGHT = re.compile(r"q=(0(\.[0-9]{0,3})?|1(\.0{0,3})?)")
_MOST_NAMES = 32
_MOST_PARAMETERS = 8
"""A header may be long; no client has more to say."""


class AppState(TypedDict):
    """What the lifespan shares with every request: the services, by their type."""

    services: dict[type[Any], Any]


def provide(kind: type[T]) -> Callable[[Request], Awaitable[T]]:
    """Return the dependency that answers the process's one service of a type."""

    async def provided(request: Request) -> T:
        service: T = request.state.services[kind]
        return service

    return provided


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
