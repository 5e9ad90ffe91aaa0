"""The Lambda behind the action group of a Bedrock agent: products by name, with their prices.

It answers whichever function or path the agent's action group names, in the form of either.
"""

import json
import os
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import boto3
import structlog
from botocore.config import Config

from cloudmart.ai.product_search import ARGUMENT_NAMES
from cloudmart.dynamodb.codec import decode_item
from cloudmart.dynamodb.expression import read_expressions
from cloudmart.observability.logging import configure_logging
from cloudmart.products.models import Product
from cloudmart.settings import load_settings
from cloudmart.values.text import searchable

_log = structlog.stdlib.get_logger(__name__)

# Bedrock takes 25 kB of a function's answer; the rest of it is names and braces.
_MOST_BYTES = 20_000
_LONGEST_DESCRIPTION = 300


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Answer an agent from the catalogue that the environment names."""
    _ = context
    configure_logging(json=True)
    return answer_agent(event, *_catalogue())


def answer_agent(event: Mapping[str, Any], client: Any, table: str) -> dict[str, Any]:  # noqa: ANN401
    """Return the products whose name contains what the agent asks for, or all there are.

    An answer that would be too long says how many more there are; if the products cannot be read,
    it says so, and the agent tells the customer.
    """
    try:
        found = _shortened(_products(_wanted(event), client, table))
    except Exception:  # noqa: BLE001 - an agent whose Lambda raises leaves its customer alone
        _log.exception("products_not_listed")
        return _answer(event, {"error": "The products cannot be listed at the moment."}, well=False)
    _log.info("products_listed", products=len(found["products"]), more=found["more"])
    return _answer(event, found, well=True)


def _wanted(event: Mapping[str, Any]) -> str:
    told = list(event.get("parameters") or [])
    body = event.get("requestBody") or {}
    for media in (body.get("content") or {}).values():
        told += media.get("properties") or []
    values = {str(each["name"]).casefold(): str(each["value"]) for each in told}
    return searchable(
        next((values[name] for name in ARGUMENT_NAMES if values.get(name)), "").strip()
    )


def _products(wanted: str, client: Any, table: str) -> Iterator[dict[str, Any]]:  # noqa: ANN401
    scan = {"TableName": table, **read_expressions(attributes=("name", "description", "price"))}
    start: dict[str, Any] = {}
    while True:
        # A page ends at 1 MB of the table, however little of it is asked for.
        page = client.scan(**scan, **start)
        for item in page["Items"]:
            product = Product.read(decode_item(item))
            if product.for_sale and wanted in searchable(product.name):
                yield {
                    "id": product.id,
                    "name": product.name[:200],
                    "price": float(product.price),
                    "description": product.description[:_LONGEST_DESCRIPTION],
                }
        if "LastEvaluatedKey" not in page:
            return
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


def _shortened(products: Iterator[dict[str, Any]]) -> dict[str, Any]:
    shown: list[dict[str, Any]] = []
    more = size = 0
    for product in sorted(products, key=lambda each: (each["name"].casefold(), each["id"])):
        # Counted as it is sent: text within a text, so that each quotation mark has a slash.
        size += len(json.dumps(json.dumps(product)))
        if size > _MOST_BYTES:
            more += 1
        else:
            shown.append(product)
    return {"products": shown, "more": more}


def _answer(event: Mapping[str, Any], told: object, *, well: bool) -> dict[str, Any]:
    body = {"body": json.dumps(told)}
    response: dict[str, Any] = {"actionGroup": event.get("actionGroup")}
    if "function" in event:
        state = {} if well else {"responseState": "FAILURE"}
        response["function"] = event["function"]
        response["functionResponse"] = state | {"responseBody": {"TEXT": body}}
    else:
        response["apiPath"] = event.get("apiPath")
        response["httpMethod"] = event.get("httpMethod")
        response["httpStatusCode"] = 200 if well else 503
        response["responseBody"] = {"application/json": body}
    kept = {
        name: event[name]
        for name in ("sessionAttributes", "promptSessionAttributes")
        if name in event
    }
    return {"messageVersion": event.get("messageVersion", "1.0"), "response": response} | kept


@cache
def _catalogue() -> tuple[Any, str]:
    retries = {"mode": "standard", "total_max_attempts": 3}
    config = Config(connect_timeout=2, read_timeout=5, retries=retries)
    settings = load_settings(os.environ).settings
    client = boto3.client("dynamodb", region_name=settings.aws.region, config=config)
    return client, settings.dynamodb.products_table
