"""What pydantic says of a value, in our words: without its types, and with what would be right."""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, get_args

from pydantic_core.core_schema import ErrorType

_Context = Mapping[str, Any]

_WORDS: Mapping[str, Callable[[_Context], str]] = {
    "bool_parsing": lambda _: "is neither true nor false",
    "bool_type": lambda _: "is neither true nor false",
    "decimal_parsing": lambda _: "is not a number",
    "decimal_type": lambda _: "is not a number",
    "decimal_whole_digits": lambda it: (
        f"has more than {it['whole_digits']} digits before the point"
    ),
    "decimal_max_places": lambda it: f"has more than {it['decimal_places']} decimal places",
    "decimal_max_digits": lambda it: f"has more than {it['max_digits']} digits",
    "enum": lambda it: f"is not one of {_choices(it['expected'])}",
    "finite_number": lambda _: "is not a finite number",
    "float_parsing": lambda _: "is not a number",
    "float_type": lambda _: "is not a number",
    "greater_than": lambda it: f"is not more than {_plain(it['gt'])}",
    "greater_than_equal": lambda it: f"is less than {_plain(it['ge'])}",
    "int_from_float": lambda _: "is not a whole number",
    "int_parsing": lambda _: "is not a whole number",
    "int_parsing_size": lambda _: "has too many digits",
    "int_type": lambda _: "is not a whole number",
    "less_than": lambda it: f"is not less than {_plain(it['lt'])}",
    "less_than_equal": lambda it: f"is more than {_plain(it['le'])}",
    "missing": lambda _: "is missing",
    "path_type": lambda _: "is not a path",
    "string_too_long": lambda it: f"is longer than {it['max_length']} characters",
    "string_too_short": lambda it: (
        "is empty" if it["min_length"] == 1 else f"is shorter than {it['min_length']} characters"
    ),
    "string_type": lambda _: "is not a text",
    "string_unicode": lambda _: "is not a text",
    "dict_type": lambda _: "is not an object",
    "extra_forbidden": lambda _: "is not known",
    "list_type": lambda _: "is not a list",
    "literal_error": lambda it: f"is not one of {_choices(it['expected'])}",
    "model_attributes_type": lambda _: "is not an object",
    "model_type": lambda _: "is not an object",
    "too_long": lambda it: f"has more than {it['max_length']} entries",
    "too_short": lambda it: (
        "is empty" if it["min_length"] == 1 else f"has fewer than {it['min_length']} entries"
    ),
    "tuple_type": lambda _: "is not a list",
}
_PYDANTICS = frozenset(get_args(ErrorType)) - {"value_error"}


def in_words(detail: Mapping[str, Any]) -> str:
    """Return the end of a sentence whose subject is the value: `is not a whole number`.

    `detail` is one of `ValidationError.errors()`, with its context.
    """
    if words := _WORDS.get(detail["type"]):
        return words(detail.get("ctx", {}))
    if detail["type"] in _PYDANTICS:
        return "does not have the right form"
    # Our own validators' words.
    said: str = detail["msg"]
    return said.removeprefix("Value error, ")


def _plain(number: float | Decimal) -> str:
    return f"{Decimal(str(number)).normalize():f}"


def _choices(expected: str) -> str:
    """Return pydantic's list of choices without its quotes: `'a', 'b' or 'c'`."""
    return re.sub(r"'([^']*)'", r"\1", expected)
