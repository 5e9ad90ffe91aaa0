"""DynamoDB and BigQuery compared, order by order: which of them the warehouse does not know."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from pydantic import ValidationError

from cloudmart.dynamodb.codec import Item
from cloudmart.dynamodb.table import BATCH
from cloudmart.orders.indexes import is_test_order
from cloudmart.orders.internal_items import is_order
from cloudmart.orders.models import Order
from cloudmart.pipeline.orders_by_day import OrdersByDay, retry_order_read
from cloudmart.pipeline.ports import OrderState
from cloudmart.pipeline.rows import OrderEvent, Row
from cloudmart.pipeline.unknown import UnknownError
from cloudmart.pipeline.watch.query_threads import Questions
from cloudmart.settings.validation import first_in_words
from cloudmart.values.money import round_to_cents
from cloudmart.values.page import Page
from cloudmart.values.timestamp import UNKNOWN, now, stamp

_ATTRIBUTES = (
    *("items", "productId", "quantity", "total", "totalAmount", "status"),
    *("userEmail", "customerEmail", "createdAt", "updatedAt"),
)


class DifferenceKind(StrEnum):
    """What is wrong with an order's rows."""

    MISSING = "missing"
    """DynamoDB has the order, and the warehouse does not."""
    DIFFERENT = "different"
    """The warehouse has another state of it."""
    REMAINING = "remaining"
    """The order has been removed, and the warehouse still has it."""
    UNREADABLE = "unreadable"
    """DynamoDB's item cannot become a row."""


@dataclass(frozen=True, slots=True)
class Difference:
    """An order whose rows are not as they should be.

    `row` repairs it; if there is none, `why` says why.
    """

    id: str
    kind: DifferenceKind
    here: str | None
    there: str | None
    row: Row | None
    why: str = ""

    @property
    def event_id(self) -> str:
        """The id under which the row is sent: the same, however often it is."""
        row = self.row
        moment = (row.updated_at or row.created_at) if row else None
        return f"replay-{self.id}-{moment}-{row.event_type if row else self.kind}"


def compare_order(key: str, item: Item | None, state: OrderState | None) -> Difference | None:
    """Return how an order differs on the two sides, or None if it does not."""
    if item is None:
        return None if state is None or state.removed else _remaining(state)
    there = _word(state)
    try:
        order = Order.read_whole(item)
    except ValidationError as error:
        why = ": ".join(first_in_words(error))
        return Difference(key, DifferenceKind.UNREADABLE, None, there, None, why)
    if state is None:
        return Difference(
            key, DifferenceKind.MISSING, order.status, None, Row.of(order, OrderEvent.INSERT)
        )
    if _same(order, state):
        return None
    row = _mending(order, state)
    why = "" if row else "BigQuery's last row is newer than the order"
    return Difference(key, DifferenceKind.DIFFERENT, order.status, there, row, why)


def _same(order: Order, state: OrderState) -> bool:
    if state.removed or (order.status, round_to_cents(order.total)) != (state.status, state.total):
        return False
    # A repair may have had to be later than the order, to take the place of what was there.
    repaired = state.event is OrderEvent.REPAIR and _place(order)[0] <= _place(state)[0]
    return repaired or order.updated_at == state.updated_at


def _mending(order: Order, state: OrderState) -> Row | None:
    """Return the row of an order that takes the place of the warehouse's last one.

    None where that one is newer: it may know more than we do. A repair of ours does not.
    """
    row = Row.of(order, OrderEvent.MODIFY)
    ours, theirs = _place(order), _place(state)
    if ours > theirs:
        return row
    if state.event is not OrderEvent.REPAIR and stamp(ours[0]) < stamp(theirs[0]):
        return None
    moment = theirs[0] + timedelta(microseconds=-theirs[0].microsecond % 1000)
    if (moment, OrderEvent.REPAIR) <= theirs:
        moment += timedelta(milliseconds=1)
    return row.model_copy(update={"event_type": OrderEvent.REPAIR, "updated_at": stamp(moment)})


def _place(either: Order | OrderState) -> tuple[datetime, str]:
    # Which of an order's rows is its latest is decided so: first by time, then by event.
    event = either.event if isinstance(either, OrderState) else OrderEvent.MODIFY
    return either.updated_at or either.created_at or UNKNOWN, event


def _remaining(state: OrderState) -> Difference:
    # The content of the order is not known here any more, and a removal does not need it.
    row = Row(
        id=state.id,
        user_email=None,
        status=state.status or "",
        created_at=stamp(state.created_at) if state.created_at else None,
        updated_at=stamp(state.updated_at) if state.updated_at else None,
        event_type=OrderEvent.REMOVE,
        total_amount=float(state.total or 0),
        items="[]",
    )
    return Difference(state.id, DifferenceKind.REMAINING, None, _word(state), row)


def _word(state: OrderState | None) -> str | None:
    if state is None:
        return None
    return "removed" if state.removed else state.status


Tell = Callable[[int, int], None]
"""Called with how many orders have been compared, of about how many."""


@dataclass(slots=True)
class Comparison:
    """How many orders were compared, and where the two sides differ.

    `scanned` says why the whole table had to be read for it; `unreadable` counts the rows of the
    warehouse that the pipeline has not written.
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
