"""Lists of orders as JSON, without the model for orders that are stored in today's form.

A list of all orders is long, and nearly all of them are as today's releases store them. What is
written here is byte for byte what the model would write. Any other order goes by way of the model.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache
from typing import Annotated, Generic, TypeVar

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from cloudmart.dynamodb.codec import Item
from cloudmart.dynamodb.lazy_items import LazyItem, decode_lazy
from cloudmart.http.paging import EncodedEntity
from cloudmart.orders.indexes import order_address
from cloudmart.orders.internal_items import is_order
from cloudmart.orders.models import Order, OrderStatus
from cloudmart.values.email import email_key, owner_form

T = TypeVar("T")


class _S(Struct, Generic[T]):
    value: T = msgspec.field(name="S")


class _N(Struct, Generic[T]):
    value: T = msgspec.field(name="N")


class _L(Struct, Generic[T]):
    values: list[T] = msgspec.field(name="L")


class _M(Struct, Generic[T]):
    value: T = msgspec.field(name="M")


_Something = Annotated[str, Meta(min_length=1)]
_TIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{3}Z\Z"
_Time = Annotated[str, Meta(pattern=rf"\A{_TIME}")]
# That one stands for a time that nobody knows, and is shown as null.
_KnownTime = Annotated[str, Meta(pattern=rf"\A(?!1970-01-01T00:00:00\.000Z){_TIME}")]
_Whole = Annotated[str, Meta(pattern=r"\A(0|[1-9][0-9]{0,8})\Z")]
# Of so few digits a float is written as the number itself.
_Amount = Annotated[str, Meta(pattern=r"\A(0|[1-9][0-9]{0,11})(\.[0-9]{1,2})?\Z")]


class _StoredLine(Struct, rename="camel"):
    product_id: _S[str]
    name: _S[str]
    quantity: _N[_Whole]
    price: _N[_Amount]


class _StoredChange(Struct, rename={"before": "from", "after": "to"}):
    before: _S[OrderStatus]
    after: _S[OrderStatus]
    at: _S[_Time]
    by: _S[str] | UnsetType = UNSET


class _StoredOrder(Struct, rename="camel"):
    id: _S[_Something]
    items: _L[_M[_StoredLine]]
    total: _N[_Amount]
    status: _S[OrderStatus]
    created_at: _S[_KnownTime]
    updated_at: _S[_Time]
    user_email: _S[_Something] | UnsetType = UNSET
    customer_email: Raw | UnsetType = UNSET
    status_history: _L[_M[_StoredChange]] | UnsetType = UNSET


class _Line(Struct, rename="camel"):
    product_id: str
    name: str
    quantity: int
    price: float


class _Change(Struct, rename={"before": "from", "after": "to"}):
    before: OrderStatus
    after: OrderStatus
    at: str
    by: str | None


class _Order(Struct, rename="camel"):
    id: str
    user_email: str | None
    items: list[_Line]
    total: float
    status: OrderStatus
    status_history: list[_Change]
    created_at: str
    updated_at: str


_DECODER = msgspec.json.Decoder(_StoredOrder)
_ENCODER = msgspec.json.Encoder()


class _OddError(Exception):
    """An order is not as today's releases store it."""


@dataclass(frozen=True, slots=True)
class Customer:
    """Whose orders are shown: those of an address, and with an owner those of exactly that one.

    Customers are not told who of the staff changed an order.
    """

    key: str
    owner: str | None = None

    def is_found(self, address: object) -> bool:
        """Return whether the address of an order is theirs.

        An index may hold what an item had before a release that does not know its attributes.
        """
        return email_key(address) == self.key

    def may_see(self, address: str) -> bool:
        """Return whether the owner proved to own an address, however many spellings are found."""
        return self.owner is None or owner_form(address) == owner_form(self.owner)


def encode_orders(
    sent: Sequence[LazyItem], customer: Customer | None = None
) -> list[EncodedEntity]:
    """Return some orders of a page as an answer shows them, without what is no order."""
    # Most orders of a customer have one address.
    theirs = cache(lambda email: customer is None or _is_theirs(customer, email))
    found = []
    for each in sent:
        try:
            order = _well_shaped(each, theirs, named=customer is None)
        except (msgspec.DecodeError, _OddError):
            order = encode_order(decode_lazy(each), customer)
        if order is not None:
            found.append(order)
    return found


def encode_order(item: Item, customer: Customer | None = None) -> EncodedEntity | None:
    """Return an order by way of its model, or None for what is none, or not the customer's."""
    if not is_order(item["id"]):
        return None
    if customer is not None and not customer.is_found(order_address(item)):
        return None
    order = Order.read(item)
    if customer is not None:
        if not customer.may_see(order.user_email or ""):
            return None
        order = order.for_customers()
    return EncodedEntity(order.id, order.model_dump_json().encode())


def _is_theirs(customer: Customer, email: str | None) -> bool:
    return customer.is_found(email) and customer.may_see(email or "")


def _well_shaped(
    sent: LazyItem, theirs: Callable[[str | None], bool], *, named: bool
) -> EncodedEntity | None:
    if not isinstance(sent, Raw):
        raise _OddError
    stored = _DECODER.decode(sent)
    if not is_order(stored.id.value):
        return None
    if stored.user_email is UNSET:
        # Older releases called it so.
        if stored.customer_email is not UNSET:
            raise _OddError
        email = None
    else:
        email = stored.user_email.value
    if not theirs(email):
        return None
    history = [] if stored.status_history is UNSET else stored.status_history.values
    order = _Order(
        stored.id.value,
        email,
        [_line(each.value) for each in stored.items.values],
        float(stored.total.value),
        stored.status.value,
        [_change(each.value, named=named) for each in history],
        _time(stored.created_at.value),
        _time(stored.updated_at.value),
    )
    return EncodedEntity(order.id, _ENCODER.encode(order))


def _line(line: _StoredLine) -> _Line:
    return _Line(
        line.product_id.value, line.name.value, int(line.quantity.value), float(line.price.value)
    )


def _change(change: _StoredChange, *, named: bool) -> _Change:
    by = None if change.by is UNSET or not named else change.by.value
    return _Change(change.before.value, change.after.value, _time(change.at.value), by)


def _time(text: str) -> str:
    if not _is_day(text[:10]):
        raise _OddError
    return text


@lru_cache(maxsize=4096)
def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
