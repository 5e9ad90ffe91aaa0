"""The items of several keys of an index as one list, in small pages."""

import asyncio
from collections.abc import Sequence
from typing import Literal

import pytest

from cloudmart.dynamodb.client import MERGES_AT_ONCE, PAGES_AT_ONCE, Database
from cloudmart.dynamodb.lookup import query_keys
from cloudmart.dynamodb.table import Table
from cloudmart.orders.indexes import ORDERS_BY_EMAIL
from cloudmart.settings import Settings
from tests.support.fault_proxy import FaultProxy

# The last key has no items. Some times are equal.
KEYS = ("ann@example.org", "bob@example.org", "eve@example.org", "joe@example.org")
MOMENTS = [f"2026-01-{1 + (n * 7) % 19:02}" for n in range(30)]


@pytest.fixture
def orders(database: Database, settings: Settings) -> Table:
    """Provide the orders' table."""
    return Table(database, settings.dynamodb.orders_table)


async def fill(orders: Table) -> None:
    """Write orders of three customers, most of them of the first one."""
    for number, moment in enumerate(MOMENTS):
        key = KEYS[(number % 5) // 2]
        await orders.put({"id": str(number), "emailKey": key, "createdAt": moment}, new=True)


async def read(orders: Table, at_once: int, keys: Sequence[str] = KEYS) -> list[list[str]]:
    """Return the times of all items, page by page."""
    pages = query_keys(orders, ORDERS_BY_EMAIL, keys, at_once=at_once)
    return [[item["createdAt"] for item in page.items] async for page in pages]


@pytest.mark.parametrize("at_once", [1, 8, 20, 500])
async def test_all_items_come_once_and_newest_first(at_once: int, orders: Table) -> None:
    await fill(orders)

    pages = await read(orders, at_once)

    assert [moment for page in pages for moment in page] == sorted(MOMENTS, reverse=True)
    assert all(len(page) <= max(at_once, len(KEYS)) for page in pages)


async def test_what_fits_into_one_page_is_asked_for_once(orders: Table, faults: FaultProxy) -> None:
    await fill(orders)
    faults.calls.clear()

    pages = await read(orders, 500)

    assert (len(pages), faults.calls["Query"]) == (1, len(KEYS))


class Watched(asyncio.Semaphore):
    """A semaphore that counts how often it was held at the same time."""

    def __init__(self, value: int) -> None:
        super().__init__(value)
        self.held = self.most = 0

    async def acquire(self) -> Literal[True]:
        """Acquire it."""
        await super().acquire()
        self.held += 1
        self.most = max(self.most, self.held)
        return True

    def release(self) -> None:
        """Release it."""
        self.held -= 1
        super().release()


async def test_however_many_lists_are_asked_for_few_pages_are_read_at_once(
    orders: Table, database: Database
) -> None:
    await fill(orders)
    database.pages, database.merges = Watched(PAGES_AT_ONCE), Watched(MERGES_AT_ONCE)

    await asyncio.gather(*(read(orders, 8) for _ in range(6)), *(_scan(orders) for _ in range(20)))

    assert database.pages.most == PAGES_AT_ONCE
    assert database.merges.most == MERGES_AT_ONCE


async def _scan(orders: Table) -> int:
    return sum([len(page.items) async for page in orders.scan()])
