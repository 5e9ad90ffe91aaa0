"""What happens to the records of a batch, for each kind of record."""

import json
from base64 import b64encode
from decimal import Decimal
from typing import Any

import pytest
import structlog

from cloudmart.pipeline.carry.carrier import Carrier
from cloudmart.pipeline.repair.replay import S3Quarantine
from cloudmart.pipeline.rows import OrderEvent, Row
from tests.pipeline.carry.conftest import Function
from tests.support.bigquery_api import BigQueryApi
from tests.support.order_stream import Event, OrderStream, later, latest, order
from tests.support.wire_values import VALUES, Wire

NOTHING_FAILED: dict[str, list[str]] = {"batchItemFailures": []}


def test_an_order_that_is_placed_changed_and_removed_is_three_rows(
    api: BigQueryApi, orders: OrderStream, function: Function
) -> None:
    placed = order(1)
    shipped = later(placed, 1, status="Shipped")
    orders.put(placed, shipped)
    orders.remove("order1")

    told = function({"Records": orders.events()})

    assert told == NOTHING_FAILED
    assert api.rows == [
        Row.of_item(placed, OrderEvent.INSERT).columns,
        Row.of_item(shipped, OrderEvent.MODIFY).columns,
        # The row of a removed order has its last state.
        Row.of_item(shipped, OrderEvent.REMOVE).columns,
    ]


@pytest.mark.parametrize(
    "item",
    [
        {"productId": "7", "quantity": Decimal(3), "createdAt": "2025-09-01T10:00:00.000Z"},
        {"items": [], "total": "0", "status": "cancelled"},
        {"customerEmail": "Bob@Example.org", "totalAmount": Decimal("12.5"), "status": "pending"},
        {"items": None, "total": None, "customerEmail": None, "updatedAt": None},
        {"total": 5, "extra": {"nested": [True, None, {"set"}]}, "requestDigest": "abc"},
    ],
)
def test_an_order_of_any_older_shape_becomes_the_row_that_the_api_shows(
    item: dict[str, Any], api: BigQueryApi, orders: OrderStream, function: Function
) -> None:
    orders.put(item | {"id": "0a1b2c3d"})

    told = function({"Records": orders.events()})

    assert told == NOTHING_FAILED
    assert latest(api.rows) == orders.state()


def test_the_services_own_notes_are_not_orders_and_heartbeats_are(
    api: BigQueryApi, orders: OrderStream, function: Function
) -> None:
    orders.put({"id": "internal-backfill"}, order(1), order(2, id="heartbeat-1", total="0"))

    told = function({"Records": orders.events()})

    assert told == NOTHING_FAILED
    assert [row["id"] for row in api.rows] == ["order1", "heartbeat-1"]


def test_a_change_of_nothing_that_has_a_column_is_skipped_and_counted(
    api: BigQueryApi, orders: OrderStream, function: Function
) -> None:
    placed = order(1)
    keyed = placed | {"emailKey": "customer1@example.org", "statusHistory": [], "version": 1}
    orders.put(placed, keyed, later(keyed, 1, status="Shipped"))

    with structlog.testing.capture_logs() as logs:
        told = function({"Records": orders.events()})

    assert told == NOTHING_FAILED
    assert [row["eventType"] for row in api.rows] == ["INSERT", "MODIFY"]
    assert latest(api.rows) == orders.state()
    (line,) = (line for line in logs if line["event"] == "batch_carried")
    assert (line["inserted"], line["skipped"]) == (2, 1)


def test_an_order_that_cannot_be_read_is_quarantined_whole_with_its_reason(
    api: BigQueryApi, orders: OrderStream, function: Function, quarantine: S3Quarantine
) -> None:
    orders.put(order(1), order(2, total="about forty"), order(3))
    events = orders.events()

    told = function({"Records": events})

    assert told == NOTHING_FAILED
    assert [row["id"] for row in api.rows] == ["order1", "order3"]
    (held,) = quarantine.held()
    assert held.record == json.loads(json.dumps(events[1], default=str))
    assert (held.event_id, held.fault.reason) == (events[1]["eventID"], "unreadable")
    assert (held.fault.column, held.fault.passing) == ("total", False)
    assert held.fault.message == "a number such as 19.99 is needed"


