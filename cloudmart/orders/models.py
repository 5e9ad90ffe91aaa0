"""An order, its lines and its statuses."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field

from cloudmart.values import samples
from cloudmart.values.ids import new_id
from cloudmart.values.model import Entity, Model, Stored
from cloudmart.values.money import Money
from cloudmart.values.timestamp import Created, Updated, now


class OrderStatus(StrEnum):
    """How far an order has come."""

    PENDING = "Pending"
    PROCESSING = "Processing"
    SHIPPED = "Shipped"
    DELIVERED = "Delivered"
    CANCELED = "Canceled"


_STATUSES = {status.casefold(): status for status in OrderStatus}
_STATUSES["cancelled"] = OrderStatus.CANCELED


def _status(value: Any) -> Any:  # noqa: ANN401 - whatever a caller or the table holds
    return _STATUSES.get(value.strip().casefold(), value) if isinstance(value, str) else value


AnyCaseStatus = Annotated[OrderStatus, BeforeValidator(_status)]
"""A status in any letter case; `cancelled` is `Canceled`."""


class OrderUpdate(Model):
    """What staff may change of an order: to any status from any other."""

    status: Annotated[
        AnyCaseStatus, Field(description="In any letter case; `cancelled` is read too.")
    ]


_MOST_OF_ONE = 10**9
"""Beyond this a quantity is none but a mistake, with which no total can be told."""


def _possible(quantity: int) -> int:
    if abs(quantity) > _MOST_OF_ONE:
        msg = "a quantity is needed that somebody may have ordered"
        raise ValueError(msg)
    return quantity


class OrderLine(Stored):
    """So many of a product, at the price it had."""

    product_id: Annotated[str, Field(description="The product's id.")] = ""
    name: Annotated[str, Field(description="The product's name when it was ordered.")] = ""
    quantity: Annotated[
        int, AfterValidator(_possible), Field(description="How many; 1 to 1,000.")
    ] = 0
    price: Annotated[Money, Field(description="For one, when it was ordered.")] = Decimal()


_FORMER_NAMES = {"total": "totalAmount", "userEmail": "customerEmail"}


def total_of(lines: Sequence[OrderLine]) -> Decimal:
    """Add up an order."""
    return sum((line.price * line.quantity for line in lines), Decimal())


class Order(Entity):
    """An order that was placed. Nothing a page reads is ever missing or null."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": samples.ORDER,
                    "userEmail": samples.CUSTOMER,
                    "items": [
                        {"productId": "1", "name": "Reading lamp", "quantity": 2, "price": 34.5}
                    ],
                    "total": 69,
                    "status": "Pending",
                    "createdAt": "2026-11-23T08:00:00.000Z",
                    "updatedAt": "2026-11-23T08:00:00.000Z",
                }
            ]
        }
    )

    user_email: Annotated[str | None, Field(description="As it was given; null for a guest.")] = (
        None
    )
    items: Annotated[list[OrderLine], Field(description="What was ordered: 1 to 100 lines.")] = []
    total: Money = Field(
        description="The sum of its lines, in the shop's currency.",
        default_factory=lambda values: total_of(values.get("items", ())),
    )
    status: Annotated[AnyCaseStatus, Field(description="How far it has come.")] = (
        OrderStatus.PENDING
    )
    created_at: Created = None
    updated_at: Updated = None

    @property
    def cancelable(self) -> bool:
        """Tell whether a customer may still cancel it: it has not shipped, nor is it canceled."""
        return self.status in {OrderStatus.PENDING, OrderStatus.PROCESSING}

    @classmethod
    def place(cls, lines: Sequence[OrderLine], user_email: str | None) -> "Order":
        """Return a new order for lines that the catalogue has priced."""
        moment = now()
        return cls(
            id=new_id(),
            user_email=user_email,
            items=list(lines),
            total=total_of(lines),
            created_at=moment,
            updated_at=moment,
        )

    @classmethod
    def modern(cls, item: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return an item that an older version stored in today's shape."""
        # An empty text says no more than nothing, which is what today's orders have there.
        modern = {
            name: value for name, value in item.items() if value != "" or name not in _FORMER_NAMES
        }
        for name, former in _FORMER_NAMES.items():
            if name not in modern and former in modern:
                modern[name] = modern[former]
        # The short form: one product, neither named nor priced.
        single = {name: modern[name] for name in ("productId", "quantity") if name in modern}
        if "items" not in modern and single:
            modern["items"] = [single]
        return modern
