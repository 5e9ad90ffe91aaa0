"""Routes that check the caller's right, and the rule that every route has one."""

from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from cloudmart.access.authentication import Authentication
from cloudmart.access.rights import RIGHTS, Right
from cloudmart.http.json_route import JsonRoute
from cloudmart.rates.route_class import route_entries

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class GuardedRoute(JsonRoute):
    """A route that checks the caller's right before it looks at the rest of the request.

    A route that is open to anyone has no gate, and no cost.
    """

    def get_route_handler(self) -> Handler:
        """Return the handler behind its gate."""
        handler = super().get_route_handler()
        right = right_of(self)
        if right is Right.ANYONE:
            return handler

        async def guarded(request: Request) -> Response:
            gate: Authentication = request.state.services[Authentication]
            request.state.caller = await gate.admit(request.scope, right)
            return await handler(request)

        return guarded


def right_of(route: APIRoute) -> Right:
    """Return who may call a route: administrators alone while no entry says otherwise."""
    rights = {RIGHTS.get(f"{method} {route.path}", Right.ADMIN) for method in route.methods or ()}
    return rights.pop() if len(rights) == 1 else Right.ADMIN


def check_rights(routes: Sequence[BaseRoute]) -> None:
    """Raise LookupError for a route without a right, or with one that nothing enforces."""
    for entry, guarded in guarded_entries(routes):
        right = RIGHTS.get(entry)
        if right is None:
            raise LookupError(f"who may call {entry}? cloudmart/access/rights.py does not say")
        if right is not Right.ANYONE and not guarded:
            raise LookupError(f"{entry} is for {right}: its router needs route_class=GuardedRoute")


def guarded_entries(routes: Sequence[BaseRoute]) -> Iterator[tuple[str, bool]]:
    """Yield each method and path that is answered, and whether a gate stands before it."""
    for entry, each in route_entries(routes):
        route = each.original_route
        # A router included below a prefix would be guarded by its path without the prefix.
        yield entry, isinstance(route, GuardedRoute) and route.path == each.path
