"""Removing the notes that releases before kept among the orders."""

from typing import Any

from cloudmart.dynamodb.codec import decode, encode
from cloudmart.dynamodb.findings import Finding, State
from cloudmart.dynamodb.internal import BACKFILL, ORDER_SECRET
from cloudmart.settings import DynamoDBSettings

_PART = "old notes"
_NO_COPY = (
    "the secret is not among the conversations yet: nothing was removed. The service copies it "
    "when the first order with an Idempotency-Key comes"
)
_ANOTHER = (
    "none are left. The secret among them was another than the service's: a request that an older "
    "release was sent with an Idempotency-Key would make a second order if it were repeated now"
)


async def remove_old_notes(client: Any, names: DynamoDBSettings) -> Finding:  # noqa: ANN401
    """Remove the notes from among the orders, if the secret's copy is where it is read now."""
    old = await _secret(client, names.orders_table)
    copy = await _secret(client, names.conversations_table)
    if old is not None and copy is None:
        return Finding(names.orders_table, _PART, State.WRONG, _NO_COPY)
    for key in (BACKFILL, ORDER_SECRET):
        await client.delete_item(TableName=names.orders_table, Key=encode({"id": key}))
    another = old is not None and old != copy
    return Finding(names.orders_table, _PART, State.OK, _ANOTHER if another else "none are left")


async def _secret(client: Any, table: str) -> object:  # noqa: ANN401
    key = encode({"id": ORDER_SECRET})
    answer = await client.get_item(TableName=table, Key=key, ConsistentRead=True)
    return decode(answer.get("Item", {})).get("secret")
