"""The queries of the index in a shop with few orders, or none."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta

import pytest_asyncio

from cloudmart.dynamodb.client import Database
from cloudmart.dynamodb.schema import SHARDS
from cloudmart.dynamodb.session import new_session
from cloudmart.dynamodb.table import Table
from cloudmart.pipeline.orders_by_day import LOOK_BACK, OrdersByDay
from cloudmart.settings import Settings
from tests.support.clock import Clock
from tests.support.fault_proxy import FaultProxy
from tests.support.pipeline_status import Orders
from tests.support.shop_tables import CALL_WITHIN

DAY = 24 * 3600


def _today() -> date:
    return datetime.now(UTC).date()


@pytest_asyncio.fixture
async def database(faults: FaultProxy) -> AsyncIterator[Database]:
    """Provide a client of the DynamoDB behind the proxy."""
    assert faults.port
    database = Database(new_session(), within=CALL_WITHIN)
    await database.open()
    yield database
    await database.close()


def _by_day(database: Database, settings: Settings, clock: Clock) -> OrdersByDay:
    names = settings.dynamodb
    orders, notes = Table(database, names.orders_table), Table(database, names.conversations_table)
    return OrdersByDay(orders, notes, clock=lambda: clock.seconds)


async def test_days_without_orders_are_not_queried_each_time(
    database: Database, settings: Settings, faults: FaultProxy, order: Orders
) -> None:
    clock = Clock()
    by_day = _by_day(database, settings, clock)

    assert await by_day.newest(_today()) is None
    assert faults.calls["Query"] == (LOOK_BACK + 1) * SHARDS
    faults.calls.clear()
    assert await by_day.newest(_today()) is None
    assert faults.calls["Query"] == 2 * SHARDS

    order("a", ago=5 * DAY)
    clock.advance(601)
    faults.calls.clear()
    newest = await by_day.newest(_today())
    assert newest is not None
    assert newest.id == "a"
    assert faults.calls["Query"] == 8 * SHARDS


async def test_an_order_of_today_is_seen_in_a_shop_that_was_empty(
    database: Database, settings: Settings, order: Orders
) -> None:
    by_day = _by_day(database, settings, Clock())
    assert await by_day.newest(_today()) is None

    order("a")

    newest = await by_day.newest(_today())
    assert newest is not None
    assert newest.id == "a"


async def test_the_first_order_since_a_moment_is_looked_for_from_that_moment_on(
    database: Database, settings: Settings, faults: FaultProxy, order: Orders
) -> None:
    by_day = _by_day(database, settings, Clock())
    order("first", ago=20 * DAY)
    order("second", ago=2 * DAY)
    since = datetime.now(UTC) - timedelta(days=21)

    first = await by_day.first_after(since, _today())

    assert first is not None
    assert first.id == "first"
    assert faults.calls["Query"] <= 2 * SHARDS
    later = await by_day.first_after(since + timedelta(days=2), _today())
    assert later is not None
    assert later.id == "second"
    assert await by_day.first_after(datetime.now(UTC), _today()) is None
