"""Products from the table and from memory: every promise holds for both."""

import time
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from typing import Any

import pytest
import pytest_asyncio

from cloudmart.dynamodb.client import Database
from cloudmart.dynamodb.codec import Item
from cloudmart.dynamodb.session import new_session
from cloudmart.settings import CatalogueSettings, Settings
from tests.products.world import World
from tests.support.fault_proxy import FaultProxy
from tests.support.shop_tables import CALL_WITHIN, KETTLE, LAMP, fresh_tables, put

Stock = Callable[..., None]


@pytest.fixture(params=[0, 0.2], ids=["from the table", "from memory"])
def settings(request: pytest.FixtureRequest, dynamodb: Any) -> Iterator[Settings]:  # noqa: ANN401
    """Provide settings that name new tables."""
    with fresh_tables(dynamodb) as settings:
        copy = CatalogueSettings(ttl=request.param)
        yield settings.model_copy(update={"catalogue": copy})


@pytest.fixture
def stock(settings: Settings, dynamodb: Any) -> Stock:  # noqa: ANN401
    """Provide a function that writes products without the service, and waits until it sees them."""

    def write(*items: Item) -> None:
        put(dynamodb, settings.dynamodb.products_table, *items)
        time.sleep(settings.catalogue.ttl)

    return write


@pytest_asyncio.fixture
async def world(
    faults: FaultProxy, stocked_table: Settings, pytestconfig: pytest.Config
) -> AsyncIterator[World]:
    """Provide a table with a lamp and a kettle, behind a proxy that can fail."""
    assert faults.port
    direct = pytestconfig.getoption("transport") == "direct"
    database = Database(new_session(), within=CALL_WITHIN, direct=direct)
    await database.open()
    yield World(stocked_table, database)
    await database.close()


@pytest.fixture
def stocked_table(dynamodb: Any) -> Iterator[Settings]:  # noqa: ANN401
    """Provide settings that name new tables, with a lamp and a kettle."""
    with fresh_tables(dynamodb) as settings:
        put(dynamodb, settings.dynamodb.products_table, LAMP, KETTLE)
        yield settings


@pytest.fixture
def write_behind(stocked_table: Settings, dynamodb: Any) -> Stock:  # noqa: ANN401
    """Provide a function that writes products as another program would."""
    return partial(put, dynamodb, stocked_table.dynamodb.products_table)
