"""Whatever a table may hold."""

from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)

names = texts.filter(bool)

numbers = st.one_of(
    st.integers(-(10**37), 10**37).map(Decimal),
    st.decimals("-1e100", "1e100", allow_nan=False, places=2).filter(
        lambda number: len(number.as_tuple().digits) <= 38
    ),
)

values: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), texts, numbers),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(names, inner, max_size=4)),
    max_leaves=12,
)
"""What an attribute may be: DynamoDB's documents."""


def items_with(*attributes: str) -> st.SearchStrategy[dict[str, Any]]:
    """Return items that may have some attributes, each of them anything."""
    known = st.fixed_dictionaries({}, optional=dict.fromkeys(attributes, values))
    others = st.dictionaries(names.filter(lambda name: name != "id"), values, max_size=2)
    return st.builds(lambda some, more: more | some | {"id": "1"}, known, others)
