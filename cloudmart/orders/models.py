"""What a customer orders, what staff change of it, and the order as it is kept."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from cloudmart.values import ids
from cloudmart.values.email import OrderEmail
from cloudmart.values.ids import new_id
from cloudmart.values.model import Model, Stored, Versioned, entity_tag
from cloudmart.values.money import Money, StatedAmount
from cloudmart.values.text import Key
from cloudmart.values.timestamp import Created, Timestamp, Updated, now

_MOST_OF_ONE = 10**9
"""A larger quantity is a mistake, and no total can be computed with it."""

_FORMER_NAMES = {"total": "totalAmount", "userEmail": "customerEmail"}
TRACEPARENT = "traceparent"
"""An attribute of the item alone: the trace of the request that changed the order last."""

MOST_CHANGES = 50
"""Changes of its status that an order keeps."""

_STATED = "What you expect; the order is refused (409) if the shop's differs by a cent or more."


class OrderStatus(StrEnum):
    """How far an order has come."""

    PENDING = "Pending"
    PROCESSING = "Processing"
    SHIPPED = "Shipped"
    DELIVERED = "Delivered"
    CANCELED = "Canceled"


_TODAYS = frozenset(OrderStatus)
_STATUSES = {status.casefold(): status for status in OrderStatus}
_STATUSES["cancelled"] = OrderStatus.CANCELED


def _status(value: Any) -> Any:  # noqa: ANN401 - whatever a caller or the table holds
    return _STATUSES.get(value.strip().casefold(), value) if isinstance(value, str) else value


AnyCaseStatus = Annotated[OrderStatus, BeforeValidator(_status)]
"""A status in any letter case; `cancelled` is `Canceled`."""


def _whole(value: Any) -> Any:  # noqa: ANN401 - whatever a caller sends
    # JSON knows one kind of number, so 2.0 is an integer; true is not, though Python has it so.
    return int(value) if isinstance(value, float) and value.is_integer() else value


Quantity = Annotated[int, Field(strict=True, ge=1, le=1000), BeforeValidator(_whole)]


class LineCreate(Model):
    """A quantity of one product; a price that is stated must be the catalogue's."""

    product_id: Annotated[Key, Field(description="The id of a product of the catalogue.")]
    quantity: Annotated[Quantity, Field(description="1 to 1,000.")]
    price: Annotated[StatedAmount | None, Field(description=_STATED)] = None


class OrderCreate(Model):
    """An order to place: `items`, or `productId` and `quantity` for a single line.

    The catalogue decides names and prices and we add up the total; a `price` or `total` that is
    stated and differs is refused. Whatever else is sent is ignored.
    """

    user_email: OrderEmail = None
    items: Annotated[
        Annotated[list[LineCreate], Field(min_length=1, max_length=100)] | None,
        Field(description="1 to 100 lines."),
    ] = None
    total: Annotated[StatedAmount | None, Field(description=_STATED)] = None
    product_id: Annotated[Key | None, Field(description="The short form: one product.")] = None
    quantity: Annotated[Quantity | None, Field(description="The short form: 1 to 1,000.")] = None
    price: Annotated[StatedAmount | None, Field(description=_STATED)] = None

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        single = self.product_id is not None and self.quantity is not None
        if (self.items is not None) == single:
            msg = "send either `items`, or `productId` and `quantity`"
            raise ValueError(msg)
        return self

    @property
    def lines(self) -> list[LineCreate]:
        """Return the lines, whichever form was sent."""
        if self.items is not None:
            return self.items
        single = self.model_dump(include={"product_id", "quantity", "price"}, by_alias=False)
        return [LineCreate(**single)]

    def pointer(self, line: int, member: str) -> str:
        """Return where in the request a member of a line stands."""
        return f"/{member}" if self.items is None else f"/items/{line}/{member}"


class OrderUpdate(Model):
    """What staff may change of an order: to any status from any other."""

    status: Annotated[
        AnyCaseStatus, Field(description="In any letter case; `cancelled` is read too.")
    ]


