"""Tables as an operator or Terraform may leave them, and items as older versions wrote them."""

from collections.abc import Mapping
from typing import Any

from cloudmart.dynamodb.codec import encode
from cloudmart.dynamodb.create import index_definition
from cloudmart.dynamodb.schema import Index


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
