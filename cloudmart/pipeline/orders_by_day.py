"""Orders by the day they were created, from the index and never by a scan."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

from botocore.exceptions import ClientError

from cloudmart.dynamodb.codec import Item, decode, encode
from cloudmart.dynamodb.described import fault_of, has_stream
from cloudmart.dynamodb.internal import BACKFILL
from cloudmart.dynamodb.schema import ORDERS_BY_DAY
from cloudmart.dynamodb.table import Table
from cloudmart.errors import UnavailableError
from cloudmart.orders.models import Order
from cloudmart.pipeline.models import NewestOrder
from cloudmart.pipeline.patience import patiently
from cloudmart.pipeline.unknown import UnknownError, why_of_aws
from cloudmart.values.timestamp import stamp

LOOK_BACK = 31
"""Days in which the newest order is looked for."""

_IMAGES = "NEW_AND_OLD_IMAGES"

# One would do, were it not for what somebody else may have written.
_FEW = 5

# A page that takes long to answer is asked for again, so it had better be short.
_PAGE = 200

# Most shops had an order today; one that has not is asked about more days at once.
_STEPS = (0, 1, 7, LOOK_BACK + 1)


class OrdersByDay:
    """Asks the orders' table, or raises UnknownError."""

    def __init__(self, table: Table) -> None:
        self.table = table

    async def describe(self) -> Mapping[str, Any]:
        """Return DynamoDB's description of the table."""
        try:
            return await self.table.describe()
        except (ClientError, UnavailableError) as error:
            raise _unknown(error) from error

    async def check(self, description: Mapping[str, Any]) -> bool:
        """Return that the index tells of every order there is, or raise UnknownError."""
        if fault := fault_of(description, ORDERS_BY_DAY):
            raise UnknownError(
                f"The index {ORDERS_BY_DAY.name} {fault}; `cloudmart tables apply` makes it."
            )
        try:
            note = await self.table.get(BACKFILL)
        except (ClientError, UnavailableError) as error:
            raise _unknown(error) from error
        if not (note and note.get("completedAt")):
            raise UnknownError(
                "No backfill is recorded as complete, so that older orders may be missing from "
                f"the index {ORDERS_BY_DAY.name}; `cloudmart tables backfill` adds them."
            )
        return True

    async def count(self, day: date) -> int:
        """Return how many orders were created on a day."""
        count, after = 0, None
        while True:
            answer = await self._query(day, Select="COUNT", **_from(after))
            count += int(answer["Count"])
            after = answer.get("LastEvaluatedKey")
            if after is None:
                return count

    async def newest(self, today: date) -> NewestOrder | None:
        """Return the order that was created last, if it was within the last 31 days."""
        for first, end in pairwise(_STEPS):
            days = [today - timedelta(days=back) for back in range(first, end)]
            found = await asyncio.gather(*(self._one(day, forward=False) for day in days))
            if known := [order for order in found if order]:
                return max(known, key=lambda order: order.at)
        return None

    async def first_after(self, moment: datetime, today: date) -> NewestOrder | None:
        """Return the first order that was created after a moment, of the last 31 days."""
        since = max(moment.astimezone(UTC).date(), today - timedelta(days=LOOK_BACK))
        days = [since + timedelta(days=ahead) for ahead in range((today - since).days + 1)]
        found = await asyncio.gather(*(self._one(day, after=moment) for day in days))
        return next((order for order in found if order), None)

    async def created_on(self, day: date) -> AsyncIterator[Item]:
        """Yield the orders that were created on a day, or raise UnavailableError in the end."""
        after = None
        while True:
            answer = await patiently(self._page)(day, after)
            for item in answer["Items"]:
                yield decode(item)
            after = answer.get("LastEvaluatedKey")
            if after is None:
                return

    async def _page(self, day: date, after: Mapping[str, Any] | None) -> dict[str, Any]:
        return await self._asked(day, Limit=_PAGE, **_from(after))

    async def _one(
        self, day: date, *, forward: bool = True, after: datetime | None = None
    ) -> NewestOrder | None:
        answer = await self._query(day, after=after, Limit=_FEW, ScanIndexForward=forward)
        for order in (Order.read(decode(item)) for item in answer["Items"]):
            if order.created_at:
                return NewestOrder(id=order.id, at=order.created_at)
        return None

    async def _query(self, day: date, **options: Any) -> dict[str, Any]:  # noqa: ANN401
        try:
            return await self._asked(day, **options)
        except (ClientError, UnavailableError) as error:
            raise _unknown(error) from error

    async def _asked(
        self,
        day: date,
        *,
        after: datetime | None = None,
        **options: Any,  # noqa: ANN401 - DynamoDB's
    ) -> dict[str, Any]:
        condition, values = "#day = :day", {":day": day.isoformat()}
        names = {"#day": ORDERS_BY_DAY.partition}
        if after:
            condition += " AND #at > :after"
            names["#at"], values[":after"] = ORDERS_BY_DAY.sort, stamp(after)
        return await self.table.database.call(
            "query",
            TableName=self.table.name,
            IndexName=ORDERS_BY_DAY.name,
            KeyConditionExpression=condition,
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=encode(values),
            **options,
        )


def stream_of(description: Mapping[str, Any]) -> str:
    """Return whether a table's stream is on, or the view it has where that is another."""
    if not has_stream(description):
        return "off"
    view: str = description["StreamSpecification"]["StreamViewType"]
    return "on" if view == _IMAGES else view


def _from(after: Mapping[str, Any] | None) -> dict[str, Any]:
    return {"ExclusiveStartKey": after} if after else {}


def _unknown(error: Exception) -> UnknownError:
    return UnknownError(why_of_aws("DynamoDB", "dynamodb", error, "DYNAMODB_ORDERS_TABLE"))
