"""Cursors: opaque for clients, and valid for one list only."""

import base64
import json

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from cloudmart.errors import InvalidRequestError
from cloudmart.http import paging as cursors

names = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
keys = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=255
)
json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.floats(), st.integers(), st.text()),
    lambda inner: st.lists(inner, max_size=4),
    max_leaves=8,
)


def _opaque(text: bytes) -> str:
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


@given(names, keys)
def test_a_cursor_leads_back_to_the_item_it_was_written_after(name: str, key: str) -> None:
    cursor = cursors.write_cursor(name, key)

    assert cursors.read_cursor(name, cursor) == key
    assert len(cursor) <= 4096
    assert cursor.replace("-", "").replace("_", "").isalnum()


@given(names, names, keys)
def test_another_lists_cursor_is_refused(name: str, other: str, key: str) -> None:
    assume(name != other)

    with pytest.raises(InvalidRequestError):
        cursors.read_cursor(other, cursors.write_cursor(name, key))


@given(st.one_of(st.text(), st.binary().map(_opaque), json_values.map(json.dumps)))
def test_a_broken_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        cursors.read_cursor("products", cursor)

    assert [fault.pointer for fault in caught.value.faults] == ["/query/cursor"]


@given(json_values)
def test_a_forged_cursor_is_refused(content: object) -> None:
    with pytest.raises(InvalidRequestError):
        cursors.read_cursor("products", _opaque(json.dumps(content).encode()))


@pytest.mark.parametrize(
    "content",
    [
        *('["1", "products", ""]', '["1", "products", null]', '["1", "products", 7]', "[]", "7"),
        *('["2", "products", "1"]', '[1, "products", "1"]', '["1", "products"]', "NaN", ""),
        *('["1", "products", "1", "2"]', '{"1": "products"}', '["1", "products", "\\ud800"]'),
        *('["1", "products", "a\\u0000"]', f'["1", "products", "{"x" * 2049}"]', "\ufeff[]"),
        *("[" * 100_000, "1" * 5000),
    ],
)
def test_a_cursor_that_names_no_item_is_refused(content: str) -> None:
    with pytest.raises(InvalidRequestError):
        cursors.read_cursor("products", _opaque(content.encode()))
