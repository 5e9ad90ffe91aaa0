"""Creating a table that does not exist, all at once."""

from typing import Any

from cloudmart.dynamodb.schema import Index, TableSchema

STREAM = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
"""The stream a table with one has, as CreateTable and UpdateTable take it."""


def definition(schema: TableSchema) -> dict[str, Any]:
    """Return the parameters of CreateTable for a table with everything it should have."""
    attributes = {"id"} | {
        name for index in schema.indexes for name in (index.partition, index.sort)
    }
    parameters: dict[str, Any] = {
        "TableName": schema.name,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [
            {"AttributeName": name, "AttributeType": "S"} for name in sorted(attributes)
        ],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    }
    if schema.indexes:
        parameters["GlobalSecondaryIndexes"] = [index_definition(one) for one in schema.indexes]
    if schema.stream:
        parameters["StreamSpecification"] = dict(STREAM)
    return parameters


def index_definition(index: Index) -> dict[str, Any]:
    """Return an index as CreateTable and UpdateTable take it."""
    return {
        "IndexName": index.name,
        "KeySchema": [
            {"AttributeName": index.partition, "KeyType": "HASH"},
            {"AttributeName": index.sort, "KeyType": "RANGE"},
        ],
        "Projection": {"ProjectionType": "ALL"},
    }
