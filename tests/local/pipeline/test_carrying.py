"""The Lambda's code carries the stream of an embedded DynamoDB into DuckDB."""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from cloudmart.local.duckdb_warehouse import DuckDBWarehouse, duckdb_connection
from cloudmart.local.pipeline import LocalTransport
from cloudmart.orders.internal_items import ORDER_SECRET, note_item
from cloudmart.pipeline.models import MappingStatus
from cloudmart.pipeline.ports import RowFault
from cloudmart.pipeline.rows import OrderEvent, Row
from cloudmart.pipeline.unknown import UnknownError
from cloudmart.settings import Settings
from tests.support.shop_tables import put

MOMENT = "2026-11-23T08:00:00.000Z"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


class Moody(DuckDBWarehouse):
    """A warehouse that may not answer."""

    away = False

    def insert(self, rows: Mapping[str, Row]) -> Mapping[str, RowFault]:
        if self.away:
            return dict.fromkeys(rows, RowFault(passing=True, reason="backendError"))
        return super().insert(rows)


@pytest.fixture
def warehouse() -> Iterator[Moody]:
    """Provide an empty warehouse."""
    with duckdb_connection() as connection:
        yield Moody(connection)


@pytest.fixture
def transport(
    dynamodb: Any,  # noqa: ANN401
    engine: str,
    settings: Settings,
    warehouse: DuckDBWarehouse,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[LocalTransport]:
    """Provide the pipeline of the orders in new tables."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB_STREAMS", engine)
    table = dynamodb.describe_table(TableName=settings.dynamodb.orders_table)["Table"]
    transport = LocalTransport(warehouse, table["LatestStreamArn"])
    with transport.carrying():
        yield transport


def until(condition: Callable[[], bool]) -> None:
    """Wait until something is true."""
    give_up = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.05)


def mapping(transport: LocalTransport) -> MappingStatus:
    """Return the state of the pipeline."""
    return asyncio.run(transport.mapping("orders", None))


@pytest.mark.usefixtures("transport")
def test_what_happens_to_an_order_is_in_the_warehouse_soon_after(
    dynamodb: Any,  # noqa: ANN401
    settings: Settings,
    warehouse: DuckDBWarehouse,
) -> None:
    table = settings.dynamodb.orders_table
    order = {"id": "a", "status": "Pending", "createdAt": MOMENT, "updatedAt": MOMENT}
    changed = {**order, "status": "Shipped", "updatedAt": "2026-11-23T09:00:00.000Z"}

    put(dynamodb, table, note_item(ORDER_SECRET), order, changed, {**order, "id": "b"})
    dynamodb.delete_item(TableName=table, Key={"id": {"S": "b"}})

    until(lambda: _events(warehouse) == {"a": OrderEvent.MODIFY, "b": OrderEvent.REMOVE})
    state = warehouse.find("a", LONG_AGO)
    assert state
    assert state.status == "Shipped"


def _events(warehouse: DuckDBWarehouse) -> dict[str, OrderEvent]:
    return {state.id: state.event for state in warehouse.states(LONG_AGO)}


def test_what_cannot_become_a_row_is_set_aside_and_holds_up_nothing(
    transport: LocalTransport,
    dynamodb: Any,  # noqa: ANN401
    settings: Settings,
    warehouse: DuckDBWarehouse,
) -> None:
    poison = {"id": "a", "items": "three lamps", "createdAt": MOMENT}

    put(dynamodb, settings.dynamodb.orders_table, poison, {"id": "b", "createdAt": MOMENT})

    until(lambda: warehouse.find("b", LONG_AGO) is not None)
    assert asyncio.run(transport.quarantined()) == 1
    assert asyncio.run(transport.queued()) == 0
    (held,) = transport.quarantine.held()
    assert held.fault.column == "items"


def test_the_state_of_the_pipeline_is_shown(
    transport: LocalTransport,
    dynamodb: Any,  # noqa: ANN401
    settings: Settings,
) -> None:
    before = mapping(transport)
    with pytest.raises(UnknownError):
        asyncio.run(transport.iterator_age())

    put(dynamodb, settings.dynamodb.orders_table, {"id": "a", "createdAt": MOMENT})
    until(lambda: mapping(transport).last_result == "OK")

    assert (before.state, before.last_result) == ("Enabled", "No records processed")
    assert asyncio.run(transport.iterator_age()) < 60


def test_a_warehouse_that_is_away_is_seen_and_loses_nothing(
    transport: LocalTransport,
    dynamodb: Any,  # noqa: ANN401
    settings: Settings,
    warehouse: Moody,
) -> None:
    warehouse.away = True
    put(dynamodb, settings.dynamodb.orders_table, {"id": "a", "createdAt": MOMENT})
    until(lambda: mapping(transport).last_result == "PROBLEM: 1 of 1 records must be sent again")

    assert warehouse.find("a", LONG_AGO) is None

    warehouse.away = False
    until(lambda: mapping(transport).last_result == "OK")

    assert warehouse.find("a", LONG_AGO) is not None
    assert asyncio.run(transport.queued()) == 0
