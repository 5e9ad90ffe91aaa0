"""What a customer may ask for: several lines, or one product in short.

Apart from the models, because the Lambda reads those and has nothing that checks addresses.
"""

from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from cloudmart.values.email import OrderEmail
from cloudmart.values.model import Model
from cloudmart.values.money import StatedAmount
from cloudmart.values.text import Key

_STATED = "What you expect; the order is refused (409) if the shop's differs by a cent or more."


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