def _possible(quantity: int) -> int:
    if abs(quantity) > _MOST_OF_ONE:
        msg = "the quantity is too large to be true"
        raise ValueError(msg)
    return quantity


class OrderLine(Stored):
    """A quantity of one product, at its price then."""

    product_id: Annotated[str, Field(description="The product's id.")] = ""
    name: Annotated[str, Field(description="The product's name when it was ordered.")] = ""
    quantity: Annotated[
        int, AfterValidator(_possible), Field(description="How many; 1 to 1,000.")
    ] = 0
    price: Annotated[Money, Field(description="The price of one, when it was ordered.")] = Decimal()


def total_of(lines: Sequence[OrderLine]) -> Decimal:
    """Add up an order."""
    return sum((line.price * line.quantity for line in lines), Decimal())


class StatusChange(Stored):
    """A change of an order's status."""

    before: Annotated[AnyCaseStatus, Field(alias="from", description="The status before.")]
    after: Annotated[AnyCaseStatus, Field(alias="to", description="The status after.")]
    at: Annotated[Timestamp, Field(description="When.")]
    by: Annotated[str | None, Field(description="Who changed it; only administrators see it.")] = (
        None
    )


def _readable(value: Any) -> list[StatusChange]:  # noqa: ANN401 - whatever the table holds
    # An order can be shown, and carried to the warehouse, without a change that cannot be read.
    changes = []
    for entry in value if isinstance(value, list) else []:
        with suppress(ValidationError):
            changes.append(StatusChange.model_validate(entry))
    return changes


class Order(Versioned):
    """An order that was placed. Nothing a page reads is ever missing or null."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": ids.ORDER,
                    "userEmail": ids.CUSTOMER,
                    "items": [
                        {"productId": "1", "name": "Reading lamp", "quantity": 2, "price": 34.5}
                    ],
                    "total": 69,
                    "status": "Pending",
                    "statusHistory": [],
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
    status: Annotated[AnyCaseStatus, Field(description="How far the order has come.")] = (
        OrderStatus.PENDING
    )
    status_history: Annotated[
        list[StatusChange],
        BeforeValidator(_readable),
        Field(description="Its last 50 changes of status, the oldest first."),
    ] = []
    created_at: Created = None
    updated_at: Updated = None

    @property
    def etag(self) -> str:
        """Return the strong validator of its present state.

        Who changed it is shown to the staff only, and a strong tag is that of one representation.
        """
        named = any(change.by is not None for change in self.status_history)
        return entity_tag(self.version, self.updated_at, self.status, *(["staff"] if named else []))

    @property
    def etags(self) -> tuple[str, str]:
        """Return the tags of its present state: of what the staff sees, and of what others do."""
        return self.etag, self.for_customers().etag

    @property
    def cancelable(self) -> bool:
        """Return whether a customer may still cancel it: it has not shipped, nor is it canceled."""
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
            version=1,
        )

    def with_status(self, status: OrderStatus, by: str | None) -> "Order":
        """Return the order after a change, which is kept if it is one."""
        moment = now()
        history = self.status_history
        if status is not self.status:
            change = StatusChange(before=self.status, after=status, at=moment, by=by)
            history = [*history, change][-MOST_CHANGES:]
        changes = {"status": status, "status_history": history, "updated_at": moment}
        return self.model_copy(update=changes | {"version": self.version + 1})

    def for_customers(self) -> "Order":
        """Return the order without the names of those who changed it."""
        if not self.status_history:
            return self
        history = [change.model_copy(update={"by": None}) for change in self.status_history]
        return self.model_copy(update={"status_history": history})

    @classmethod
    def old_shapes(cls, item: Mapping[str, Any]) -> Iterator[str]:
        """Yield words for what an older release wrote otherwise."""
        for former in _FORMER_NAMES.values():
            if former in item:
                yield former
        if "items" not in item and "productId" in item:
            yield "single-product"
        if isinstance(item.get("total"), str):
            yield "total-as-text"
        if isinstance(status := item.get("status"), str) and status not in _TODAYS:
            yield "status-in-other-words"

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
