"""What the pipeline needs: a warehouse, and a place for what cannot go there."""

import math
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Protocol

from cloudmart.pipeline.rows import OrderEvent, Row
from cloudmart.values.money import round_to_cents


@dataclass(frozen=True, slots=True)
class RowFault:
    """Why one row was not taken: for now (`passing`), or for good because of what it holds.

    `reason` is the warehouse's code and `column` where it looked, both fit for a log; `message`
    may quote a customer's data.
    """

    passing: bool
    reason: str
    column: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class OrderState:
    """An order as the warehouse knows it: its latest row, however often that came."""

    id: str
    status: str | None
    total: Decimal | None
    created_at: datetime | None
    updated_at: datetime | None
    event: OrderEvent

    @property
    def removed(self) -> bool:
        """Return whether the order has been deleted."""
        return self.event is OrderEvent.REMOVE


def amount_of(stored: float | None) -> Decimal | None:
    """Return the amount in a warehouse's column, or None if it is not valid."""
    if stored is None or not math.isfinite(stored):
        return None
    try:
        return round_to_cents(Decimal(stored))
    except ArithmeticError:  # far more than there is
        return None


class Warehouse(Protocol):
    """Keeps a row for each thing that happened to an order.

    Its methods raise `UnavailableError` while it is down, overloaded, out of quota or refuses us.
    """

    def schema_faults(self) -> Sequence[str]:
        """Return a sentence for each fault of the table; none if rows fit."""
        ...

    def insert(self, rows: Mapping[str, Row]) -> Mapping[str, RowFault]:
        """Insert rows, each by the id of its event, and return what was wrong with which.

        What is not in the answer is inserted, in the order it was given; none goes in ahead of
        one that does not. So rows of no fault of their own may be in the answer, as passing, and
        all of them are where the warehouse is away; some of those may have gone in after all. A
        row that comes again under its id within a minute is usually taken for the same one,
        which nobody may count on.
        """
        ...

    def newest(self) -> OrderState | None:
        """Return the order that was created last, removed or not; no heartbeat, no test."""
        ...

    def count_created(self, day: date) -> int:
        """Return how many orders were created on a day (UTC) and are there: customers' alone."""
        ...

    def states(self, since: datetime) -> Iterator[OrderState]:
        """Yield the state of each order created since, removed ones and heartbeats included.

        Test orders are left out.
        """
        ...

    def find(self, order_id: str, created: datetime) -> OrderState | None:
        """Return the state of an order created then or later, or None if it is not known."""
        ...

    def find_many(self, order_ids: Sequence[str]) -> Iterator[OrderState]:
        """Yield the states of those orders that are known, by one question for all."""
        ...

    def ids(self, since: datetime) -> AbstractSet[str]:
        """Return the ids of the orders that `states` yields."""
        ...

    def count_unreadable(self, since: datetime) -> int:
        """Return how many rows of orders created since are none of the pipeline's.

        Their event is none that there is. They are left out of all other answers.
        """
        ...


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A record of the stream that cannot become a row, whole, and what is wrong with it."""

    event_id: str
    fault: RowFault
    record: dict[str, Any]


class QuarantineIntake(Protocol):
    """Takes what cannot go to the warehouse."""

    def put(self, held: Quarantined) -> None:
        """Keep a record, the same one again as one; raise `UnavailableError` if it cannot be."""
        ...
