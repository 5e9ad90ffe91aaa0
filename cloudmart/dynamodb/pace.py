"""A pace: so many turns a second, evenly."""

import asyncio


class Pace:
    """Hands out turns, one after the other, to however many tasks ask for them."""

    def __init__(self, rate: float) -> None:
        self._gap = 1 / rate
        self._next = 0.0

    async def turn(self) -> None:
        """Wait for the next turn."""
        await asyncio.sleep(self.reserve(asyncio.get_running_loop().time()))

    def reserve(self, now: float) -> float:
        """Take the next turn and return the seconds until then.

        Turns that nobody took are lost, not saved up.
        """
        mine = max(self._next, now)
        self._next = mine + self._gap
        return mine - now
