"""Look-ups by an index, and by a scan for as long as the index is not there."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from cloudmart.dynamodb.codec import Item
from cloudmart.dynamodb.expression import Having
from cloudmart.dynamodb.internal import BACKFILL, note
from cloudmart.dynamodb.lookup import LOOK_AGAIN, Lookup
from cloudmart.dynamodb.schema import ORDERS_BY_EMAIL, Index
from cloudmart.dynamodb.table import Table
from cloudmart.errors import UnavailableError
from cloudmart.values.page import Pages
from tests.support.faults import Fault, FaultProxy
from tests.support.shop_tables import add_index, drop_indexes

ANN = ("ann@example.org",)


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    """Give a clock that stands."""
    return Clock()


@pytest.fixture
def lookup(orders: Table, clock: Clock) -> Lookup:
    """Give the look-up of orders by e-mail."""
    return Lookup(orders, ORDERS_BY_EMAIL, backfill=BACKFILL, clock=clock)


async def _fill(orders: Table) -> None:
    for number in (2, 1, 3):
        await orders.put(
            {
                "id": str(number),
                "userEmail": ANN[0],
                "createdAt": f"2026-01-0{number}T00:00:00.000Z",
            },
            new=True,
        )
    await orders.put({"id": "4", "userEmail": "bob@example.org", "createdAt": "2026-02"}, new=True)


async def _backfilled(orders: Table) -> None:
    await orders.put(note(BACKFILL, completedAt="2026-11-23T08:00:00.000Z"), new=False)


async def _found(lookup: Lookup, orders: Table, values: Sequence[str] = ANN) -> list[str]:
    def scan() -> Pages[Item]:
        return orders.scan(having=Having(("userEmail",), values))

    return [item["id"] async for page in lookup.find(values, scan=scan) for item in page.items]


def _fallbacks() -> float:
    labels = {"index": ORDERS_BY_EMAIL.name}
    return REGISTRY.get_sample_value("cloudmart_index_fallbacks_total", labels) or 0


async def test_an_index_that_is_active_and_backfilled_serves_newest_first(
    lookup: Lookup, orders: Table, faults: FaultProxy
) -> None:
    await _fill(orders)
    await _backfilled(orders)

    assert await _found(lookup, orders) == ["3", "2", "1"]
    assert (faults.calls["Query"], faults.calls["Scan"]) == (1, 0)


async def test_several_values_are_one_list(lookup: Lookup, orders: Table) -> None:
    await _fill(orders)
    await _backfilled(orders)

    found = await _found(lookup, orders, [*ANN, "bob@example.org", "nobody@example.org"])

    assert found == ["4", "3", "2", "1"]


async def test_an_index_whose_backfill_is_not_recorded_is_left_alone(
    lookup: Lookup, orders: Table, faults: FaultProxy
) -> None:
    await _fill(orders)
    await orders.put(note(BACKFILL, lastKey="2"), new=True)

    assert sorted(await _found(lookup, orders)) == ["1", "2", "3"]
    assert (faults.calls["Query"], faults.calls["Scan"]) == (0, 1)


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


async def test_an_index_that_appears_is_used_within_a_minute(
    lookup: Lookup,
    orders: Table,
    dynamodb: Any,  # noqa: ANN401
    faults: FaultProxy,
    clock: Clock,
) -> None:
    drop_indexes(dynamodb, orders.name)
    await _fill(orders)
    await _backfilled(orders)
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
    dynamodb: Any,  # noqa: ANN401
    faults: FaultProxy,
) -> None:
    await _fill(orders)
    await _backfilled(orders)
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
    dynamodb: Any,  # noqa: ANN401
    faults: FaultProxy,
) -> None:
    drop_indexes(dynamodb, orders.name)
    add_index(dynamodb, orders.name, ORDERS_BY_EMAIL, projection="KEYS_ONLY")
    await _fill(orders)
    await _backfilled(orders)

    assert sorted(await _found(lookup, orders)) == ["1", "2", "3"]
    assert faults.calls["Query"] == 0


async def test_an_index_of_that_name_with_another_key_is_left_alone(
    lookup: Lookup,
    orders: Table,
    dynamodb: Any,  # noqa: ANN401
    faults: FaultProxy,
) -> None:
    drop_indexes(dynamodb, orders.name)
    add_index(dynamodb, orders.name, Index(ORDERS_BY_EMAIL.name, "customerEmail", "createdAt"))
    await _fill(orders)
    await _backfilled(orders)

    assert sorted(await _found(lookup, orders)) == ["1", "2", "3"]
    assert faults.calls["Query"] == 0


async def test_an_outage_is_not_taken_for_a_dropped_index(
    lookup: Lookup, orders: Table, faults: FaultProxy
) -> None:
    await _fill(orders)
    await _backfilled(orders)
    faults.fail(Fault.THROTTLED, "Query")

    with pytest.raises(UnavailableError):
        await _found(lookup, orders)

    assert faults.calls["Scan"] == 0


async def test_a_role_that_may_not_describe_tables_scans(
    lookup: Lookup, orders: Table, faults: FaultProxy
) -> None:
    await _fill(orders)
    await _backfilled(orders)
    faults.fail(Fault.DENIED, "DescribeTable")

    with capture_logs() as logs:
        found = await _found(lookup, orders)

    assert sorted(found) == ["1", "2", "3"]
    assert [line["because"] for line in logs] == [
        "the permission dynamodb:DescribeTable is missing"
    ]


@pytest.mark.parametrize("fault", [Fault.LIMITED, Fault.BROKEN, Fault.DENIED, Fault.HANG])
async def test_what_was_known_of_an_index_holds_while_it_cannot_be_described(
    fault: Fault, lookup: Lookup, orders: Table, faults: FaultProxy, clock: Clock
) -> None:
    await _fill(orders)
    await _backfilled(orders)
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
    assert asked == 2  # the client's one quick second try
    assert found == [[]] * 5
    assert faults.calls["DescribeTable"] == asked + 1


async def test_a_store_that_does_not_answer_is_unavailable_to_everyone_in_time(
    lookup: Lookup, orders: Table, faults: FaultProxy
) -> None:
    faults.fail(Fault.HANG, "DescribeTable")
    started = time.monotonic()

    outcomes = await asyncio.gather(
        *(_found(lookup, orders) for _ in range(20)), return_exceptions=True
    )

    assert {type(outcome) for outcome in outcomes} == {UnavailableError}
    assert time.monotonic() - started < 5


async def test_a_query_that_hangs_leaves_no_time_for_a_second_wait(
    lookup: Lookup, orders: Table, faults: FaultProxy
) -> None:
    await _backfilled(orders)
    faults.fail(Fault.HANG, "Query")
    faults.fail(Fault.HANG, "DescribeTable", after=1)
    started = time.monotonic()

    with pytest.raises(UnavailableError):
        await _found(lookup, orders)

    assert time.monotonic() - started < 5
