"""Items on the wire and in code: boto3's own mapping, in both directions."""

from collections.abc import Mapping
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

Item = dict[str, Any]
"""An item in code: strings, Decimal, bool, None, lists and dicts."""

_serialize = TypeSerializer().serialize
_deserialize = TypeDeserializer().deserialize


def encode(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return an item as DynamoDB takes it, or raise TypeError (a float, for one)."""
    return {name: _serialize(value) for name, value in item.items()}


def decode(item: Mapping[str, Any]) -> Item:
    """Return an item that DynamoDB sent."""
    return {name: _deserialize(value) for name, value in item.items()}
