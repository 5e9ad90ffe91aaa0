"""Orders from DynamoDB's JSON are written byte for byte as the model would write them."""

import copy
import json
import sys
from collections.abc import Callable, Iterator
from datetime import UTC
from types import CodeType
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloudmart.dynamodb.codec import decode_item, encode_item
from cloudmart.http.paging import EncodedEntity, encode_list
from cloudmart.orders.indexes import order_address, order_keys
from cloudmart.orders.list_json import Customer, encode_orders
from cloudmart.orders.models import Order, OrderLine, OrderStatus
from cloudmart.values.email import email_key, owner_form
from cloudmart.values.timestamp import stamp
from tests.support.wire_values import VALUES, Wire

_ODD_AMOUNTS = [
    "-0",
    "-1.5",
    "1.50",
    "007",
    "1e3",
    "1E+2",
    "0.005",
    "1000000000000",
    "1" + "0" * 30,
]
_ODD_TIMES = [
    *("2026-02-29T08:00:00.000Z", "0000-01-01T00:00:00.000Z", "2026-13-01T08:00:00.000Z"),
    *("2026-11-23T24:00:00.000Z", "2026-11-23T23:59:60.000Z", "2026-11-23T08:00:00Z"),
    *("2026-11-23T08:00:00.123456Z", "2026-11-23T08:00:00.000+01:00", "1970-01-01T00:00:00.000Z"),
    *("2026-11-23T08:00:00.000Z\n", "2026-11-23", ""),
]
_ODD_STATUSES = ["pending", "cancelled", " Shipped ", "Lost", ""]
_ODD: dict[str, list[str]] = {
    "total": _ODD_AMOUNTS,
    "price": _ODD_AMOUNTS,
    "quantity": ["-1", "1.5", "1e2", "1000000000", "00"],
    "createdAt": _ODD_TIMES,
    "updatedAt": _ODD_TIMES,
    "at": _ODD_TIMES,
    "status": _ODD_STATUSES,
    "from": _ODD_STATUSES,
    "to": _ODD_STATUSES,
    "userEmail": [""],
}
_NUMBERS = {"total", "price", "quantity"}

_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_S = _TEXTS.map(lambda text: {"S": text})
_SOMETHING = _TEXTS.filter(bool).map(lambda text: {"S": text})
_AMOUNTS = st.decimals(0, 10**11, places=2).map(lambda amount: {"N": str(amount.normalize())})
_TIMES = st.datetimes(timezones=st.just(UTC)).map(lambda moment: {"S": stamp(moment)})
_STATUSES = st.sampled_from(OrderStatus).map(lambda status: {"S": str(status)})


def _lists(members: st.SearchStrategy[Wire]) -> st.SearchStrategy[Wire]:
    return st.lists(members.map(lambda each: {"M": each}), max_size=3).map(lambda each: {"L": each})


_LINES = st.fixed_dictionaries(
    {
        "productId": _S,
        "name": _S,
        "quantity": st.integers(0, 1000).map(lambda number: {"N": str(number)}),
        "price": _AMOUNTS,
    },
    optional={"note": _S},
)
_CHANGES = st.fixed_dictionaries(
    {"from": _STATUSES, "to": _STATUSES, "at": _TIMES}, optional={"by": _S}
)
_ORDERS = st.fixed_dictionaries(
    {
        "items": _lists(_LINES),
        "total": _AMOUNTS,
        "status": _STATUSES,
        "createdAt": _TIMES,
        "updatedAt": _TIMES,
    },
    optional={
        "userEmail": _SOMETHING,
        "statusHistory": _lists(_CHANGES),
        "version": st.integers(0, 9).map(lambda number: {"N": str(number)}),
        "totalAmount": _AMOUNTS,
        "productId": _S,
        "emailKey": _S,
    },
)


_TODAYS = OrderLine(product_id="1", name='Café "Ä" \\ \x1f\x7f 😀', quantity=2, price="19.9")


def _todays_order() -> Wire:
    item = Order.place([_TODAYS], "ann@example.org").with_status(OrderStatus.SHIPPED, "eve").item()
    return dict(encode_item(item | order_keys(item)))


def _unparsed(item: Wire) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(item))


