"""Money: decimal in code and in the table, a JSON number on the wire."""

import re
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

CENT = Decimal("0.01")
PRICE_LIMIT = 1_000_000

_PLAIN_NUMBER = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?")


def _plain(value: Any) -> Any:  # noqa: ANN401 - whatever a caller or the table holds
    # Decimal's own grammar takes "1e5", "1_0" and other alphabets' digits.
    if isinstance(value, str) and not _PLAIN_NUMBER.fullmatch(value.strip()):
        msg = "a number such as 19.99 is needed"
        raise ValueError(msg)
    return value


Money = Annotated[
    Decimal,
    Field(allow_inf_nan=False),
    PlainSerializer(float, return_type=float, when_used="json"),
]
"""An amount as it was stored: any finite number, or a string of one."""

Price = Annotated[
    Decimal,
    BeforeValidator(_plain),
    Field(ge=0, le=PRICE_LIMIT, decimal_places=2, allow_inf_nan=False),
    WithJsonSchema({"type": "number", "minimum": 0, "maximum": PRICE_LIMIT, "multipleOf": 0.01}),
    PlainSerializer(float, return_type=float, when_used="json"),
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
    """Tell whether two amounts are a cent or more apart; binary noise is no difference."""
    return abs(stated - ours) >= CENT
