"""The JSON of calls and answers, compared with the standard library's."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudmart.dynamodb.messages import decode_answer, encode_call


class Text(str):
    """A subclass of `str`."""

    __slots__ = ()


ANY_TEXT = st.text(st.characters())
ANY_JSON = st.recursive(
    st.none() | st.booleans() | ANY_TEXT | st.integers(-(2**63), 2**63),
    lambda inner: st.lists(inner) | st.dictionaries(ANY_TEXT, inner),
)


@given(st.dictionaries(ANY_TEXT, ANY_JSON))
def test_calls_are_the_same_json(parameters: dict[str, Any]) -> None:
    assert json.loads(encode_call(parameters)) == parameters


@given(ANY_JSON, st.booleans())
def test_answers_are_read_the_same(document: object, ascii_only: bool) -> None:  # noqa: FBT001 - generated
    answer = json.dumps(document, ensure_ascii=ascii_only).encode(errors="replace")

    assert decode_answer(answer) == json.loads(answer)


def test_binary_values_are_sent_in_base64() -> None:
    sent = encode_call({"B": b"\x00\x01", "other": bytearray(b"\x00\x01"), "S": Text("a")})

    assert json.loads(sent) == {"B": "AAE=", "other": "AAE=", "S": "a"}


def test_half_a_character_is_sent_and_read() -> None:
    assert encode_call({"S": "\ud83d"}) == b'{"S":"\\ud83d"}'
    assert decode_answer(b'{"S":"\\ud83d"}') == {"S": "\ud83d"}


def test_what_dynamodb_does_not_have_is_not_sent() -> None:
    with pytest.raises(TypeError, match="complex is no value of DynamoDB"):
        encode_call({"N": 1j})


@pytest.mark.parametrize("answer", [b"", b"<html>", b'{"Item": ', b"\xff", b"[" * 100_000])
def test_invalid_json_is_refused(answer: bytes) -> None:
    with pytest.raises((ValueError, RecursionError)):
        decode_answer(answer)
