"""Money: decimal in code and in the table, a JSON number on the wire."""

import re
from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WithJsonSchema

CENT = Decimal("0.01")
PRICE_LIMIT = 1_000_000

# Beyond this an amount is no money but a mistake; below it a JSON number still has its cents.
_MOST = 10**12

# How far a sum of binary floats strays from the sum of cents it stands for, and far more.
_NOISE = Decimal("0.000001")

_PLAIN_NUMBER = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?")


def _plain(value: Any) -> Any:  # noqa: ANN401 - whatever a caller or the table holds
    # Decimal's own grammar takes "1e5", "1_0" and other alphabets' digits, and Python true as 1.
    number = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
    if not number and not (isinstance(value, str) and _PLAIN_NUMBER.fullmatch(value.strip())):
        msg = "a number such as 19.99 is needed"
        raise ValueError(msg)
    return value


def round_to_cents(amount: Decimal) -> Decimal:
    """Round an amount to the cent; older versions stored what binary floats made of it."""
    return amount.quantize(CENT, ROUND_HALF_UP) + 0


_wire = PlainSerializer(float, return_type=float, when_used="json")

Money = Annotated[
    Decimal,
    BeforeValidator(_plain),
    Field(ge=-_MOST, le=_MOST, allow_inf_nan=False),
    AfterValidator(round_to_cents),
    WithJsonSchema({"type": "number"}),
    _wire,
]
"""An amount as it was stored: a number, or a string of one."""

Price = Annotated[
    Decimal,
    BeforeValidator(_plain),
    Field(ge=0, le=PRICE_LIMIT, decimal_places=2, allow_inf_nan=False),
    AfterValidator(round_to_cents),
    WithJsonSchema({"type": "number", "minimum": 0, "maximum": PRICE_LIMIT, "multipleOf": 0.01}),
    _wire,
]
"""A price the shop asks: 0 to 1,000,000 with at most two decimals."""

StatedAmount = Annotated[
    Decimal,
    BeforeValidator(_plain),
    Field(allow_inf_nan=False),
    WithJsonSchema({"type": "number"}),
]
"""An amount a caller believes to be true; compared with ours, never stored."""


def differs(stated: Decimal, ours: Decimal) -> bool:
    """Return whether two amounts are a cent or more apart; binary noise is no difference."""
    return abs(stated - ours) > CENT - _NOISE
