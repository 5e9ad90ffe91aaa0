"""Money: decimal in code and in the table, a JSON number on the wire."""

import json
from decimal import Decimal
from math import fsum

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from cloudmart.dynamodb.codec import decode_item, encode_item
from cloudmart.values.money import (
    CENT,
    PRICE_LIMIT,
    Money,
    Price,
    StatedAmount,
    differs,
    round_to_cents,
)

prices = st.decimals(0, PRICE_LIMIT, places=2)
quantities = st.integers(1, 1000)


class _Priced(BaseModel):
    price: Price


class _Stored(BaseModel):
    amount: Money


class _Stated(BaseModel):
    amount: StatedAmount


@given(prices)
def test_a_price_comes_back_from_the_wire_as_it_went(price: Decimal) -> None:
    sent = _Priced(price=price).model_dump_json()

    assert _Priced.model_validate(json.loads(sent)).price == price


@given(prices)
def test_a_price_comes_back_from_the_table_as_it_went(price: Decimal) -> None:
    stored = encode_item(_Priced(price=price).model_dump())

    assert _Priced.model_validate(decode_item(stored)).price == price


@given(prices)
def test_a_price_is_a_json_number_of_the_same_cents(price: Decimal) -> None:
    number = json.loads(_Priced(price=price).model_dump_json())["price"]

    assert isinstance(number, float)
    assert round(number * 100) == price * 100


@given(prices, st.sampled_from(["{}", " {} ", "{:f}"]))
def test_a_price_may_come_as_a_string(price: Decimal, form: str) -> None:
    assert _Priced.model_validate({"price": form.format(price)}).price == price


@pytest.mark.parametrize(
    "price",
    [
        *(-0.01, "-1", 1_000_000.01, "1000000.01", 10**400, 0.001, "19.999", 1e-7, 1e308),
        *(float("nan"), float("inf"), "NaN", "Infinity", "1e5", "1_0", "٣", "0x10", "19,99", ""),
        *(True, False, None, [], {}, [19.99], {"amount": 19.99}, "free", "19.99\0", "\ud800"),
    ],
)
def test_an_invalid_price_is_refused(price: object) -> None:
    with pytest.raises(ValidationError):
        _Priced.model_validate({"price": price})


@pytest.mark.parametrize("price", [0, -0.0, "-0", "0.00"])
def test_nothing_costs_nothing_without_a_sign(price: object) -> None:
    assert str(_Priced.model_validate({"price": price}).price) == "0.00"


@given(st.lists(st.tuples(prices, quantities), max_size=100))
def test_a_sum_made_of_binary_floats_is_not_a_difference(lines: list[tuple[Decimal, int]]) -> None:
    ours = sum((price * quantity for price, quantity in lines), Decimal())
    theirs = sum(float(price) * quantity for price, quantity in lines)

    stated = _Stated.model_validate({"amount": theirs}).amount

    assert not differs(stated, ours)


@given(prices, st.integers(1, 10**9), st.sampled_from([-1, 1]), st.floats(-1e-9, 1e-9))
def test_a_cent_is_a_difference_with_and_without_noise(
    price: Decimal, cents: int, sign: int, noise: float
) -> None:
    other = fsum([float(price + sign * cents * CENT), noise])

    assert differs(Decimal(str(other)), price)


@given(prices, st.decimals("-0.0099", "0.0099", places=4))
def test_less_than_a_cent_is_not_a_difference(price: Decimal, little: Decimal) -> None:
    assert not differs(price + little, price)


@pytest.mark.parametrize("amount", [1e308, -1e308, 10**300, -(10**300)])
def test_an_absurd_amount_is_a_difference(amount: float) -> None:
    assert differs(_Stated.model_validate({"amount": amount}).amount, Decimal("19.99"))


@given(prices)
def test_binary_noise_in_a_stored_amount_is_rounded_away(price: Decimal) -> None:
    noisy = Decimal(float(price) + 1e-9)

    assert _Stored(amount=noisy).amount == price


@given(st.one_of(st.decimals(allow_nan=True, allow_infinity=True), st.text(), st.booleans()))
def test_whatever_is_stored_is_an_amount_or_unreadable(stored: object) -> None:
    try:
        amount = _Stored.model_validate({"amount": stored}).amount
    except ValidationError:
        return

    number = json.loads(_Stored(amount=amount).model_dump_json())["amount"]
    assert round_to_cents(Decimal(str(number))) == amount
