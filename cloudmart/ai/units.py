"""How much sentiment analysis may be paid for in a day, counted over all replicas."""

from datetime import UTC, datetime, timedelta

from cloudmart.dynamodb.expression import Expression
from cloudmart.dynamodb.table import RefusedError, Table

_KEPT = timedelta(days=7)


class SentimentUnits:
    """Counts the units of a day in one item, which all replicas add to. Zero means no limit.

    Chats end seldom, compared with the messages that they are made of: each end writes by itself,
    so the limit holds to the unit.
    """

    def __init__(self, table: Table, *, daily: int) -> None:
        self._table = table
        self._daily = daily

    async def take(self, units: int) -> bool:
        """Count units before they are used, or tell that the day has not so many left."""
        if not self._daily:
            return True
        if units > self._daily:
            return False
        moment = datetime.now(UTC)
        expires = int((moment + _KEPT).timestamp())
        count = Expression(
            "ADD #units :units SET #expiresAt = :expires", {"units": units, "expires": expires}
        )
        left = Expression(
            "attribute_not_exists(#units) OR #units <= :left", {"left": self._daily - units}
        )
        try:
            await self._table.change(f"sentiment-{moment:%Y-%m-%d}", count, left)
        except RefusedError:
            return False
        return True
