"""Tables to start from: none yet, or those of production as it is today."""

import time
from contextlib import suppress
from typing import Any
from uuid import uuid4

from boto3.dynamodb.types import TypeSerializer

from cloudmart.dynamodb.schema import tables
from cloudmart.settings import DynamoDBSettings

_serialize = TypeSerializer().serialize

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
    )


def create_as_in_production(dynamodb: Any, names: DynamoDBSettings) -> None:  # noqa: ANN401
    """Create the tables that Terraform made: no indexes, a stream on the orders."""
    for name in (names.products_table, names.orders_table, names.tickets_table):
        create_plain(dynamodb, name, stream=name == names.orders_table)


def create_plain(dynamodb: Any, name: str, *, stream: bool = False) -> None:  # noqa: ANN401
    """Create a table that has nothing but its key, and perhaps a stream."""
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
    """Delete whichever of the tables there are."""
    for schema in tables(names):
        with suppress(dynamodb.exceptions.ResourceNotFoundException):
            dynamodb.delete_table(TableName=schema.name)


def put(dynamodb: Any, table: str, *items: dict[str, Any]) -> None:  # noqa: ANN401
    """Write items as they are."""
    for item in items:
        wire = {name: _serialize(value) for name, value in item.items()}
        dynamodb.put_item(TableName=table, Item=wire)


def drop_index(dynamodb: Any, table: str, index: str) -> None:  # noqa: ANN401
    """Take an index away, and wait until it is gone."""
    dynamodb.update_table(
        TableName=table, GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": index}}]
    )
    while dynamodb.describe_table(TableName=table)["Table"].get("GlobalSecondaryIndexes"):
        time.sleep(0.05)
