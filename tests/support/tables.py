"""Tables as an operator or Terraform may leave them, and items as older versions wrote them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from decimal import Decimal
from typing import Any
from uuid import uuid4

from cloudmart.dynamodb.codec import Item, decode, encode
from cloudmart.dynamodb.create import definition, index_definition
from cloudmart.dynamodb.schema import Index, tables
from cloudmart.settings import DynamoDBSettings, Environment, Settings

LAMP = {"id": "1", "name": "Desk lamp", "price": Decimal("19.99"), "image": ""}
KETTLE = {"id": "2", "name": "Kettle", "price": Decimal("34.5"), "image": ""}


@contextmanager
def fresh_tables(dynamodb: Any) -> Iterator[Settings]:  # noqa: ANN401
    """Make tables as the schema wants them, and give settings that name them."""
    prefix = uuid4().hex[:12]
    names = DynamoDBSettings(
        products_table=f"{prefix}-products",
        orders_table=f"{prefix}-orders",
        tickets_table=f"{prefix}-tickets",
        conversations_table=f"{prefix}-conversations",
    )
    for schema in tables(names):
        dynamodb.create_table(**definition(schema))
    yield Settings(environment=Environment.LOCAL, dynamodb=names)
    for schema in tables(names):
        with suppress(dynamodb.exceptions.ResourceNotFoundException):
            dynamodb.delete_table(TableName=schema.name)


def get(dynamodb: Any, table: str, key: str) -> Item | None:  # noqa: ANN401
    """Return an item as it is stored."""
    answer = dynamodb.get_item(TableName=table, Key=encode({"id": key}), ConsistentRead=True)
    return decode(answer["Item"]) if "Item" in answer else None


def put(dynamodb: Any, table: str, *items: Mapping[str, Any]) -> None:  # noqa: ANN401
    """Write items as they are."""
    for item in items:
        dynamodb.put_item(TableName=table, Item=encode(item))


def drop_indexes(dynamodb: Any, table: str) -> None:  # noqa: ANN401
    """Drop a table's indexes, as Terraform does with those it does not know."""
    for index in _indexes(dynamodb, table):
        deletion = {"Delete": {"IndexName": index["IndexName"]}}
        dynamodb.update_table(TableName=table, GlobalSecondaryIndexUpdates=[deletion])
        while any(one["IndexName"] == index["IndexName"] for one in _indexes(dynamodb, table)):
            pass


def add_index(
    dynamodb: Any,  # noqa: ANN401
    table: str,
    index: Index,
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
    while {one["IndexStatus"] for one in _indexes(dynamodb, table)} != {"ACTIVE"}:
        pass


def _indexes(dynamodb: Any, table: str) -> list[dict[str, Any]]:  # noqa: ANN401
    description = dynamodb.describe_table(TableName=table)["Table"]
    found: list[dict[str, Any]] = description.get("GlobalSecondaryIndexes", [])
    return found