@pytest.mark.parametrize("kind", VALUES)
def test_unknown_attributes_do_not_keep_an_order_from_its_row(
    kind: str, api: BigQueryApi, function: Function, quarantine: S3Quarantine
) -> None:
    told = function({"Records": [_record(gift=VALUES[kind])]})

    assert told == NOTHING_FAILED
    assert [row["id"] for row in api.rows] == ["1"]
    assert list(quarantine.held()) == []


@pytest.mark.parametrize(
    "attribute", ["items", "total", "status", "userEmail", "createdAt", "updatedAt", "productId"]
)
def test_whatever_an_order_holds_it_is_a_row_or_in_quarantine(
    attribute: str, api: BigQueryApi, function: Function, quarantine: S3Quarantine
) -> None:
    records = [
        _record(f"e{number}", **{attribute: value}) for number, value in enumerate(VALUES.values())
    ]

    told = function({"Records": records})

    assert told == NOTHING_FAILED
    assert len(api.rows) + len(list(quarantine.held())) == len(records)


def _record(event: str = "e1", **attributes: Wire) -> Event:
    image = {"id": {"S": "1"}, **attributes}
    change: Event = {"SequenceNumber": event, "Keys": {"id": {"S": "1"}}, "NewImage": image}
    told = {"eventID": event, "eventName": "INSERT", "dynamodb": change}
    # In Lambda's form: binary values are text.
    record: Event = json.loads(json.dumps(told, default=lambda raw: b64encode(raw).decode()))
    return record


def _without(path: str) -> Event:
    keys = {"id": {"S": "1"}}
    changed = {"SequenceNumber": "7", "Keys": keys, "NewImage": keys}
    record = {"eventID": "e7", "eventName": "INSERT", "dynamodb": changed}
    (changed if path in changed else record).pop(path)
    return record


@pytest.mark.parametrize(
    "record",
    [
        *(_without(path) for path in ("eventName", "Keys", "NewImage", "dynamodb")),
        _without("eventID") | {"eventName": "TRUNCATE"},
        {"eventName": "INSERT", "dynamodb": {"Keys": {"id": {"N": "1"}}}},
        {"eventName": "INSERT", "dynamodb": {"Keys": {"id": {"??": "1"}}}},
        {"eventName": "INSERT", "dynamodb": {"ApproximateCreationDateTime": "yesterday"}},
        {"eventName": "INSERT", "dynamodb": "x"},
        {},
    ],
)
def test_a_record_that_is_not_a_streams_blocks_nothing(
    record: Event, api: BigQueryApi, function: Function, quarantine: S3Quarantine
) -> None:
    keys = {"id": {"S": "1"}}
    good = {"SequenceNumber": "8", "Keys": keys, "NewImage": keys}

    told = function(
        {"Records": [record, {"eventID": "e8", "eventName": "INSERT", "dynamodb": good}]}
    )

    assert told == NOTHING_FAILED
    assert [row["id"] for row in api.rows] == ["1"]
    assert [held.record for held in quarantine.held()] == [record]


def test_a_record_that_comes_again_is_quarantined_once(
    orders: OrderStream, function: Function, quarantine: S3Quarantine
) -> None:
    orders.put(order(1, total="about forty"))

    for _ in range(3):
        function({"Records": orders.events()})

    assert len(list(quarantine.held())) == 1


def test_what_was_looked_at_leaves_the_quarantine(
    orders: OrderStream, function: Function, quarantine: S3Quarantine
) -> None:
    orders.put(order(1, total="about forty"), order(2, total="many"))
    function({"Records": orders.events()})

    first, second = quarantine.held()
    quarantine.release(first)

    assert list(quarantine.held()) == [second]


def test_logs_have_counts_and_nothing_of_a_customers(
    carrier: Carrier, orders: OrderStream, function: Function
) -> None:
    assert carrier
    orders.put(order(1), order(2, total="about forty", userEmail="ann@example.org"))
    orders.put({"id": "internal-note"})
    events = orders.events()

    with structlog.testing.capture_logs() as logs:
        function({"Records": events})

    assert logs == [
        {
            "event": "record_quarantined",
            "log_level": "error",
            "event_id": events[1]["eventID"],
            "reason": "unreadable",
            "column": "total",
        },
        {
            "event": "batch_carried",
            "log_level": "info",
            "records": 3,
            "inserted": 1,
            "skipped": 1,
            "quarantined": 1,
            "waiting": 0,
            "reasons": [],
            "traces": [],
        },
    ]
