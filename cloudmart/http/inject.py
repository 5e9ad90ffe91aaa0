"""Hand an endpoint the service it asks for by type."""

from collections.abc import Awaitable, Callable
from typing import Any, TypedDict, TypeVar

from fastapi import Request

T = TypeVar("T")


class State(TypedDict):
    """What the lifespan shares with every request: the services, by their type."""

    services: dict[type[Any], Any]


def provide(kind: type[T]) -> Callable[[Request], Awaitable[T]]:
    """Return the dependency that answers the process's one service of a type."""

    async def provided(request: Request) -> T:
        service: T = request.state.services[kind]
        return service

    return provided
