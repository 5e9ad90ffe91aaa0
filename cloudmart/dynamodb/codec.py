"""Items on the wire and in code: boto3's own mapping, in both directions."""

from base64 import b64decode
from collections.abc import Mapping
from decimal import Context, Decimal, Rounded
from typing import Any

from boto3.dynamodb.types import Binary, TypeDeserializer, TypeSerializer

Item = dict[str, Any]
"""An item in code: strings, Decimal, bool, None, bytes, sets, lists and dicts."""

# Exact for whatever DynamoDB holds: 38 digits, and up to 126 places before or 130 behind the point.
_EXACT = Context(prec=300)


class _Deserializer(TypeDeserializer):  # type: ignore[misc]  # boto3 has no types
    """Reads binary values from the text they are sent as, which the SDK leaves as it is.

    DynamoDB sends a number in full. The SDK takes its last zeros for digits, of which it reads 38.
    """

    def _deserialize_n(self, value: str) -> Decimal:
        return Decimal(value)

    def _deserialize_b(self, value: str | bytes) -> Binary:
        return Binary(b64decode(value) if isinstance(value, str) else value)


class _Serializer(TypeSerializer):  # type: ignore[misc]  # boto3 has no types
    """Writes all numbers that DynamoDB holds, those of more than 38 digits without their zeros."""

    def _serialize_n(self, value: Decimal | int) -> str:
        try:
            return str(super()._serialize_n(value))
        except Rounded:
            return str(super()._serialize_n(Decimal(value).normalize(_EXACT)))


_serialize = _Serializer().serialize
_deserialize = _Deserializer().deserialize


def encode(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return an item as DynamoDB takes it, or raise TypeError (a float, for one)."""
    return {name: _serialize(value) for name, value in item.items()}


def decode(item: Mapping[str, Any]) -> Item:
    """Return an item that DynamoDB sent."""
    return {name: _deserialize(value) for name, value in item.items()}
