"""Creates tables: as the schema wants them, as in production today, or only names for new ones."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from decimal import Decimal
from typing import Any
from uuid import uuid4

from cloudmart.dynamodb.codec import Item, decode_item, encode_item
from cloudmart.dynamodb.schema import KEYS_VERSION, TableIndex
from cloudmart.orders.indexes import INDEXED_ORDERS
from cloudmart.settings import CatalogueSettings, DynamoDBSettings, Environment, Settings
from cloudmart.tables.schema import shop_tables
from cloudmart.tables.steps import index_definition, table_definition
from cloudmart.tickets.indexes import INDEXED_TICKETS

LAMP = {"id": "1", "name": "Desk lamp", "price": Decimal("19.99"), "image": ""}
KETTLE = {"id": "2", "name": "Kettle", "price": Decimal("34.5"), "image": ""}

CALL_WITHIN = 30.0
"""The seconds of a DynamoDB call in tests that are not about time-outs.

The embedded engine on a busy machine may need more than production allows.
"""

_INDEX_WITHIN = 30.0  # seconds

ENVIRONMENT = {
    "DYNAMODB_PRODUCTS_TABLE": "products_table",
    "DYNAMODB_ORDERS_TABLE": "orders_table",
    "DYNAMODB_TICKETS_TABLE": "tickets_table",
    "DYNAMODB_CONVERSATIONS_TABLE": "conversations_table",
}


def fresh_names() -> DynamoDBSettings:
    """Return names that no table has yet."""
    prefix = uuid4().hex[:12]
    return DynamoDBSettings.model_validate(
        {field: f"{prefix}-{field.removesuffix('_table')}" for field in ENVIRONMENT.values()}
        | {"timeout": CALL_WITHIN}
    )


def create_as_in_production(dynamodb: Any, names: DynamoDBSettings) -> None:  # noqa: ANN401
    """Create the tables as Terraform did: no indexes, a stream on the orders."""
    for name in (names.products_table, names.orders_table, names.tickets_table):
        create_plain(dynamodb, name, stream=name == names.orders_table)


def create_plain(dynamodb: Any, name: str, *, stream: bool = False) -> None:  # noqa: ANN401
    """Create a table with only its key, and perhaps a stream."""
    dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
        if stream
        else {"StreamEnabled": False},
    )


def drop(dynamodb: Any, names: DynamoDBSettings) -> None:  # noqa: ANN401
    """Delete the tables that exist."""
    for schema in shop_tables(names):
        with suppress(dynamodb.exceptions.ResourceNotFoundException):
            dynamodb.delete_table(TableName=schema.name)


@contextmanager
def fresh_tables(dynamodb: Any) -> Iterator[Settings]:  # noqa: ANN401
    """Create tables as the schema wants them, and return settings that name them."""
    names = fresh_names()
    for schema in shop_tables(names):
        dynamodb.create_table(**table_definition(schema))
    # A test sees at once what it writes. tests/products tests the copy in memory.
    no_copy = CatalogueSettings(ttl=0)
    yield Settings(environment=Environment.LOCAL, dynamodb=names, catalogue=no_copy)
    drop(dynamodb, names)


def put(dynamodb: Any, table: str, *items: Mapping[str, Any]) -> None:  # noqa: ANN401
    """Write items as they are."""
    for item in items:
        dynamodb.put_item(TableName=table, Item=encode_item(item))


def get(dynamodb: Any, table: str, key: str) -> Item | None:  # noqa: ANN401
    """Return an item as it is stored."""
    answer = dynamodb.get_item(TableName=table, Key=encode_item({"id": key}), ConsistentRead=True)
    return decode_item(answer["Item"]) if "Item" in answer else None


def drop_index(dynamodb: Any, table: str, index: str) -> None:  # noqa: ANN401
    """Remove an index, and wait until it is gone."""
    dynamodb.update_table(
        TableName=table, GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": index}}]
    )
    while index in _indexes(dynamodb, table):
        time.sleep(0.05)


def drop_indexes(dynamodb: Any, table: str) -> None:  # noqa: ANN401
    """Remove all indexes, as Terraform does with indexes that its files do not name."""
    for index in _indexes(dynamodb, table):
        drop_index(dynamodb, table, index)


def add_index(
    dynamodb: Any,  # noqa: ANN401
    table: str,
    index: TableIndex,
    *,
    projection: str = "ALL",
) -> None:
    """Add an index to a table, and wait until it is active."""
    definition = index_definition(index) | {"Projection": {"ProjectionType": projection}}
    dynamodb.update_table(
        TableName=table,
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": "S"} for name in (index.partition, index.sort)
        ],
        GlobalSecondaryIndexUpdates=[{"Create": definition}],
    )
    deadline = time.monotonic() + _INDEX_WITHIN
    while _indexes(dynamodb, table)[index.name] != "ACTIVE":
        assert time.monotonic() < deadline, f"the index {index.name} does not become active"
        time.sleep(0.05)


def _indexes(dynamodb: Any, table: str) -> dict[str, str]:  # noqa: ANN401
    found = dynamodb.describe_table(TableName=table)["Table"].get("GlobalSecondaryIndexes", [])
    return {index["IndexName"]: index["IndexStatus"] for index in found}


def let_use_indexes(dynamodb: Any, names: DynamoDBSettings) -> None:  # noqa: ANN401
    """Record that all orders and tickets have the attributes of the indexes."""
    for items in (INDEXED_ORDERS, INDEXED_TICKETS):
        record = {"id": items.record, "keys": KEYS_VERSION, "completedAt": "2026-11-23"}
        put(dynamodb, names.conversations_table, record)


def forget_indexes(dynamodb: Any, names: DynamoDBSettings) -> None:  # noqa: ANN401
    """Remove the records."""
    for items in (INDEXED_ORDERS, INDEXED_TICKETS):
        dynamodb.delete_item(
            TableName=names.conversations_table, Key=encode_item({"id": items.record})
        )
