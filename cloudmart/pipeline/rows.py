"""An order as a row of BigQuery's table: one row for each thing that happened to it."""

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Self

from cloudmart.orders.models import Order
from cloudmart.values.model import Model


class OrderEvent(StrEnum):
    """What happened to an order: the stream's own events, and a repair.

    Of two events at one moment, the one whose name sorts later counts as the later.
    """

    INSERT = "INSERT"
    MODIFY = "MODIFY"
    REPAIR = "MODIFY_REPAIR"
    """The order as it is, sent again because its latest rows differ."""
    REMOVE = "REMOVE"


class Row(Model):
    """A row of the table: an order as it was after an event, or before it was removed.

    Its fields are the table's columns. Two rows that are equal say the same thing twice.
    """

    id: str
    user_email: str | None
    status: str
    created_at: str | None
    updated_at: str | None
    event_type: OrderEvent
    total_amount: float
    items: str

    @classmethod
    def of(cls, order: Order, event: OrderEvent) -> Self:
        """Return what an event made of an order."""
        sent = order.model_dump(mode="json")
        return cls(
            id=order.id,
            user_email=sent["userEmail"],
            status=sent["status"],
            created_at=sent["createdAt"],
            updated_at=sent["updatedAt"],
            event_type=event,
            total_amount=sent["total"],
            items=json.dumps(sent["items"], ensure_ascii=False, separators=(",", ":")),
        )

    @classmethod
    def of_item(cls, item: Mapping[str, Any], event: OrderEvent) -> Self:
        """Return what an event made of a stored item, of whichever shape.

        Raises:
            ValidationError: an attribute cannot be read; the error names it, without its value.
        """
        return cls.of(Order.read_whole(item), event)

    @property
    def columns(self) -> dict[str, Any]:
        """The values by the names of their columns, as JSON has them."""
        return self.model_dump(mode="json")
