"""From an order over HTTP to a row in an emulator of BigQuery."""

import json
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from cloudmart.app import create_app
from cloudmart.dynamodb.codec import encode_item
from cloudmart.pipeline.carry.bigquery import BigQueryWarehouse, open_warehouse
from cloudmart.pipeline.carry.carrier import Carrier, carry_batch
from cloudmart.pipeline.repair.replay import S3Quarantine
from cloudmart.pipeline.rows import OrderEvent, Row
from cloudmart.settings import Settings
from tests.pipeline.carry.conftest import Function
from tests.support.bigquery_dataset import Dataset, dataset
from tests.support.order_stream import OrderStream, doubles, later, latest, order
from tests.support.ready_app import serving, still

OLD_SHAPES = (
    {"id": "0a1b2c3d", "productId": "7", "quantity": 3, "createdAt": "2025-09-01T10:00:00.000Z"},
    {"id": "1a1b2c3d", "items": [], "total": "12.50", "status": "cancelled"},
    {"id": "2a1b2c3d", "customerEmail": "Bob@Example.org", "totalAmount": Decimal("12.5")},
)


@pytest.fixture
def bigquery(bigquery_emulator: str) -> Iterator[Dataset]:
    """Provide a dataset with our table and our view."""
    with dataset(bigquery_emulator) as made:
        yield made


@pytest.fixture
def warehouse(bigquery: Dataset) -> Iterator[BigQueryWarehouse]:
    """Provide that dataset as the pipeline's settings."""
    with open_warehouse(bigquery.settings) as warehouse:
        yield warehouse


@pytest.fixture
def function(warehouse: BigQueryWarehouse, quarantine: S3Quarantine) -> Function:
    """Provide the Lambda between the stream and the emulator."""
    carrier = Carrier(warehouse, quarantine)
    return lambda event: carry_batch(carrier, event)


def test_what_customers_and_staff_did_is_what_bigquery_answers(
    stocked: Settings, orders: OrderStream, bigquery: Dataset, function: Function
) -> None:
    orders.put(*OLD_SHAPES)
    with serving(create_app(stocked, process=still(stocked))) as shop:
        body = {"userEmail": "ann@example.org", "items": [{"productId": "1", "quantity": 2}]}
        placed = [shop.post("/api/orders", json=body).json()["id"] for _ in range(3)]
        shop.put(f"/api/orders/{placed[1]}", json={"status": "Shipped"})
        shop.put("/api/orders/0a1b2c3d", json={"status": "Delivered"})
        shop.delete(f"/api/orders/{placed[2]}")
        shop.delete("/api/orders/1a1b2c3d")

        orders.poller(function).drain()

        shown = {each["id"]: each for each in shop.get("/api/orders").json()}
    for each in shown.values():
        del each["statusHistory"]  # the history that the rows should have
    assert {row["id"]: _as_shown(row) for row in bigquery.current()} == shown
    history = {(row["id"], row["eventType"]) for row in bigquery.rows()}
    assert {each for each in history if each[0] in {*placed[1:], "0a1b2c3d"}} == {
        *((placed[1], "INSERT"), (placed[1], "MODIFY")),
        *((placed[2], "INSERT"), (placed[2], "REMOVE")),
        *(("0a1b2c3d", "INSERT"), ("0a1b2c3d", "MODIFY")),
    }


def _as_shown(row: dict[str, Any]) -> dict[str, Any]:
    """Return the order that the API shows, from a row of the view."""
    total, items = row.pop("totalAmount"), json.loads(row.pop("items"))
    return row | {"total": total, "items": items}


def test_the_view_has_an_order_once_however_often_its_rows_came(
    orders: OrderStream, bigquery: Dataset, warehouse: BigQueryWarehouse
) -> None:
    placed = [order(number) for number in range(10)]
    rows = [Row.of_item(each, OrderEvent.INSERT) for each in placed]
    changed = [later(each, 1, status="Shipped") for each in placed[:3]]
    rows += [Row.of_item(each, OrderEvent.MODIFY) for each in changed]
    rows += [Row.of_item(placed[9], OrderEvent.REMOVE)]

    # As if more than a minute had passed: BigQuery no longer recognizes the rows.
    for time_around in range(3):
        warehouse.insert({f"{time_around}-{place}": row for place, row in enumerate(rows)})

    orders.put(*placed, *changed)
    orders.remove("order9")
    assert doubles(bigquery.rows()) == 2 * len(rows)
    current = [{**row, "eventType": "MODIFY"} for row in bigquery.current()]
    assert len(current) == 9
    assert latest(current) == orders.state()


def test_heartbeats_are_rows_and_no_current_orders(
    bigquery: Dataset, warehouse: BigQueryWarehouse
) -> None:
    beat = Row.of_item(order(1, id="heartbeat-1"), OrderEvent.INSERT)

    warehouse.insert({"e1": beat})

    assert [row["id"] for row in bigquery.rows()] == ["heartbeat-1"]
    assert bigquery.current() == []


def test_test_orders_are_rows_and_no_current_orders(
    bigquery: Dataset, warehouse: BigQueryWarehouse
) -> None:
    placed = order(1, id="2a6nbjvq97e3tac", userEmail="run-1@verify.invalid")

    warehouse.insert({"e1": Row.of_item(placed, OrderEvent.INSERT)})

    assert [row["id"] for row in bigquery.rows()] == [placed["id"]]
    assert bigquery.current() == []


def test_a_rows_values_are_the_tables(bigquery: Dataset, warehouse: BigQueryWarehouse) -> None:
    rows = [
        Row.of_item(order(1, items=[{"name": 'Lämpchen "ö" \\ 🪔'}]), OrderEvent.INSERT),
        Row.of_item({"id": "2", "total": "999999999999.99"}, OrderEvent.MODIFY),
        Row.of_item({"id": "3", "total": "-0.01", "userEmail": ""}, OrderEvent.REMOVE),
    ]

    faults = warehouse.insert({row.id: row for row in rows})

    assert faults == {}
    told = sorted(bigquery.rows(), key=lambda row: str(row["id"]))
    assert [Row.model_validate(row) for row in told] == sorted(rows, key=lambda row: row.id)


def test_the_table_of_our_sql_is_the_one_that_rows_need(warehouse: BigQueryWarehouse) -> None:
    assert warehouse.schema_faults() == []


@pytest.mark.volume
def test_ten_thousand_orders_all_arrive_once_and_in_their_order(
    dynamodb: Any,  # noqa: ANN401 - boto3's client
    orders: OrderStream,
    bigquery: Dataset,
    function: Function,
    capsys: pytest.CaptureFixture[str],
) -> None:
    placed = [order(number) for number in range(10_000)]
    for start in range(0, len(placed), 25):
        puts = [{"PutRequest": {"Item": encode_item(each)}} for each in placed[start : start + 25]]
        dynamodb.batch_write_item(RequestItems={orders.table: puts})
    orders.put(*(later(each, 1, status="Shipped") for each in placed[::10]))
    orders.put(*(later(each, 2, status="Delivered") for each in placed[::20]))
    orders.remove(*(each["id"] for each in placed[::50]))

    began = time.perf_counter()
    records = orders.poller(function).drain()
    seconds = time.perf_counter() - began

    with capsys.disabled():
        print(f"\n{records} records in {seconds:.1f} s: {records / seconds:.0f} a second")  # noqa: T201
    rows = bigquery.rows()
    assert records == len(rows) == 10_000 + 1000 + 500 + 200
    assert doubles(rows) == 0
    assert latest(rows) == orders.state()
    assert len(bigquery.current()) == len(orders.orders)
    assert orders.given_up == []
