"""JSON is decoded only as far as the model knows it, and a fault is reported with its place."""

import json
import tracemalloc
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, ValidationError
from pydantic.alias_generators import to_camel

from cloudmart.http.json_decoder import DEEPEST, decode_json, has_more_items, is_too_deep, shape_of
from cloudmart.values.text import MOST_ITEMS, Characters, Newest


class Line(BaseModel):
    """A part of a model."""

    text: Annotated[str, Characters(3)] | None = None
    number: float = 0


class Whole(BaseModel, alias_generator=to_camel, validate_by_name=True, validate_by_alias=True):
    """A model with every kind of field that our models have."""

    line: Line | None = None
    some_lines: Annotated[list[Line], Newest(2)] = []
    few_lines: Annotated[list[Line], Field(max_length=2)] | None = None


WHOLE = shape_of(Whole)
NAMES = ["line", "someLines", "some_lines", "fewLines", "text", "number", "x", 'a"b', "é", ""]

values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(st.sampled_from('[]{},:"\\é€😀\n\x00ab'), max_size=8),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.sampled_from(NAMES), inner, max_size=5)
    ),
    max_leaves=30,
)
lines = st.fixed_dictionaries({}, optional={"text": values, "number": values, "x": values})
wholes = st.fixed_dictionaries(
    {},
    optional={
        "line": st.one_of(lines, values),
        "someLines": st.one_of(st.lists(lines, max_size=5), values),
        "fewLines": st.one_of(st.lists(lines, max_size=3), values),
        "x": values,
    },
)


def _told(body: Any) -> object:  # noqa: ANN401 - any JSON
    """Return the model of a body, or its fault and the fault's place."""
    try:
        return Whole.model_validate(body)
    except ValidationError as error:
        return [(fault["loc"], fault["type"]) for fault in error.errors()]


@given(st.one_of(wholes, values), st.booleans(), st.sampled_from(["", " ", "\n\t "]))
async def test_what_is_left_makes_the_same_model_or_the_same_fault(
    body: Any,  # noqa: ANN401
    ascii_only: bool,  # noqa: FBT001
    around: str,
) -> None:
    text = around + json.dumps(body, ensure_ascii=ascii_only) + around

    decoded = await decode_json(bytearray(text.encode()), WHOLE, json.loads)

    assert _told(decoded) == _told(body)


@given(values, st.integers(1, 9))
async def test_depth_is_measured_whatever_texts_contain(
    body: Any,  # noqa: ANN401
    piece: int,
) -> None:
    deep = DEEPEST - _depth(body)

    for more in range(2):
        around = deep + more
        text = "[" * around + json.dumps([body, "[{" * DEEPEST])[1:-1] + "]" * around
        assert await is_too_deep(bytearray(text.encode()), piece) == bool(more)


@given(st.lists(values, max_size=6), st.integers(0, 7), st.integers(1, 9))
async def test_items_are_counted_whatever_they_hold(
    items: list[Any], most: int, piece: int
) -> None:
    content = memoryview(json.dumps(items).encode())

    assert await has_more_items(content, max(most, 1), piece) == (len(items) > max(most, 1))


@pytest.mark.parametrize(
    ("content", "position"),
    [
        ('{"line": {"text": "é"}, }', 24),
        ('{"line": 1', 10),
        ('{"é": NaN}', 6),
        ('{"someLines": [1 2]}', 17),
        ("", 0),
        ("{} {}", 4),
    ],
)
async def test_invalid_json_is_reported_with_its_place(content: str, position: int) -> None:
    with pytest.raises(json.JSONDecodeError) as malformed:
        await decode_json(bytearray(content.encode()), WHOLE, json.loads)

    assert malformed.value.pos == position


@pytest.mark.parametrize("content", [b'{"line": {"text": "\xff"}}', b'{"line": {"number": -}}'])
async def test_an_invalid_text_or_number_is_invalid_json(content: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - any of them is a 400
        await decode_json(bytearray(content), WHOLE, json.loads)


@pytest.mark.parametrize(
    "content",
    [
        b'{"x": [' + b"[[]]," * 1_600_000 + b"0]}",
        b'{"line": {"x": [' + b"[[]]," * 1_600_000 + b"0]}}",
        b'{"line": [' + b"[[]]," * 1_600_000 + b"0]}",
        b'{"line": {"text": {"a":' + b'[{"a":0}],"a":' * 500_000 + b"0}}}",
        b'{"someLines": [' + b"{}," * 2_600_000 + b"{}]}",
        b'{"someLines": [{"x": [' + b"[]," * 2_600_000 + b"0]}]}",
        b'{"fewLines": [' + b"{}," * 2_600_000 + b"{}]}",
        b"[" + b"[[]]," * 1_600_000 + b"0]",
        b"{" + b'"a":[],' * 1_100_000 + b'"a":0}',
    ],
    ids=lambda content: content[:24].decode(),
)
async def test_unknown_members_are_not_built(content: bytes) -> None:
    body = bytearray(content)

    tracemalloc.start()
    await decode_json(body, WHOLE, json.loads)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    # Decoding holds a part of the body and little else. Built completely, it would be some 200 MB.
    assert most < 3 * 2**20


async def test_a_list_that_is_too_long_is_reported_by_its_length_alone() -> None:
    content = b'{"someLines": [' + b"{}," * MOST_ITEMS + b"{}]}"

    assert _told(await decode_json(bytearray(content), WHOLE, json.loads)) == [
        (("someLines",), "too_many")
    ]


def test_where_anything_may_be_nothing_can_be_skipped() -> None:
    with pytest.raises(TypeError):
        shape_of(dict[str, int])


def _depth(value: Any) -> int:  # noqa: ANN401
    if isinstance(value, dict):
        value = list(value.values())
    return 1 + max(map(_depth, value), default=0) if isinstance(value, list) else 0
