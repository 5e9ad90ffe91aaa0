"""How much may be changed by chat in a day for one customer.

An order's id and its customer's address are all it takes to change it; whoever has learned many of
them gets no further than this.
"""

from datetime import UTC, datetime, timedelta

from cloudmart.dynamodb.expression import Expression
from cloudmart.dynamodb.table import RefusedError, Table

MOST_CHANGES = 3
_KEPT = timedelta(days=2)


class Allowance:
    """Counts the changes, in an item for each customer and day that all replicas add to."""

    def __init__(self, conversations: Table) -> None:
        self._table = conversations

    async def take(self, customer: str, turn: str) -> bool:
        """Count a change of a turn, or tell that there were enough.

        Customers are known by their hash.
        """
        moment = datetime.now(UTC)
        values = {"one": 1, "turn": turn, "expires": int((moment + _KEPT).timestamp())}
        count = Expression("ADD #changes :one SET #turn = :turn, #expiresAt = :expires", values)
        few = Expression(
            "attribute_not_exists(#changes) OR #changes < :most", {"most": MOST_CHANGES}
        )
        key = f"changes-{customer}-{moment:%Y-%m-%d}"
        try:
            await self._table.change(key, count, few, done=lambda item: item.get("turn") == turn)
        except RefusedError:
            return False
        return True
