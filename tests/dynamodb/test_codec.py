"""Items on the wire and in code."""

from contextlib import suppress
from decimal import Decimal, Rounded
from typing import Any

import pytest
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from hypothesis import HealthCheck, given, settings

from cloudmart.dynamodb.codec import decode_item, encode_item
from cloudmart.settings import Settings
from tests.support.generated_items import items_with

items = items_with("total", "items", "name")


@given(items)
def test_an_item_comes_back_as_it_went(item: dict[str, Any]) -> None:
    assert decode_item(encode_item(item)) == item


@given(items)
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_stored_item_comes_back_as_it_went(
    dynamodb: Any,  # noqa: ANN401 - boto3's
    settings: Settings,
    item: dict[str, Any],
) -> None:
    name = settings.dynamodb.products_table

    dynamodb.put_item(TableName=name, Item=encode_item(item))

    stored = dynamodb.get_item(TableName=name, Key=encode_item({"id": item["id"]}))["Item"]
    assert decode_item(stored) == item


def test_a_binary_float_is_never_stored() -> None:
    with pytest.raises(TypeError, match="float"):
        encode_item({"price": 19.99})


@given(items)
def test_items_are_written_as_boto3_does_it(item: dict[str, Any]) -> None:
    written = encode_item(item)

    for name, value in item.items():
        # DynamoDB counts zeros at the end of a number as digits, and refuses more than 38.
        with suppress(Rounded):
            theirs = TypeSerializer().serialize(value)
            assert _unordered(written[name]) == _unordered(theirs)


@given(items)
def test_items_are_read_as_boto3_does_it(item: dict[str, Any]) -> None:
    written = encode_item(item)

    for name, value in written.items():
        with suppress(Rounded):
            assert decode_item({name: value}) == {name: TypeDeserializer().deserialize(value)}


@pytest.mark.parametrize(
    "value",
    [
        19.99,
        Decimal("NaN"),
        Decimal("Infinity"),
        set(),
        {"a", Decimal(1)},
        {("a",)},
        object(),
        {"deep": [19.99]},
    ],
)
def test_what_dynamodb_does_not_hold_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        encode_item({"value": value})


@pytest.mark.parametrize("value", [Decimal("1" * 39), Decimal("1e127")])
def test_a_number_that_would_be_rounded_is_refused(value: Decimal) -> None:
    with pytest.raises(ArithmeticError):
        encode_item({"value": value})


def _unordered(value: object) -> object:
    """Return a value of DynamoDB's JSON in which the order of a set does not matter."""
    if isinstance(value, dict):
        return {
            kind: frozenset(each) if kind in {"SS", "NS", "BS"} else _unordered(each)
            for kind, each in value.items()
        }
    return [_unordered(each) for each in value] if isinstance(value, list) else value
