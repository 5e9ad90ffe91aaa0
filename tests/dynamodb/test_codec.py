"""Items on the wire and in code."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from cloudmart.dynamodb.codec import decode, encode
from cloudmart.settings import Settings
from tests.support.items import items_with

items = items_with("total", "items", "name")


@given(items)
def test_an_item_comes_back_as_it_went(item: dict[str, Any]) -> None:
    assert decode(encode(item)) == item


@given(items)
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_stored_item_comes_back_as_it_went(
    dynamodb: Any,  # noqa: ANN401 - boto3's
    settings: Settings,
    item: dict[str, Any],
) -> None:
    name = settings.dynamodb.products_table

    dynamodb.put_item(TableName=name, Item=encode(item))

    stored = dynamodb.get_item(TableName=name, Key=encode({"id": item["id"]}))["Item"]
    assert decode(stored) == item


def test_a_binary_float_is_never_stored() -> None:
    with pytest.raises(TypeError, match="Float"):
        encode({"price": 19.99})
