"""The shop under test: 24 products, and a customer with 20 orders of two lines each."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

import boto3

from cloudmart.dynamodb.codec import Item, encode_item
from cloudmart.dynamodb.schema import KEYS_VERSION
from cloudmart.orders.indexes import INDEXED_ORDERS, order_keys
from cloudmart.orders.models import Order, OrderLine, total_of
from cloudmart.products.models import Product
from cloudmart.settings import DynamoDBSettings
from cloudmart.tables.schema import shop_tables
from cloudmart.tables.steps import table_definition
from cloudmart.values.timestamp import stamp

NAMES = DynamoDBSettings(
    products_table="bench-products",
    orders_table="bench-orders",
    tickets_table="bench-tickets",
    conversations_table="bench-conversations",
)
ENVIRONMENT = {
    "AUTH": "off",
    "AWS_ACCESS_KEY_ID": "bench",
    "AWS_SECRET_ACCESS_KEY": "bench",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "DYNAMODB_PRODUCTS_TABLE": NAMES.products_table,
    "DYNAMODB_ORDERS_TABLE": NAMES.orders_table,
    "DYNAMODB_TICKETS_TABLE": NAMES.tickets_table,
    "DYNAMODB_CONVERSATIONS_TABLE": NAMES.conversations_table,
    # The defaults, whatever the environment of the person who measures has set.
    "CATALOGUE_TTL": "2",
    # All load comes from one client. It is counted as in production, but never refused.
    **{f"RATE_LIMIT_{kind}": "1000000000" for kind in ("READ", "WRITE", "CHAT", "EMAIL")},
}
"""What a process needs to know about the shop, except the address of its DynamoDB."""

_MOMENT = datetime(2026, 11, 23, 8, tzinfo=UTC)

PRODUCTS = [
    Product(
        id=str(number),
        name=f"Desk lamp {number}",
        description="A warm light for a long evening, with a dimmer and a foot of oak. " * 3,
        price=Decimal(number) + Decimal("0.99"),
        image="data:image/svg+xml," + "%3Cpath d='M1 1h98v98H1z'/%3E" * 16,
        created_at=_MOMENT,
        updated_at=_MOMENT,
    )
    for number in range(1, 25)
]

CUSTOMER = "ann@example.org"
_LINES = [
    OrderLine(product_id=product.id, name=product.name, quantity=2, price=product.price)
    for product in PRODUCTS[:2]
]
ORDERS = [
    Order(
        id=f"order{number}",
        user_email=CUSTOMER,
        items=_LINES,
        total=total_of(_LINES),
        created_at=_MOMENT,
        updated_at=_MOMENT,
    )
    for number in range(20)
]

OTHER_CUSTOMER = "bob@example.org"
"""The customer of the orders that are placed during a run: the measured list keeps its length."""


def open_shop() -> None:
    """Create and fill the tables."""
    dynamodb = boto3.client("dynamodb")
    for schema in shop_tables(NAMES):
        dynamodb.create_table(**table_definition(schema))
    for table, item in _items():
        dynamodb.put_item(TableName=table, Item=encode_item(item))


def order_item(order: Order) -> Item:
    """Return an order as the shop stores it."""
    item = order.item()
    return item | order_keys(item)


def _items() -> Iterator[tuple[str, Item]]:
    for product in PRODUCTS:
        yield NAMES.products_table, product.item()
    for order in ORDERS:
        yield NAMES.orders_table, order_item(order)
    # Without this record, look-ups by e-mail do not use the index.
    record = {"id": INDEXED_ORDERS.record, "keys": KEYS_VERSION, "completedAt": stamp(_MOMENT)}
    yield NAMES.conversations_table, record
