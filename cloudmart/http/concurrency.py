"""How many requests are worked on at once: a few more wait a moment, the rest are refused early."""

import asyncio

from starlette.types import Scope

from cloudmart.errors import OverloadedError
from cloudmart.observability.metrics import OVERLOADED, WORKED_ON

PATIENCE = 1.0
"""Seconds a request waits for others to end before it is refused."""


class ConcurrencyLimit:
    """A number of slots, and a queue of as many waiting requests, in the order they came."""

    def __init__(self, name: str, most: int, patience: float = PATIENCE) -> None:
        self._most = most
        self._patience = patience
        self._free = asyncio.Semaphore(most)
        self.working = 0
        """Requests that hold a slot."""
        self._waiting = 0
        self._refused = OVERLOADED.labels(name)
        WORKED_ON.labels(name).set_function(lambda: self.working)

    async def acquire(self) -> None:
        """Return once there is a slot, or raise OverloadedError if there is none soon."""
        if self._free.locked():
            await self._wait()
        else:
            await self._free.acquire()
        self.working += 1

    async def acquire_again(self) -> None:
        """Return once there is a slot: what has been begun is not refused."""
        await self._free.acquire()
        self.working += 1

    def release(self) -> None:
        """Make room for the next."""
        self.working -= 1
        self._free.release()

    async def _wait(self) -> None:
        if self._waiting >= self._most:
            self._refused.inc()
            raise OverloadedError
        self._waiting += 1
        try:
            async with asyncio.timeout(self._patience):
                await self._free.acquire()
        except TimeoutError:
            self._refused.inc()
            raise OverloadedError from None
        finally:
            self._waiting -= 1


class Slot:
    """One request's slot. A request holds none while it waits for its client."""

    __slots__ = ("_held", "_limit")

    def __init__(self, limit: ConcurrencyLimit) -> None:
        self._limit = limit
        self._held = False

    async def take(self) -> None:
        """Return once the request may be worked on, or raise OverloadedError."""
        await self._limit.acquire()
        self._held = True

    async def take_again(self) -> None:
        """Return once the request may be worked on further."""
        await self._limit.acquire_again()
        self._held = True

    def give_back(self) -> None:
        """Let another request have the slot."""
        if self._held:
            self._held = False
            self._limit.release()


def slot_of(scope: Scope) -> Slot:
    """Return the slot that `cloudmart.composition.middleware` keeps for a request."""
    slot: Slot = scope["state"]["slot"]
    return slot
