"""Items on the wire and in code: DynamoDB's JSON, in both directions.

AWS: "DynamoDB low-level API", https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.LowLevelAPI.html
The mapping is that of boto3, whose own costs a start of the Lambda a quarter of a second.
"""

from base64 import b64decode
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from decimal import Clamped, Context, Decimal, Inexact, Overflow, Rounded, Underflow
from typing import Any

Item = dict[str, Any]
"""An item in code: strings, Decimal, bool, None, bytes, sets, lists and dicts."""

# What DynamoDB holds: 38 digits, up to 126 places before the point or 130 behind it.
_NUMBERS = Context(
    prec=38, Emin=-128, Emax=126, traps=[Clamped, Overflow, Inexact, Rounded, Underflow]
)
# Exact for all of these, however many zeros they are written with.
_EXACT = Context(prec=300)


def encode_item(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return an item as DynamoDB takes it, or raise TypeError (a float, for one)."""
    return {name: _encoded(value) for name, value in item.items()}


def decode_item(item: Mapping[str, Any]) -> Item:
    """Return an item that DynamoDB sent, or raise TypeError for a type it does not have."""
    return {name: _decoded(value) for name, value in item.items()}


def _encoded(value: object) -> dict[str, Any]:
    if write := _OF_TYPE.get(type(value)):
        return write(value)
    for kind, write in _WRITERS:
        if isinstance(value, kind):
            return write(value)
    raise TypeError(f"{type(value).__name__} is no type of DynamoDB")


def _encoded_set(values: AbstractSet[object]) -> dict[str, Any]:
    encoded = [_encoded(each) for each in values]
    kinds = {kind for each in encoded for kind in each}
    if len(kinds) != 1 or not kinds <= {"S", "N", "B"}:
        raise TypeError("A set of DynamoDB has strings only, numbers only, or bytes only")
    kind = kinds.pop()
    return {f"{kind}S": [each[kind] for each in encoded]}


def _number(value: Decimal | int) -> str:
    number = Decimal(value)
    if not number.is_finite():
        raise TypeError("Infinity and NaN are no numbers of DynamoDB")
    try:
        return str(_NUMBERS.create_decimal(number))
    except Rounded:
        # Zeros at its end are no digits.
        return str(_NUMBERS.create_decimal(number.normalize(_EXACT)))


_WRITERS: tuple[tuple[Any, Callable[[Any], dict[str, Any]]], ...] = (
    (str, lambda value: {"S": value}),
    # Before numbers: to Python it is one.
    (bool, lambda value: {"BOOL": value}),
    (Decimal | int, lambda value: {"N": _number(value)}),
    (type(None), lambda _: {"NULL": True}),
    (Mapping, lambda value: {"M": encode_item(value)}),
    (list | tuple, lambda value: {"L": [_encoded(each) for each in value]}),
    (AbstractSet, _encoded_set),
    (bytes | bytearray, lambda value: {"B": bytes(value)}),
)


# Nearly all values are just of these types: to look them up takes a fifth of the time.
_OF_TYPE: dict[type, Callable[[Any], dict[str, Any]]] = {
    kind: next(write for told, write in _WRITERS if issubclass(kind, told))
    for kind in (str, bool, int, Decimal, type(None), dict, list)
}


def _decoded(value: Mapping[str, Any]) -> Any:  # noqa: ANN401 - any value of an item
    ((kind, inner),) = value.items()
    read = _READERS.get(kind)
    if read is None:
        raise TypeError(f"{kind!r} is no type of DynamoDB")
    return read(inner)


def _binary(value: str | bytes) -> bytes:
    # Base64 as it is sent, or what the SDK has made of it.
    return b64decode(value) if isinstance(value, str) else value


_READERS: dict[str, Callable[[Any], Any]] = {
    "S": str,
    "N": Decimal,
    "BOOL": bool,
    "NULL": lambda _: None,
    "M": decode_item,
    "L": lambda values: [_decoded(each) for each in values],
    "SS": set,
    "NS": lambda values: {Decimal(each) for each in values},
    "BS": lambda values: {_binary(each) for each in values},
    "B": _binary,
}
