"""Items on the wire and in code: boto3's own mapping, in both directions."""

from base64 import b64decode
from collections.abc import Mapping
from typing import Any

from boto3.dynamodb.types import Binary, TypeDeserializer, TypeSerializer

Item = dict[str, Any]
"""An item in code: strings, Decimal, bool, None, lists and dicts."""


class _Deserializer(TypeDeserializer):  # type: ignore[misc]  # boto3 has no types
    """Reads binary values from the text they are sent as, which the SDK leaves as it is."""

    def _deserialize_b(self, value: str | bytes) -> Binary:
        return Binary(b64decode(value) if isinstance(value, str) else value)


_serialize = TypeSerializer().serialize
_deserialize = _Deserializer().deserialize


def encode(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return an item as DynamoDB takes it, or raise TypeError (a float, for one)."""
    return {name: _serialize(value) for name, value in item.items()}


def decode(item: Mapping[str, Any]) -> Item:
    """Return an item that DynamoDB sent."""
    return {name: _deserialize(value) for name, value in item.items()}
