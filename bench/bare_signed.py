"""Bare FastAPI with one signed call to DynamoDB, and models for the request and the answer."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI, Request, Response

from bench.shop import NAMES, PRODUCTS, order_item
from cloudmart.dynamodb.client import Database
from cloudmart.dynamodb.codec import decode_item, encode_item
from cloudmart.dynamodb.session import new_session
from cloudmart.orders.models import Order, OrderCreate, OrderLine

_JSON = "application/json"
_OFFERS = {product.id: product for product in PRODUCTS}


@asynccontextmanager
async def _lifespan(_: FastAPI) -> AsyncIterator[dict[str, Any]]:
    database = Database(new_session(), within=10, direct=True)
    await database.open()
    yield {"database": database}
    await database.close()


app = FastAPI(lifespan=_lifespan)


@app.get("/api/orders/{order_id}")
async def get_order(order_id: str, request: Request) -> Response:
    """Read an order."""
    answer = await request.state.database.call(
        "get_item",
        TableName=NAMES.orders_table,
        Key={"id": {"S": order_id}},
        ConsistentRead=True,
    )
    order = Order.model_validate(decode_item(answer["Item"]))
    return Response(order.model_dump_json(), media_type=_JSON)


@app.post("/api/orders")
async def place_order(body: OrderCreate, request: Request) -> Response:
    """Write an order, if its id is free."""
    lines = [
        OrderLine(
            product_id=line.product_id,
            name=_OFFERS[line.product_id].name,
            quantity=line.quantity,
            price=_OFFERS[line.product_id].price,
        )
        for line in body.lines
    ]
    order = Order.place(lines, body.user_email)
    await request.state.database.call(
        "put_item",
        TableName=NAMES.orders_table,
        Item=encode_item(order_item(order)),
        ConditionExpression="attribute_not_exists(id)",
    )
    return Response(order.model_dump_json(), 201, media_type=_JSON)


@app.get("/api/products/{product_id}")
async def get_product(product_id: str) -> Response:
    """Answer the program that waits until the server is up."""
    return Response(product_id)


if __name__ == "__main__":
    uvicorn.run(app, port=int(os.environ["PORT"]), log_config=None, access_log=False)
