"""What each route counts as: its router says so, and a route that differs says so itself."""

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType
from typing import Any, TypeVar

from fastapi import APIRouter
from fastapi.routing import RouteContext, iter_route_contexts
from starlette.routing import BaseRoute, Mount, Route

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class RouteClass(StrEnum):
    """Requests that are counted together, each class by itself."""

    FREE = "free"
    """Not counted: a question about the service's health must always be answered."""
    READ = "read"
    WRITE = "write"
    CHAT = "chat"
    """What a provider of AI is paid for."""
    EMAIL = "email"
    """What finds a customer's orders by an address that anybody may know."""


def _class_of_method(method: str) -> RouteClass:
    return RouteClass.READ if method in _SAFE else RouteClass.WRITE


class ClassifiedRouter(APIRouter):
    """A router whose routes count as it says.

    Args:
        counts_as: The class of its routes. Without one, a route that reads is READ, and one that
            changes something is WRITE.
        options: FastAPI's own.
    """

    def __init__(
        self,
        *,
        counts_as: RouteClass | None = None,
        **options: Any,  # noqa: ANN401 - FastAPI's
    ) -> None:
        super().__init__(generate_unique_id_function=lambda route: route.name, **options)
        self._class = counts_as
        self._exceptions: dict[Callable[..., Any], RouteClass] = {}

    def counts_as(self, kind: RouteClass) -> Callable[[Endpoint], Endpoint]:
        """Return the decorator of an endpoint whose route has another class than its router."""

        def mark(endpoint: Endpoint) -> Endpoint:
            self._exceptions[endpoint] = kind
            return endpoint

        return mark

    def classes(self) -> Iterator[tuple[str, RouteClass]]:
        """Yield method and path of each route, and its class."""
        for route in self.routes:
            if isinstance(route, Route):
                told = self._exceptions.get(inspect.unwrap(route.endpoint), self._class)
                for method in sorted((route.methods or set()) - {"HEAD"}):
                    yield f"{method} {route.path}", told or _class_of_method(method)


class RouteClasses:
    """The class of every request, known before its route is looked for.

    Args:
        table: The classes by method and path.
    """

    def __init__(self, table: Mapping[str, RouteClass]) -> None:
        self.table = MappingProxyType(dict(table))
        self._patterns = {_pattern(entry): kind for entry, kind in table.items()}

    @classmethod
    def of_routers(cls, routers: Iterable[ClassifiedRouter]) -> "RouteClasses":
        """Return the classes of all routes of some routers."""
        return cls({entry: kind for router in routers for entry, kind in router.classes()})

    def of(self, method: str, path: str) -> RouteClass:
        """Return what a request counts as; what no route answers counts as what it would do."""
        # The framework's routes match a path with a line break at its end.
        path = path.removesuffix("\n")
        asked = f"{'GET' if method == 'HEAD' else method} {path}"
        kind = self._patterns.get(asked) or self._patterns.get(f"{asked.rpartition('/')[0]}/{{}}")
        return kind or _class_of_method(method)

    def check(self, routes: Sequence[BaseRoute]) -> None:
        """Raise LookupError for a route without a class."""
        for entry, _ in route_entries(routes):
            if entry not in self.table:
                raise LookupError(
                    f"{entry} has no class for the rate limits: its router must be a "
                    "ClassifiedRouter, and one "
                    "of those that cloudmart/app.py includes without a prefix"
                )


def _pattern(entry: str) -> str:
    head, slash, last = entry.rpartition("/")
    return f"{head}/{{}}" if slash and last.startswith("{") else entry


def route_entries(routes: Sequence[BaseRoute]) -> Iterator[tuple[str, RouteContext]]:
    """Yield each method and path that is answered, and the route that answers it."""
    for each in iter_route_contexts(routes):
        mounted = isinstance(each.original_route, Mount)
        methods = {"GET"} if mounted else set(each.methods or {"ANY"}) - {"HEAD"}
        for method in sorted(methods):
            yield f"{method} {each.path}", each