def _spoilt() -> Iterator[Wire]:
    """Yield orders in which one attribute, of the order or of a part, is odd, missing or new."""
    whole = _todays_order()
    paths: list[tuple[Any, ...]] = [(), ("items", "L", 0, "M"), ("statusHistory", "L", 0, "M")]
    for path in paths:
        for name in (*_at(whole, path), "customerEmail", "totalAmount", "productId", "note"):
            kind = "N" if name in _NUMBERS else "S"
            odd: list[Wire | None] = [{kind: text} for text in _ODD.get(name, ["x", ""])]
            for value in (*odd, *VALUES.values(), None):
                order = copy.deepcopy(whole)
                _at(order, path).pop(name, None)
                if value is not None:
                    _at(order, path)[name] = value
                yield order
                # As a guest's order, or one of a release with another name for the customer.
                yield {each: order[each] for each in order if each != "userEmail"}


def _at(order: Wire, path: tuple[Any, ...]) -> Wire:
    part: Any = order
    for step in path:
        part = part[step]
    return part  # type: ignore[no-any-return]


def _check(order: Wire) -> None:
    unparsed, parsed = encode_orders([_unparsed(order)]), encode_orders([order])

    assert encode_list(EncodedEntity, unparsed) == encode_list(
        Order, [Order.read(decode_item(order))]
    )
    assert unparsed == parsed
    key = email_key(order_address(decode_item(order)))
    for customer in (Customer(key or ""), Customer("ann@example.org", owner="ANN@example.org")):
        _check_for(customer, order)


def _check_for(customer: Customer, order: Wire) -> None:
    unparsed, parsed = encode_orders([_unparsed(order)], customer), encode_orders([order], customer)
    item = decode_item(order)
    found = email_key(order_address(item)) == customer.key
    whole = Order.read(item).for_customers()
    if customer.owner is not None:
        found = found and owner_form(whole.user_email or "") == owner_form(customer.owner)

    assert encode_list(EncodedEntity, unparsed) == encode_list(Order, [whole] if found else [])
    assert unparsed == parsed


@given(_TEXTS.filter(bool), _ORDERS)
@settings(max_examples=200, deadline=None)
def test_an_order_of_today_is_written_as_its_model_writes_it(key: str, order: Wire) -> None:
    _check(order | {"id": {"S": f"x{key}"}})


def test_an_order_of_any_shape_is_written_as_its_model_writes_it() -> None:
    for order in _spoilt():
        if order.get("id", {}).get("S"):
            _check(order)


def test_an_order_of_an_address_that_only_looks_like_the_owners_is_not_shown() -> None:
    kelvin = _todays_order() | {"userEmail": {"S": "\N{KELVIN SIGN}ate@example.org"}}
    key = email_key("kate@example.org") or ""

    for order in (kelvin, _unparsed(kelvin)):
        assert len(encode_orders([order], Customer(key))) == 1
        assert encode_orders([order], Customer(key, owner="kate@example.org")) == []


@pytest.mark.parametrize("key", ["internal-backfill", "heartbeat-1"])
def test_items_that_are_not_orders_are_left_out(key: str) -> None:
    note = _todays_order() | {"id": {"S": key}}

    assert encode_orders([note, _unparsed(note), _unparsed(note | {"status": {"N": "1"}})]) == []


@pytest.mark.parametrize("escaped", [True, False])
def test_the_same_json_in_another_spelling_is_read_alike(escaped: bool) -> None:  # noqa: FBT001
    item = _todays_order()
    sent = msgspec.Raw(json.dumps(item, ensure_ascii=escaped, indent=1).encode())

    assert encode_orders([sent]) == encode_orders([item])


def test_an_order_of_today_needs_no_model() -> None:
    item = _todays_order()

    assert Order.read.__func__.__code__ in _called(lambda: encode_orders([item]))  # type: ignore[attr-defined]
    assert Order.read.__func__.__code__ not in _called(lambda: encode_orders([_unparsed(item)]))  # type: ignore[attr-defined]


def _called(work: Callable[[], object]) -> set[CodeType]:
    called = set[CodeType]()
    sys.setprofile(lambda frame, *_: called.add(frame.f_code))
    try:
        work()
    finally:
        sys.setprofile(None)
    return called
