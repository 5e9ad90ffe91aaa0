"""Bare FastAPI: the same routes, with prepared answers of the same size."""

import json
import os
from typing import Any

import uvicorn
from fastapi import FastAPI, Request, Response

from bench.shop import ORDERS, PRODUCTS
from cloudmart.health.report import WELL
from cloudmart.http.paging import encode_list
from cloudmart.orders.models import Order
from cloudmart.products.models import Product

_JSON = "application/json"
_PRODUCTS = encode_list(Product, PRODUCTS)
_TAG = {"ETag": '"v"'}
_PRODUCT = PRODUCTS[0].model_dump_json()
_ORDERS = encode_list(Order, ORDERS)
_ORDER = ORDERS[0].model_dump_json()
_WELL = json.dumps(WELL)

app = FastAPI()


@app.get("/api/products")
async def list_products(request: Request) -> Response:
    """Answer the catalogue, or that it has not changed."""
    if request.headers.get("if-none-match") == _TAG["ETag"]:
        return Response(status_code=304, headers=_TAG)
    return Response(_PRODUCTS, media_type=_JSON, headers=_TAG)


@app.get("/api/products/{product_id}")
async def get_product(product_id: str) -> Response:
    """Answer a product."""
    return Response(_PRODUCT, media_type=_JSON, headers={"X-Id": product_id})


@app.get("/api/orders/user")
async def list_customer_orders(email: str) -> Response:
    """Answer a customer's orders."""
    return Response(_ORDERS, media_type=_JSON, headers={"X-Customer": email})


@app.get("/api/orders/{order_id}")
async def get_order(order_id: str) -> Response:
    """Answer an order."""
    return Response(_ORDER, media_type=_JSON, headers={"X-Id": order_id})


@app.post("/api/orders")
async def place_order(body: dict[str, Any]) -> Response:
    """Answer an order."""
    return Response(_ORDER, 201, media_type=_JSON, headers={"X-Lines": str(len(body["items"]))})


@app.get("/health")
@app.get("/ready")
@app.get("/startupz")
async def tell_health() -> Response:
    """Answer a probe."""
    return Response(_WELL, media_type=_JSON)


if __name__ == "__main__":
    uvicorn.run(app, port=int(os.environ["PORT"]), log_config=None, access_log=False)
