"""What a request may have of the process: a slot to be worked on, and room for its body."""

from starlette.types import ASGIApp, Receive, Scope, Send

from cloudmart.http.bodies import Bodies
from cloudmart.http.concurrency import ConcurrencyLimit, Slot
from cloudmart.rates.classes import RouteClass, class_of


class Admission:
    """Hands each request its slot and its room; the route takes them when it needs them.

    Chats have slots of their own: they wait for a provider most of their time. Probes and
    documentation need none.
    """

    def __init__(
        self, app: ASGIApp, *, requests: int, chats: int, bodies: Bodies | None = None
    ) -> None:
        self.app = app
        self._requests = ConcurrencyLimit("requests", requests)
        self._chats = ConcurrencyLimit("chats", chats)
        self._bodies = bodies or Bodies()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, and take back its slot in the end."""
        limit = self._limit(scope)
        if limit is None:
            await self.app(scope, receive, send)
            return
        slot = Slot(limit)
        scope["state"] |= {"slot": slot, "bodies": self._bodies}
        try:
            await self.app(scope, receive, send)
        finally:
            slot.give_back()

    def _limit(self, scope: Scope) -> ConcurrencyLimit | None:
        if scope["type"] != "http":
            return None
        kind = class_of(scope["method"], scope["path"])
        if kind is RouteClass.FREE:
            return None
        return self._chats if kind is RouteClass.CHAT else self._requests
