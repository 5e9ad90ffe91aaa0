"""The catalogue decides what an order costs; a caller may only agree."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Protocol

from cloudmart.errors import Fault, PriceChangedError, UnknownProductError
from cloudmart.orders.models import OrderLine, total_of
from cloudmart.orders.requests import OrderCreate
from cloudmart.values.money import differs

LONGEST_NAME = 200
"""Characters of a product's name that a line keeps; older products' names know no limit."""


class Offer(Protocol):
    """What the catalogue says of a product."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def price(self) -> Decimal:
        """Its price for one."""


def price(request: OrderCreate, offers: Mapping[str, Offer]) -> list[OrderLine]:
    """Return the request's lines with the catalogue's names and prices.

    Raises:
        UnknownProductError: a product is not offered.
        PriceChangedError: a stated price or total is a cent or more off.
    """
    _refuse_unknown(request, offers)
    lines = []
    for number, line in enumerate(request.lines):
        offer = offers[line.product_id]
        if line.price is not None and differs(line.price, offer.price):
            sentence = f"The price of product {line.product_id!r} is {offer.price:.2f} now."
            raise PriceChangedError(
                sentence,
                details={"productId": line.product_id, "price": float(offer.price)},
                faults=[Fault(request.pointer(number, "price"), f"is {offer.price:.2f} now")],
            )
        lines.append(
            OrderLine(
                product_id=line.product_id,
                name=offer.name[:LONGEST_NAME],
                quantity=line.quantity,
                price=offer.price,
            )
        )
    _refuse_other_total(request, total_of(lines))
    return lines


def _refuse_unknown(request: OrderCreate, offers: Mapping[str, Offer]) -> None:
    faults = [
        Fault(request.pointer(number, "productId"), f"there is no product {line.product_id!r}")
        for number, line in enumerate(request.lines)
        if line.product_id not in offers
    ]
    if faults:
        raise UnknownProductError(f"T{faults[0].message[1:]}.", faults=faults)


def _refuse_other_total(request: OrderCreate, total: Decimal) -> None:
    if request.total is not None and differs(request.total, total):
        raise PriceChangedError(
            f"The total of this order is {total:.2f} now.",
            details={"total": float(total)},
            faults=[Fault("/total", f"is {total:.2f} now")],
        )
