"""Look-ups by address without an index: one reading at a time, for all that wait."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from cloudmart.composition.clients import open_database
from cloudmart.dynamodb.table import Table
from cloudmart.errors import UnavailableError
from cloudmart.orders.repository import AddressScan
from cloudmart.settings import Settings
from tests.support.fault_proxy import Fault, FaultProxy
from tests.support.shop_tables import drop_indexes, put

ANN, BOB = "ann@x.org", "bob@x.org"
ORDERS: list[dict[str, Any]] = [
    {"id": "a", "userEmail": "Ann@X.org", "createdAt": "2026-01-01T00:00:00.000Z"},
    {"id": "b", "userEmail": None, "customerEmail": "ANN@x.org", "createdAt": "2026-01-03"},
    {"id": "c", "userEmail": BOB, "customerEmail": ANN, "createdAt": "2026-01-02"},
    {"id": "d", "userEmail": [ANN]},
    {"id": "e"},
    {"id": "internal-note", "userEmail": ANN},
]


@pytest.fixture
async def scan(
    faults: FaultProxy,
    settings: Settings,
    dynamodb: Any,  # noqa: ANN401 - boto3's
) -> AsyncIterator[AddressScan]:
    """Provide the scan of a table with some orders."""
    assert faults
    put(dynamodb, settings.dynamodb.orders_table, *ORDERS)
    async with open_database(settings) as database:
        yield AddressScan(Table(database, settings.dynamodb.orders_table))


async def test_orders_are_found_by_the_address_they_show_newest_first(scan: AddressScan) -> None:
    assert [await scan.find(ANN), await scan.find(BOB)] == [["b", "a"], ["c"]]


async def test_orders_are_sorted_as_the_index_sorts_them(
    scan: AddressScan,
    settings: Settings,
    dynamodb: Any,  # noqa: ANN401 - boto3's
) -> None:
    cat = "cat@x.org"
    orders: list[dict[str, Any]] = [
        {"id": "none", "userEmail": cat, "createdAt": None},
        {"id": "changed", "userEmail": cat, "updatedAt": "2025-06-01T00:00:00.000Z"},
        {"id": "number", "userEmail": cat, "createdAt": Decimal(1738367999)},
        {"id": "text", "userEmail": cat, "createdAt": "2025-03-01T00:00:00.000Z"},
    ]
    drop_indexes(dynamodb, settings.dynamodb.orders_table)
    put(dynamodb, settings.dynamodb.orders_table, *orders)

    assert await scan.find(cat) == ["changed", "text", "number", "none"]


async def test_no_more_is_read_of_an_order_than_decides(
    scan: AddressScan, faults: FaultProxy
) -> None:
    await scan.find(ANN)

    asked = faults.bodies[-1].decode()
    assert '"ProjectionExpression"' in asked
    assert '"items"' not in asked


async def test_simultaneous_requests_share_two_reads(scan: AddressScan, faults: FaultProxy) -> None:
    first = asyncio.create_task(scan.find(ANN))
    await asyncio.sleep(0)
    others = [scan.find(address) for address in [ANN, BOB, "nobody@x.org"] * 20]

    found = await asyncio.gather(first, *others)

    assert found == [["b", "a"], *([["b", "a"], ["c"], []] * 20)]
    assert faults.calls["Scan"] == 2


async def test_a_client_that_leaves_does_not_cancel_the_read_of_others(scan: AddressScan) -> None:
    leaving, staying = (asyncio.create_task(scan.find(ANN)) for _ in range(2))
    await asyncio.sleep(0)

    leaving.cancel()

    assert await staying == ["b", "a"]


async def test_all_waiting_requests_get_the_outage_and_later_ones_work(
    scan: AddressScan, faults: FaultProxy
) -> None:
    faults.fail(Fault.THROTTLED, "Scan")

    outcomes = await asyncio.gather(*(scan.find(ANN) for _ in range(5)), return_exceptions=True)
    faults.heal()

    assert {type(outcome) for outcome in outcomes} == {UnavailableError}
    assert await scan.find(ANN) == ["b", "a"]
