"""How an order in DynamoDB and what the warehouse knows of it differ, and the row that mends it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import ValidationError

from cloudmart.dynamodb.codec import Item
from cloudmart.orders.models import Order
from cloudmart.pipeline.carry.rows import OrderEvent, Row
from cloudmart.pipeline.ports import OrderState
from cloudmart.settings.validation import first_in_words
from cloudmart.values.money import round_to_cents
from cloudmart.values.timestamp import UNKNOWN, stamp


class DifferenceKind(StrEnum):
    """What is wrong with an order's rows."""

    MISSING = "missing"
    """DynamoDB has the order, and the warehouse knows nothing of it."""
    DIFFERENT = "different"
    """The warehouse knows another state."""
    REMAINING = "remaining"
    """The order has been removed, which the warehouse does not know."""
    UNREADABLE = "unreadable"
    """What DynamoDB has cannot become a row."""


@dataclass(frozen=True, slots=True)
class Difference:
    """An order whose rows are not as they should be.

    `row` mends it; where there is none, `why` says so.
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
    # What it held is not known here any more; a removal is all that has to be told.
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
