"""DynamoDB and BigQuery compared, order by order: which of them the warehouse does not know."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cloudmart.dynamodb.codec import Item
from cloudmart.dynamodb.table import BATCH
from cloudmart.orders.indexes import is_test_order
from cloudmart.orders.notes import is_order
from cloudmart.pipeline.ports import OrderState
from cloudmart.pipeline.repair.differences import Difference, compare_order
from cloudmart.pipeline.repair.orders_by_day import OrdersByDay, retry_order_read
from cloudmart.pipeline.watch.query_threads import Questions
from cloudmart.pipeline.watch.unknown import UnknownError
from cloudmart.values.page import Page
from cloudmart.values.timestamp import now, stamp

Tell = Callable[[int, int], None]
"""Is told how many orders have been compared, of about how many."""

_ATTRIBUTES = (
    *("items", "productId", "quantity", "total", "totalAmount", "status"),
    *("userEmail", "customerEmail", "createdAt", "updatedAt"),
)


@dataclass(slots=True)
class Comparison:
    """How many orders were compared, and where the two sides differ.

    `scanned` says why the whole table had to be read for it; `unreadable` counts the rows of the
    warehouse that are none of the pipeline's and were left out.
    """

    compared: int = 0
    unreadable: int = 0
    differences: list[Difference] = field(default_factory=list)
    scanned: str | None = None


class Reconciler:
    """Compares both sides. What differs is looked at again after a while: it may be on its way."""

    def __init__(self, orders: OrdersByDay, questions: Questions, *, settle: float) -> None:
        self._orders = orders
        self._questions = questions
        self._settle = settle

    async def since(self, since: datetime, tell: Tell) -> Comparison:
        """Compare the orders that were created since a moment.

        Raises:
            UnavailableError: one of the sides is away.
            UnknownError: the table cannot be looked at.
        """
        comparison = Comparison()
        comparison.unreadable = await self._questions.ask(
            lambda warehouse: warehouse.count_unreadable(since)
        )
        theirs = await self._states(since)
        expected = len(theirs)
        differing: list[str] = []
        async for item in self._ours(since, comparison):
            comparison.compared += 1
            if compare_order(item["id"], item, theirs.pop(item["id"], None)):
                differing.append(item["id"])
            tell(comparison.compared, max(expected, comparison.compared))
        differing += [state.id for state in theirs.values() if not state.removed]
        if differing:
            await asyncio.sleep(self._settle)
            theirs = await self._states(since)
            comparison.differences = await self._among(differing, theirs)
        return comparison

    async def of(self, ids: Sequence[str]) -> list[Difference]:
        """Return where the two sides differ of some orders, or raise UnavailableError."""
        found = await self._questions.ask(lambda warehouse: list(warehouse.find_many(ids)))
        return await self._among(ids, {state.id: state for state in found})

    async def _states(self, since: datetime) -> dict[str, OrderState]:
        states = await self._questions.ask(lambda warehouse: list(warehouse.states(since)))
        return {state.id: state for state in states if is_order(state.id)}

    async def _among(
        self, ids: Sequence[str], theirs: Mapping[str, OrderState]
    ) -> list[Difference]:
        differences: list[Difference] = []
        for some in _batches(ids):
            ours = await retry_order_read(self._orders.table.get_many)(some, _ATTRIBUTES)
            found = (compare_order(key, ours.get(key), theirs.get(key)) for key in some)
            differences += [difference for difference in found if difference]
        return sorted(differences, key=lambda difference: difference.id)

    async def _ours(self, since: datetime, comparison: Comparison) -> AsyncIterator[Item]:
        begin = stamp(since)
        async for item in self._created_since(since, comparison):
            created = item.get("createdAt")
            customers = is_order(item["id"]) and not is_test_order(item)
            if customers and isinstance(created, str) and created >= begin:
                yield item

    async def _created_since(self, since: datetime, comparison: Comparison) -> AsyncIterator[Item]:
        try:
            await self._orders.check(await self._orders.describe())
        except UnknownError as reason:
            comparison.scanned = str(reason)
            async for item in self._scanned():
                yield item
            return
        day = since.astimezone(UTC).date()
        while day <= now().date():
            async for item in self._orders.created_on(day):
                yield item
            day += timedelta(days=1)

    async def _scanned(self) -> AsyncIterator[Item]:
        after: str | None = None
        while True:
            page = await retry_order_read(self._scan)(after)
            for item in page.items:
                yield item
            if page.last:
                return
            after = page.items[-1]["id"]

    async def _scan(self, after: str | None) -> Page[Item]:
        return await anext(self._orders.table.scan(after=after))


def _batches(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for first in range(0, len(ids), BATCH):
        yield ids[first : first + BATCH]
