"""A read of all products that takes longer than one call may: nobody waits for its end."""

import asyncio
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager

import pytest

from cloudmart.dynamodb.client import Database
from cloudmart.dynamodb.codec import Item
from cloudmart.dynamodb.session import new_session
from cloudmart.dynamodb.table import Table
from cloudmart.errors import UnavailableError
from cloudmart.products.catalogue import Catalogue
from cloudmart.products.repository import ProductRepository
from cloudmart.settings import CatalogueSettings
from cloudmart.values.page import Page, Pages
from tests.products.world import MAX_STALE, TTL
from tests.support.shop_tables import KETTLE, LAMP

pytestmark = pytest.mark.asyncio


class SlowProducts(ProductRepository):
    """Products in two pages; the second comes when the gate is open. Each page comes in time."""

    def __init__(self, within: float) -> None:
        # It is not open, so every other call is refused.
        super().__init__(Table(Database(new_session("us-east-1"), within=within), "products"))
        self.gate = asyncio.Event()
        self.away = False
        self.waits = 0

    def budget(self) -> AbstractAsyncContextManager[None]:
        """Count those who wait."""
        self.waits += 1
        return super().budget()

    async def scan(self, attributes: Sequence[str], page_size: int) -> Pages[Item]:
        """Yield the pages, or refuse in the time that a call has."""
        del attributes, page_size
        if self.away:
            await asyncio.sleep(0.01)
            raise UnavailableError("The table is away.")
        yield Page([LAMP], last=False)
        await self.gate.wait()
        yield Page([KETTLE], last=True)


class Shop:
    """A catalogue that was read once, and a clock."""

    def __init__(self, within: float = 0.05) -> None:
        self.products = SlowProducts(within)
        self.seconds = 1000.0
        settings = CatalogueSettings(ttl=TTL, max_stale=MAX_STALE)
        self.catalogue = Catalogue(self.products, settings, clock=lambda: self.seconds)

    async def read_once(self) -> None:
        """Read the products, and let the next read be slow."""
        self.products.gate.set()
        await self.catalogue.cache.load(30)
        self.products.gate.clear()


async def test_a_slow_read_shows_the_copy_with_its_age() -> None:
    shop = Shop()
    await shop.read_once()
    shop.seconds += TTL + 1

    whole = await shop.catalogue.whole_list()

    assert whole is not None
    assert whole.age == 3
    assert shop.catalogue.cache.reading is not None
    shop.products.gate.set()
    await asyncio.wait({shop.catalogue.cache.reading})
    assert shop.catalogue.ready_list() is whole.document


async def test_only_the_first_requests_wait_for_a_slow_read() -> None:
    shop = Shop()
    await shop.read_once()
    shop.seconds += TTL + 1

    whole = [await shop.catalogue.whole_list() for _ in range(3)]

    assert [each and each.age for each in whole] == [3, 3, 3]
    assert shop.products.waits == 1
    await shop.catalogue.cache.close()


async def test_a_slow_first_read_leaves_the_answer_to_the_table() -> None:
    shop = Shop()

    assert await shop.catalogue.whole_list() is None
    pages = (await shop.catalogue.find()).pages
    with pytest.raises(UnavailableError, match="is starting"):
        await anext(aiter(pages))

    assert shop.products.waits == 1
    await shop.catalogue.cache.close()


async def test_a_slow_read_and_a_copy_that_is_too_old_leave_the_answer_to_the_table() -> None:
    shop = Shop()
    await shop.read_once()
    shop.seconds += MAX_STALE + 1

    assert await shop.catalogue.whole_list() is None

    await shop.catalogue.cache.close()


async def test_a_request_that_saw_the_table_refuse_does_not_ask_it_again() -> None:
    # More time than the refusal takes, also on a busy machine.
    shop = Shop(within=30)
    await shop.read_once()
    shop.seconds += MAX_STALE + 1
    shop.products.away = True

    with pytest.raises(UnavailableError, match="The table is away"):
        await shop.catalogue.whole_list()
