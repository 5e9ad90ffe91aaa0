"""A table of orders whose stream is delivered to the Lambda's code in batches."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from cloudmart.dynamodb.codec import Item, decode_item, encode_item
from cloudmart.local.event_source import (
    BatchDelivery,
    EventSourceMapping,
    StreamPoller,
    StreamReader,
)
from cloudmart.orders.internal_items import is_internal
from cloudmart.pipeline.rows import OrderEvent, Row
from tests.support import shop_tables
from tests.support.aws import aws_client
from tests.support.pipeline_template import properties

# As in production, but without long waits.
MAPPING = replace(
    EventSourceMapping.of_properties(properties("OrdersToCarrier")), retries=20, batch_size=100
)

Event = dict[str, Any]


class OrderStream:
    """The orders of a test, and their stream."""

    def __init__(self, dynamodb: Any, table: str, endpoint: str) -> None:  # noqa: ANN401
        self.table = table
        self.given_up: list[Event] = []
        self._dynamodb = dynamodb
        self._streams = aws_client("dynamodbstreams", endpoint_url=endpoint)

    def put(self, *items: Mapping[str, Any]) -> None:
        """Write orders as they are."""
        shop_tables.put(self._dynamodb, self.table, *items)

    def remove(self, *keys: str) -> None:
        """Delete orders."""
        for key in keys:
            self._dynamodb.delete_item(TableName=self.table, Key=encode_item({"id": key}))

    def poller(self, function: Any, mapping: EventSourceMapping = MAPPING) -> StreamPoller:  # noqa: ANN401
        """Return a poller that delivers the whole stream to a function, without waits."""
        delivery = BatchDelivery(function, mapping, self.given_up.append, sleep=lambda _: None)
        return StreamPoller(self.stream(), delivery)

    def stream(self) -> StreamReader:
        """Return the stream, from its beginning."""
        told = self._dynamodb.describe_table(TableName=self.table)["Table"]
        return StreamReader(self._streams, told["LatestStreamArn"])

    def events(self) -> list[Event]:
        """Return all records of the stream, in the form of Lambda's event."""
        return [record for _, records in self.stream().poll() for record in records]

    @property
    def orders(self) -> dict[str, Item]:
        """All existing orders."""
        pages = self._dynamodb.get_paginator("scan").paginate(TableName=self.table)
        items = [decode_item(item) for page in pages for item in page["Items"]]
        return {item["id"]: item for item in items if not is_internal(item["id"])}

    def state(self) -> dict[str, Row]:
        """Return the row that should be the latest of each existing order, whatever the event."""
        return {
            key: Row.of_item(item, OrderEvent.MODIFY).model_copy(update={"event_type": ...})
            for key, item in self.orders.items()
        }


def latest(rows: Iterable[Mapping[str, Any]]) -> dict[str, Row]:
    """Return each order's latest row in a warehouse, without removed orders.

    Like the view, it does not depend on the order of the rows, and counts equal rows once.
    """
    found: dict[str, Row] = {}
    for row in sorted(map(Row.model_validate, rows), key=_place):
        found[row.id] = row
    return {
        key: row.model_copy(update={"event_type": ...})
        for key, row in found.items()
        if row.event_type is not OrderEvent.REMOVE
    }


def _place(row: Row) -> tuple[str, str]:
    return row.updated_at or row.created_at or "", row.event_type


def order(number: int, **attributes: Any) -> Item:  # noqa: ANN401 - any attribute
    """Return a stored order in today's form."""
    moment = f"2026-11-23T08:{number // 60 % 60:02}:{number % 60:02}.000Z"
    return {
        "id": f"order{number}",
        "userEmail": f"customer{number % 7}@example.org",
        "items": [{"productId": "1", "name": "Lamp", "quantity": 1, "price": "19.99"}],
        "total": "19.99",
        "status": "Pending",
        "createdAt": moment,
        "updatedAt": moment,
        "dayShard": "2026-11-23#0",
        **attributes,
    }


def later(item: Item, seconds: int, **attributes: Any) -> Item:  # noqa: ANN401 - any attribute
    """Return an order with a time some seconds after midday."""
    moment = f"2026-11-23T12:{seconds // 60 % 60:02}:{seconds % 60:02}.000Z"
    return item | {"updatedAt": moment} | attributes


def doubles(rows: Sequence[Mapping[str, Any]]) -> int:
    """Return how many rows occur more than once."""
    return len(rows) - len({tuple(sorted(row.items())) for row in rows})
