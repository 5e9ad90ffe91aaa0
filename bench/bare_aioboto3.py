"""Bare aioboto3: the DynamoDB operations behind each route, without reading their answers."""

from typing import Any

from bench.shop import CUSTOMER, NAMES, ORDERS, OTHER_CUSTOMER, PRODUCTS, order_item
from cloudmart.dynamodb.codec import encode_item
from cloudmart.orders.indexes import ORDERS_BY_EMAIL
from cloudmart.values.ids import new_id

_ORDER = encode_item(
    order_item(ORDERS[0]) | {"userEmail": OTHER_CUSTOMER, "emailKey": OTHER_CUSTOMER}
)


async def scan_products(dynamodb: Any, _: int) -> None:  # noqa: ANN401 - made at run time
    """Read the catalogue."""
    await dynamodb.scan(TableName=NAMES.products_table)


async def get_product(dynamodb: Any, number: int) -> None:  # noqa: ANN401
    """Read a product."""
    key = {"id": {"S": PRODUCTS[number % len(PRODUCTS)].id}}
    await dynamodb.get_item(TableName=NAMES.products_table, Key=key, ConsistentRead=True)


async def query_orders(dynamodb: Any, _: int) -> None:  # noqa: ANN401
    """Read a customer's orders from the index."""
    await dynamodb.query(
        TableName=NAMES.orders_table,
        IndexName=ORDERS_BY_EMAIL.name,
        KeyConditionExpression="#key = :key",
        ExpressionAttributeNames={"#key": ORDERS_BY_EMAIL.partition},
        ExpressionAttributeValues={":key": {"S": CUSTOMER}},
        ScanIndexForward=False,
    )


async def get_order(dynamodb: Any, number: int) -> None:  # noqa: ANN401
    """Read an order."""
    key = {"id": {"S": ORDERS[number % len(ORDERS)].id}}
    await dynamodb.get_item(TableName=NAMES.orders_table, Key=key, ConsistentRead=True)


async def write_order(dynamodb: Any, _: int) -> None:  # noqa: ANN401
    """Read the two products of an order, then write it if its id is free."""
    products = {
        "Keys": [{"id": {"S": line.product_id}} for line in ORDERS[0].items],
        "ProjectionExpression": "#0, #1, #2",
        "ExpressionAttributeNames": {"#0": "id", "#1": "name", "#2": "price"},
        "ConsistentRead": True,
    }
    await dynamodb.batch_get_item(RequestItems={NAMES.products_table: products})
    await dynamodb.put_item(
        TableName=NAMES.orders_table,
        Item=_ORDER | {"id": {"S": new_id()}},
        ConditionExpression="attribute_not_exists(id)",
    )
