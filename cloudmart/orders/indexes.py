"""The indexes of the orders' table, and the attributes of an order that they are made of."""

from cloudmart.dynamodb.codec import Item
from cloudmart.dynamodb.schema import CREATED_AT, IndexedItems, TableIndex, created_at, in_shard
from cloudmart.values.email import email_key, is_test_address
from cloudmart.values.timestamp import day_of

EMAIL_KEY = "emailKey"
DAY_SHARD = "dayShard"

ORDERS_BY_EMAIL = TableIndex("emailKey-createdAt-index", EMAIL_KEY, CREATED_AT)
ORDERS_BY_DAY = TableIndex("dayShard-createdAt-index", DAY_SHARD, CREATED_AT)


def order_address(order: Item) -> object:
    """Return the address an order shows, whatever older releases called it."""
    address = order.get("userEmail")
    return order.get("customerEmail") if _is_empty(address) else address


def is_test_order(order: Item) -> bool:
    """Return whether an order is a test order, which no statistics count."""
    return is_test_address(order_address(order))


def order_keys(order: Item) -> dict[str, str]:
    """Return the index attributes of an order: none for an address or a day that is not there.

    A test order has no day, so no count by day includes it.
    """
    created = created_at(order)
    day = None if is_test_order(order) else day_of(created)
    keys = {
        EMAIL_KEY: email_key(order_address(order)),
        DAY_SHARD: in_shard(day, order["id"]) if day else None,
        CREATED_AT: created,
    }
    return {name: value for name, value in keys.items() if value is not None}


def _is_empty(value: object) -> bool:
    return value is None or value == ""


INDEXED_ORDERS = IndexedItems(
    "orders",
    order_keys,
    ("userEmail", "customerEmail", CREATED_AT, "updatedAt", EMAIL_KEY, DAY_SHARD),
    attributes=(EMAIL_KEY, DAY_SHARD),
    record="internal-index-keys-orders",
)
