"""Generates items with every type of DynamoDB in every place.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
"""

from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)

names = texts.filter(bool)

DIGITS = 38
"""The most digits of a number; zeros at its end do not count."""


huge = st.builds(
    lambda digits, exponent: Decimal(f"{digits}{'0' * exponent}"),
    st.integers(-(10**8), 10**8).filter(bool),
    st.integers(20, 117),
)
"""Numbers up to 1e125 in full, as DynamoDB sends them: more than 38 digits, most of them zeros."""

tiny = st.builds(
    lambda digits, exponent: Decimal(f"{digits}E{exponent}"),
    st.integers(-(10**5), 10**5),
    st.integers(-130, -1),
)

numbers = st.one_of(
    st.integers(-(10**37), 10**37).map(Decimal),
    st.decimals("-1e100", "1e100", allow_nan=False, places=2).filter(
        lambda number: len(number.as_tuple().digits) <= DIGITS
    ),
    huge,
    tiny,
    # Attributes that the shop expects as a time, an amount or a flag can also be numbers.
    st.sampled_from([Decimal(0), Decimal(1), Decimal("19.99"), Decimal(1_700_000_000)]),
)

binaries = st.binary(max_size=8)

sets: st.SearchStrategy[Any] = st.one_of(
    st.sets(texts, min_size=1, max_size=3),
    st.sets(numbers, min_size=1, max_size=3),
    st.sets(binaries, min_size=1, max_size=3),
)


def _nested(leaf: object, depth: int, name: str | None) -> object:
    for _ in range(depth):
        leaf = [leaf] if name is None else {name: leaf}
    return leaf


deep = st.builds(
    _nested, st.one_of(texts, numbers), st.integers(1, 30), st.one_of(st.none(), names)
)
"""Documents that are nested almost as deep as DynamoDB allows: 32 levels."""

# Older releases kept JSON in texts. A page that cut an emoji in two wrote some of it.
packed = st.sampled_from(
    [
        '[{"sender": "user", "text": "\\ud83d"}]',
        '{"positive": 1e400, "neutral": NaN, "negative": "-0"}',
        "[" * 900 + "]" * 900,
        '{"a":' * 900 + "1" + "}" * 900,
        "[1, null, [], {}]",
    ]
)

values: st.SearchStrategy[Any] = (
    st.recursive(
        st.one_of(st.none(), st.booleans(), texts, packed, numbers, binaries, sets),
        lambda inner: st.one_of(
            st.lists(inner, max_size=4), st.dictionaries(names, inner, max_size=4)
        ),
        max_leaves=12,
    )
    | deep
)
"""An attribute of any DynamoDB type."""


def shaped(**members: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Return maps in which each member is as given, anything, or missing."""
    return st.fixed_dictionaries(
        {}, optional={name: told | values for name, told in members.items()}
    )


def items_with(
    *attributes: str, **shapes: st.SearchStrategy[Any]
) -> st.SearchStrategy[dict[str, Any]]:
    """Return items in which each attribute is anything or missing.

    The attributes in `shapes` also have their intended type, with any content.
    """
    known = st.fixed_dictionaries(
        {},
        optional=dict.fromkeys(attributes, values)
        | {name: shape | values for name, shape in shapes.items()},
    )
    others = st.dictionaries(names.filter(lambda name: name != "id"), values, max_size=2)
    return st.builds(lambda some, more: more | some | {"id": "1"}, known, others)
