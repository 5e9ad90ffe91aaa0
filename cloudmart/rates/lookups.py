"""Look-ups that find nothing: a few are mistakes, many are somebody who guesses."""

from limits import RateLimitItemPerHour

from cloudmart.rates.counter import Counter

MOST_FAILED = 20
"""Failed look-ups of one client in an hour, over all its conversations."""

_LIMIT = RateLimitItemPerHour(MOST_FAILED)
_KIND = "failed-lookups"


class FailedLookups:
    """Counts them by client, whatever conversation they are made in."""

    def __init__(self, counter: Counter) -> None:
        self._counter = counter

    async def are_too_many(self, client: str) -> bool:
        """Tell whether a client has failed often enough."""
        return not (await self._counter.look(_LIMIT, _KIND, client)).allowed

    async def add(self, client: str) -> None:
        """Count one more."""
        await self._counter.hit(_LIMIT, _KIND, client)
