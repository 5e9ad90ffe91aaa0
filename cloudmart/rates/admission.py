"""How much is answered at once: a few more wait a moment, the rest are sent away early."""

import asyncio

from starlette.types import ASGIApp, Receive, Scope, Send

from cloudmart.errors import OverloadedError
from cloudmart.http.problem import expected
from cloudmart.observability.metrics import OVERLOADED, WORKED_ON
from cloudmart.rates.classes import RouteClass, class_of

PATIENCE = 1.0
"""Seconds a request waits for others to end before it is sent away."""


class Lane:
    """So many at once, and as many again who wait for them, in the order they came."""

    def __init__(self, name: str, most: int, patience: float = PATIENCE) -> None:
        self._most = most
        self._patience = patience
        self._slots = asyncio.Semaphore(most)
        self._within = 0
        self._waiting = 0
        self._refused = OVERLOADED.labels(name)
        WORKED_ON.labels(name).set_function(lambda: self._within)

    async def enter(self) -> None:
        """Return once there is room, or raise OverloadedError if there is none soon."""
        if self._slots.locked():
            await self._wait()
        else:
            await self._slots.acquire()
        self._within += 1

    def leave(self) -> None:
        """Make room for the next."""
        self._within -= 1
        self._slots.release()

    async def _wait(self) -> None:
        if self._waiting >= self._most:
            self._refused.inc()
            raise OverloadedError
        self._waiting += 1
        try:
            async with asyncio.timeout(self._patience):
                await self._slots.acquire()
        except TimeoutError:
            self._refused.inc()
            raise OverloadedError from None
        finally:
            self._waiting -= 1


class Admission:
    """Lets in as much as can be done at once.

    Chats have a lane of their own: they wait for a provider most of their time. Probes and
    documentation have none.
    """

    def __init__(self, app: ASGIApp, *, requests: int, chats: int) -> None:
        self.app = app
        self._requests = Lane("requests", requests)
        self._chats = Lane("chats", chats)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or say that there are too many."""
        lane = self._lane(scope)
        if lane is None:
            await self.app(scope, receive, send)
            return
        try:
            await lane.enter()
        except OverloadedError as error:
            await expected(scope, error)(scope, receive, send)
            return
        try:
            await self.app(scope, receive, send)
        finally:
            lane.leave()

    def _lane(self, scope: Scope) -> Lane | None:
        if scope["type"] != "http":
            return None
        kind = class_of(scope["method"], scope["path"])
        if kind is RouteClass.FREE:
            return None
        return self._chats if kind is RouteClass.CHAT else self._requests
