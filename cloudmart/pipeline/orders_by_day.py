"""Orders by the day they were created, from the index and never by a scan."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any, ParamSpec, TypeVar

from botocore.exceptions import ClientError

from cloudmart.dynamodb.codec import Item, decode_item
from cloudmart.dynamodb.expression import Condition, read_expressions
from cloudmart.dynamodb.lookup import IndexRecord
from cloudmart.dynamodb.schema import has_stream, index_fault, shards_of
from cloudmart.dynamodb.table import Table
from cloudmart.errors import UnavailableError
from cloudmart.orders.indexes import INDEXED_ORDERS, ORDERS_BY_DAY
from cloudmart.orders.internal_items import is_order
from cloudmart.orders.models import Order
from cloudmart.pipeline.models import NewestOrder
from cloudmart.pipeline.unknown import UnknownError, may_be_retried, why_of_aws
from cloudmart.retry import operator_retry
from cloudmart.values.timestamp import read_time, stamp

P = ParamSpec("P")
T = TypeVar("T")

_PATIENCE = 60.0

LOOK_BACK = 31
"""Days in which the newest order is looked for."""

_IMAGES = "NEW_AND_OLD_IMAGES"
# One would be enough, but somebody else may have written to the index.
_FEW = 5
# A page that takes long to answer is asked for again, so it had better be short.
_PAGE = 200
# Most shops had an order today; one that has not is asked about more days with each step.
_STEPS = (0, 1, 2, 4, 8, 16, LOOK_BACK + 1)
# Every query wants a connection of its own, which the customers' requests want as well.
_AT_ONCE = 16
_REMEMBERED = 600.0
"""Seconds for which an empty day before yesterday counts as still empty."""


def retry_order_read(call: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    """Return a call that is made again for a minute while DynamoDB is busy or away."""
    return operator_retry(may_be_retried, _PATIENCE).wraps(call)


class OrdersByDay:
    """Asks the orders' table, or raises UnknownError."""

    def __init__(
        self, table: Table, notes: Table, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.table = table
        self._clock = clock
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._empty: dict[date, float] = {}
        self._record = IndexRecord(notes, INDEXED_ORDERS)

    async def describe(self) -> Mapping[str, Any]:
        """Return DynamoDB's description of the table."""
        try:
            return await self.table.describe()
        except (ClientError, UnavailableError) as error:
            raise _unknown(error) from error

    async def check(self, description: Mapping[str, Any]) -> bool:
        """Return if the index has every order there is, or raise UnknownError."""
        if fault := index_fault(description, ORDERS_BY_DAY):
            raise UnknownError(
                f"The index {ORDERS_BY_DAY.name} {fault}; `cloudmart tables apply` makes it."
            )
        try:
            fault = await self._record.fault()
        except (ClientError, UnavailableError) as error:
            raise _unknown(error, "DYNAMODB_CONVERSATIONS_TABLE") from error
        if fault:
            raise UnknownError(
                f"The index {ORDERS_BY_DAY.name} may lack orders, for {fault}; "
                "`cloudmart tables use-indexes` adds them."
            )
        return True

    async def count(self, day: date) -> int:
        """Return how many orders were created on a day."""
        return sum(await asyncio.gather(*map(self._count, shards_of(day.isoformat()))))

    async def _count(self, shard: str) -> int:
        count, after = 0, None
        while True:
            answer = await self._query(shard, Select="COUNT", **_from(after))
            count += int(answer["Count"])
            after = answer.get("LastEvaluatedKey")
            if after is None:
                return count

    async def newest(self, today: date) -> NewestOrder | None:
        """Return the order that was created last, if it was within the last 31 days."""
        for first, end in pairwise(_STEPS):
            days = [today - timedelta(days=back) for back in range(first, end)]
            asked = [day for day in days if self._may_have_orders(day)]
            if known := await self._ends(asked, forward=False):
                return max(known, key=_moment)
            self._remember_empty(day for day in asked if today - day > timedelta(days=1))
        return None

    def _may_have_orders(self, day: date) -> bool:
        return self._empty.get(day, -math.inf) <= self._clock() - _REMEMBERED

    def _remember_empty(self, days: Iterable[date]) -> None:
        now = self._clock()
        still = {day: at for day, at in self._empty.items() if at > now - _REMEMBERED}
        self._empty = still | dict.fromkeys(days, now)

    async def first_after(self, moment: datetime, today: date) -> NewestOrder | None:
        """Return the first order that was created after a moment, of the last 31 days."""
        since = max(moment.astimezone(UTC).date(), today - timedelta(days=LOOK_BACK))
        ahead = (today - since).days + 1
        for first, end in pairwise((*(step for step in _STEPS if step < ahead), ahead)):
            days = [since + timedelta(days=day) for day in range(first, end)]
            asked = [day for day in days if self._may_have_orders(day)]
            if known := await self._ends(asked, after=moment):
                return min(known, key=_moment)
        return None

    async def created_since(self, moment: datetime, today: date) -> dict[str, datetime]:
        """Return when each order was created that was created after a moment."""
        first = moment.astimezone(UTC).date()
        days = [first + timedelta(days=ahead) for ahead in range((today - first).days + 1)]
        shards = [shard for day in days for shard in shards_of(day.isoformat())]
        found: dict[str, datetime] = {}
        for some in await asyncio.gather(*(self._created(shard, moment) for shard in shards)):
            found |= some
        return found

    async def _created(self, shard: str, moment: datetime) -> dict[str, datetime]:
        found: dict[str, datetime] = {}
        after: Mapping[str, Any] | None = None
        while True:
            answer = await self._query(
                shard, after=moment, attributes=[ORDERS_BY_DAY.sort], **_from(after)
            )
            for item in map(decode_item, answer["Items"]):
                if (created := read_time(item.get(ORDERS_BY_DAY.sort))) and is_order(item["id"]):
                    found[item["id"]] = created
            after = answer.get("LastEvaluatedKey")
            if after is None:
                return found

    async def items_since(self, moment: datetime, today: date) -> AsyncIterator[list[Item]]:
        """Yield pages of the orders that were created after a moment, or raise UnknownError."""
        first = moment.astimezone(UTC).date()
        days = [first + timedelta(days=ahead) for ahead in range((today - first).days + 1)]
        for shard in [shard for day in days for shard in shards_of(day.isoformat())]:
            after: Mapping[str, Any] | None = None
            while True:
                answer = await self._query(shard, after=moment, Limit=_PAGE, **_from(after))
                yield [decode_item(item) for item in answer["Items"]]
                after = answer.get("LastEvaluatedKey")
                if after is None:
                    break

    async def created_on(self, day: date) -> AsyncIterator[Item]:
        """Yield the orders that were created on a day, or raise UnavailableError in the end."""
        for shard in shards_of(day.isoformat()):
            after = None
            while True:
                answer = await retry_order_read(self._page)(shard, after)
                for item in answer["Items"]:
                    yield decode_item(item)
                after = answer.get("LastEvaluatedKey")
                if after is None:
                    break

    async def _page(self, shard: str, after: Mapping[str, Any] | None) -> dict[str, Any]:
        return await self._asked(shard, Limit=_PAGE, **_from(after))

    async def _ends(
        self, days: Sequence[date], *, forward: bool = True, after: datetime | None = None
    ) -> list[NewestOrder]:
        """Return the first, or the last, order of each shard of each day."""
        shards = [shard for day in days for shard in shards_of(day.isoformat())]
        found = await asyncio.gather(
            *(self._one(shard, forward=forward, after=after) for shard in shards)
        )
        return [order for order in found if order]

    async def _one(
        self, shard: str, *, forward: bool, after: datetime | None
    ) -> NewestOrder | None:
        answer = await self._query(shard, after=after, Limit=_FEW, ScanIndexForward=forward)
        for order in (Order.read(decode_item(item)) for item in answer["Items"]):
            if order.created_at:
                return NewestOrder(id=order.id, at=order.created_at)
        return None

    async def _query(self, shard: str, **options: Any) -> dict[str, Any]:  # noqa: ANN401
        try:
            async with self._slots:
                return await self._asked(shard, **options)
        except (ClientError, UnavailableError) as error:
            raise _unknown(error) from error

    async def _asked(
        self,
        shard: str,
        *,
        after: datetime | None = None,
        attributes: Sequence[str] | None = None,
        **options: Any,  # noqa: ANN401 - DynamoDB's
    ) -> dict[str, Any]:
        key = Condition(f"#{ORDERS_BY_DAY.partition} = :shard", {"shard": shard})
        if after:
            later = f"{key.text} AND #{ORDERS_BY_DAY.sort} > :after"
            key = Condition(later, {**key.values, "after": stamp(after)})
        return await self.table.database.call(
            "query",
            TableName=self.table.name,
            IndexName=ORDERS_BY_DAY.name,
            **read_expressions(key, attributes),
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


def _moment(order: NewestOrder) -> datetime:
    return order.at


def _unknown(error: Exception, setting: str = "DYNAMODB_ORDERS_TABLE") -> UnknownError:
    return UnknownError(why_of_aws("DynamoDB", "dynamodb", error, setting))
