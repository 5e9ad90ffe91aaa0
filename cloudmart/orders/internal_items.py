"""Items in the orders table that are not customers' orders: notes of the service, heartbeats.

Notes are kept in the conversations table. Notes of older releases are still in the orders table.
They look like empty cancelled orders, because older readers of the table do not know notes.
"""

from decimal import Decimal
from typing import Any

from cloudmart.dynamodb.codec import decode_item, encode_item
from cloudmart.settings import DynamoDBSettings
from cloudmart.values.timestamp import now, stamp

BACKFILL = "internal-backfill"
PROBE = "internal-probe"
"""An id that no item has: a check reads it to see whether the table can be read."""
ORDER_SECRET = "internal-order-secret"  # noqa: S105 - the name of a secret, not one

# Orders of ours have 16 letters and digits, older ones 8 hex digits; neither has a hyphen.
_PREFIX = "internal-"

HEARTBEAT = "heartbeat-"
"""The beginning of the ids of orders that only test the pipeline."""

_NO_COPY = (
    "nothing was removed: the conversations table does not have the secret yet. The service copies "
    "it at the first order with an Idempotency-Key"
)
_ANOTHER = (
    "none are left. The secret among them was another than the service's: a request that an older "
    "release was sent with an Idempotency-Key would make a second order if it were repeated now"
)


def is_order(key: str) -> bool:
    """Return whether an id is that of an order somebody placed."""
    return not is_internal(key) and not is_heartbeat(key)


def is_internal(key: str) -> bool:
    """Return whether an id in the orders table is not an order's."""
    return key.startswith(_PREFIX)


def is_heartbeat(key: str) -> bool:
    """Return whether an order is no customer's, but goes through the pipeline like one."""
    return key.startswith(HEARTBEAT)


def note_item(key: str, **attributes: object) -> dict[str, Any]:
    """Return an internal item with some attributes."""
    moment = stamp(now())
    shell = {"items": [], "total": Decimal(), "status": "Canceled"}
    return {"id": key, **shell, "createdAt": moment, "updatedAt": moment, **attributes}


async def remove_notes_from_orders(client: Any, names: DynamoDBSettings) -> tuple[bool, str]:  # noqa: ANN401
    """Remove the notes from among the orders, if the secret's copy is where it is read now.

    Return whether none is left, and a sentence that says so.
    """
    old = await _secret(client, names.orders_table)
    copy = await _secret(client, names.conversations_table)
    if old is not None and copy is None:
        return False, _NO_COPY
    for key in (BACKFILL, ORDER_SECRET):
        await client.delete_item(TableName=names.orders_table, Key=encode_item({"id": key}))
    another = old is not None and old != copy
    return True, _ANOTHER if another else "none are left"


async def _secret(client: Any, table: str) -> object:  # noqa: ANN401
    key = encode_item({"id": ORDER_SECRET})
    answer = await client.get_item(TableName=table, Key=key, ConsistentRead=True)
    return decode_item(answer.get("Item", {})).get("secret")
