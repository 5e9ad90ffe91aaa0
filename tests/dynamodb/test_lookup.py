"""Look-ups by an index, and by a scan while the index cannot be used."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from cloudmart.dynamodb.client import Database
from cloudmart.dynamodb.codec import Item
from cloudmart.dynamodb.lookup import IndexRecord, Lookup
from cloudmart.dynamodb.schema import KEYS_VERSION, LOOK_AGAIN, TableIndex
from cloudmart.dynamodb.table import Table
from cloudmart.errors import UnavailableError
from cloudmart.orders.indexes import INDEXED_ORDERS, ORDERS_BY_EMAIL
from cloudmart.settings import Settings
from cloudmart.values.page import Pages
from tests.support.fault_proxy import Fault, FaultProxy
from tests.support.shop_tables import add_index, drop_indexes

ANN = ("ann@example.org",)


class Clock:
    """A clock that only moves when a test moves it."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    """Provide a clock that stands still."""
    return Clock()


@pytest.fixture
def notes(database: Database, settings: Settings) -> Table:
    """Provide the table that holds the record."""
    return Table(database, settings.dynamodb.conversations_table)


@pytest.fixture
def lookup(orders: Table, notes: Table, clock: Clock) -> Lookup:
    """Provide the look-up of orders by e-mail."""
    return Lookup(orders, ORDERS_BY_EMAIL, IndexRecord(notes, INDEXED_ORDERS), clock=clock)


@pytest.fixture
def hasty_lookup(hasty: Database, orders: Table, notes: Table, clock: Clock) -> Lookup:
    """Provide a look-up with shorter time-outs."""
    record = IndexRecord(Table(hasty, notes.name), INDEXED_ORDERS)
    return Lookup(Table(hasty, orders.name), ORDERS_BY_EMAIL, record, clock=clock)


@pytest.fixture
async def recorded(notes: Table) -> None:
    """Record a pass of this release."""
    await _record(notes)


async def _fill(orders: Table) -> None:
    for number in (2, 1, 3):
        await orders.put(
            {
                "id": str(number),
                "emailKey": ANN[0],
                "createdAt": f"2026-01-0{number}T00:00:00.000Z",
            },
            new=True,
        )
    await orders.put({"id": "4", "emailKey": "bob@example.org", "createdAt": "2026-02"}, new=True)


async def _record(notes: Table, *, keys: int = KEYS_VERSION) -> None:
    await notes.put({"id": INDEXED_ORDERS.record, "keys": keys}, new=False)


async def _found(lookup: Lookup, orders: Table, values: Sequence[str] = ANN) -> list[str]:
    async def scan() -> Pages[Item]:
        async for page in orders.scan():
            yield page.filter(lambda item: item["emailKey"] in values)

    return [item["id"] async for page in lookup.find(values, scan=scan) for item in page.items]


def _fallbacks() -> float:
    labels = {"index": ORDERS_BY_EMAIL.name}
    return REGISTRY.get_sample_value("cloudmart_index_fallbacks_total", labels) or 0


async def test_an_index_that_is_active_and_backfilled_serves_newest_first(
    lookup: Lookup, orders: Table, notes: Table, faults: FaultProxy
) -> None:
    await _fill(orders)
    await _record(notes)

    assert await _found(lookup, orders) == ["3", "2", "1"]
    assert (faults.calls["Query"], faults.calls["Scan"]) == (1, 0)


async def test_several_values_are_one_list(lookup: Lookup, orders: Table, notes: Table) -> None:
    await _fill(orders)
    await _record(notes)

    found = await _found(lookup, orders, [*ANN, "bob@example.org", "nobody@example.org"])

    assert found == ["4", "3", "2", "1"]


@pytest.mark.parametrize("recorded", [None, KEYS_VERSION - 1, KEYS_VERSION + 1])
async def test_an_index_of_which_no_pass_of_this_release_is_recorded_is_left_alone(
    recorded: int | None, lookup: Lookup, orders: Table, notes: Table, faults: FaultProxy
) -> None:
    await _fill(orders)
    if recorded is not None:
        await _record(notes, keys=recorded)

    assert sorted(await _found(lookup, orders)) == ["1", "2", "3"]
    assert (faults.calls["Query"], faults.calls["Scan"]) == (0, 1)


async def test_a_shop_without_the_table_of_records_reads_its_orders(
    lookup: Lookup,
    orders: Table,
    notes: Table,
    dynamodb: Any,  # noqa: ANN401
) -> None:
    await _fill(orders)
    dynamodb.delete_table(TableName=notes.name)

    assert sorted(await _found(lookup, orders)) == ["1", "2", "3"]


async def test_a_record_that_is_removed_is_noticed_within_a_minute(
    lookup: Lookup, orders: Table, notes: Table, faults: FaultProxy, clock: Clock
) -> None:
    await _fill(orders)
    await _record(notes)
    await _found(lookup, orders)
    await notes.remove(INDEXED_ORDERS.record)

    clock.seconds = LOOK_AGAIN
    assert sorted(await _found(lookup, orders)) == ["1", "2", "3"]
    assert (faults.calls["Query"], faults.calls["Scan"]) == (1, 1)


async def test_without_the_index_each_look_up_scans_and_one_warning_is_logged(
    lookup: Lookup,
    orders: Table,
    dynamodb: Any,  # noqa: ANN401 - boto3's
    faults: FaultProxy,
    clock: Clock,
) -> None:
    drop_indexes(dynamodb, orders.name)
    await _fill(orders)
    before = _fallbacks()

    with capture_logs() as logs:
        for _ in range(3):
            assert sorted(await _found(lookup, orders)) == ["1", "2", "3"]
            clock.seconds += LOOK_AGAIN

    assert [(line["event"], line["log_level"], line["because"]) for line in logs] == [
        ("index_not_usable", "warning", "the index does not exist")
    ]
    assert _fallbacks() == before + 3
    assert faults.calls["DescribeTable"] == 3


@pytest.mark.usefixtures("recorded")
async def test_an_index_that_appears_is_used_within_a_minute(
    lookup: Lookup,
    orders: Table,
    dynamodb: Any,  # noqa: ANN401
    faults: FaultProxy,
    clock: Clock,
) -> None:
    drop_indexes(dynamodb, orders.name)
    await _fill(orders)
    await _found(lookup, orders)
    add_index(dynamodb, orders.name, ORDERS_BY_EMAIL)

    clock.seconds = LOOK_AGAIN - 1
    await _found(lookup, orders)
    assert faults.calls["Query"] == 0

    clock.seconds = LOOK_AGAIN
    assert await _found(lookup, orders) == ["3", "2", "1"]
    assert faults.calls["Query"] == 1


async def test_an_index_that_is_dropped_while_it_is_used_is_done_without(
    lookup: Lookup,
    orders: Table,
    notes: Table,
    dynamodb: Any,  # noqa: ANN401
    faults: FaultProxy,
) -> None:
    await _fill(orders)
    await _record(notes)
    await _found(lookup, orders)
    drop_indexes(dynamodb, orders.name)

    with capture_logs() as logs:
        found = await _found(lookup, orders)

    assert sorted(found) == ["1", "2", "3"]
    assert faults.calls["Scan"] == 1
    assert [line["event"] for line in logs] == ["index_not_usable"]


async def test_an_index_that_holds_only_keys_is_left_alone(
    lookup: Lookup,
    orders: Table,
    notes: Table,
    dynamodb: Any,  # noqa: ANN401
    faults: FaultProxy,
) -> None:
    drop_indexes(dynamodb, orders.name)
    add_index(dynamodb, orders.name, ORDERS_BY_EMAIL, projection="KEYS_ONLY")
    await _fill(orders)
    await _record(notes)

    assert sorted(await _found(lookup, orders)) == ["1", "2", "3"]
    assert faults.calls["Query"] == 0


async def test_an_index_of_that_name_with_another_key_is_left_alone(
    lookup: Lookup,
    orders: Table,
    notes: Table,
    dynamodb: Any,  # noqa: ANN401
    faults: FaultProxy,
) -> None:
    drop_indexes(dynamodb, orders.name)
    add_index(dynamodb, orders.name, TableIndex(ORDERS_BY_EMAIL.name, "customerEmail", "createdAt"))
    await _fill(orders)
    await _record(notes)

    assert sorted(await _found(lookup, orders)) == ["1", "2", "3"]
    assert faults.calls["Query"] == 0


async def test_an_outage_is_not_taken_for_a_dropped_index(
    lookup: Lookup, orders: Table, notes: Table, faults: FaultProxy
) -> None:
    await _fill(orders)
    await _record(notes)
    faults.fail(Fault.THROTTLED, "Query")

    with pytest.raises(UnavailableError):
        await _found(lookup, orders)

    assert faults.calls["Scan"] == 0


async def test_a_role_that_may_not_describe_tables_scans(
    lookup: Lookup, orders: Table, notes: Table, faults: FaultProxy
) -> None:
    await _fill(orders)
    await _record(notes)
    faults.fail(Fault.DENIED, "DescribeTable")

    with capture_logs() as logs:
        found = await _found(lookup, orders)

    assert sorted(found) == ["1", "2", "3"]
    assert [line["because"] for line in logs] == [
        "the permission dynamodb:DescribeTable is missing"
    ]


@pytest.mark.usefixtures("recorded")
@pytest.mark.parametrize("fault", [Fault.LIMITED, Fault.BROKEN, Fault.DENIED, Fault.HANG])
async def test_what_was_known_of_an_index_holds_while_it_cannot_be_described(
    fault: Fault, lookup: Lookup, orders: Table, faults: FaultProxy, clock: Clock
) -> None:
    await _fill(orders)
    await _found(lookup, orders)
    clock.seconds = LOOK_AGAIN
    faults.fail(fault, "DescribeTable")

    assert await _found(lookup, orders) == ["3", "2", "1"]
    assert faults.calls["Scan"] == 0


async def test_many_at_once_ask_once_and_fail_together(
    lookup: Lookup, orders: Table, faults: FaultProxy
) -> None:
    faults.fail(Fault.RESET, "DescribeTable")

    outcomes = await asyncio.gather(
        *(_found(lookup, orders) for _ in range(5)), return_exceptions=True
    )
    asked = faults.calls["DescribeTable"]
    faults.heal()
    found = await asyncio.gather(*(_found(lookup, orders) for _ in range(5)))

    assert {type(outcome) for outcome in outcomes} == {UnavailableError}
    assert asked == 2  # the client's one quick second attempt
    assert found == [[]] * 5
    assert faults.calls["DescribeTable"] == asked + 1


async def test_a_store_that_does_not_answer_is_unavailable_to_everyone_in_time(
    hasty: Database, hasty_lookup: Lookup, orders: Table, faults: FaultProxy
) -> None:
    faults.fail(Fault.HANG, "DescribeTable")
    started = time.monotonic()

    outcomes = await asyncio.gather(
        *(_found(hasty_lookup, orders) for _ in range(20)), return_exceptions=True
    )

    assert {type(outcome) for outcome in outcomes} == {UnavailableError}
    # One after the other, they would take twenty times as long.
    assert time.monotonic() - started < 10 * hasty.within


async def test_a_query_that_hangs_leaves_no_time_for_a_second_wait(
    hasty: Database, hasty_lookup: Lookup, orders: Table, notes: Table, faults: FaultProxy
) -> None:
    # A second scan would take as long as the first; a busy machine takes some seconds in between.
    hasty.within = 3
    await hasty.open()
    await _record(notes)
    faults.fail(Fault.HANG, "Query")
    faults.fail(Fault.HANG, "DescribeTable", after=1)
    started = time.monotonic()

    with pytest.raises(UnavailableError):
        await _found(hasty_lookup, orders)

    assert time.monotonic() - started < 1.8 * hasty.within
