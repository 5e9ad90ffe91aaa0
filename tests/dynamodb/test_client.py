"""The process's one client: what a caller is told when the store fails."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from cloudmart.dynamodb.client import Database, new_session
from cloudmart.dynamodb.table import Table
from cloudmart.errors import UnavailableError
from cloudmart.settings import Settings
from tests.support.faults import Fault, FaultProxy


@pytest_asyncio.fixture
async def table(faults: FaultProxy, settings: Settings) -> AsyncIterator[Table]:
    """Give the table of products, reached through the proxy."""
    assert faults.url
    database = Database(new_session())
    await database.open()
    yield Table(database, settings.dynamodb.products_table)
    await database.close()


@pytest.mark.parametrize("fault", [fault for fault in Fault if fault is not Fault.HANG])
async def test_a_failing_store_is_unavailable_and_its_words_stay_inside(
    fault: Fault, faults: FaultProxy, table: Table
) -> None:
    faults.fail(fault)

    with pytest.raises(UnavailableError) as caught:
        await table.get("1")

    assert str(caught.value) == (
        "The shop's data store does not answer at the moment. Please try again."
    )
    assert caught.value.retry_after == 2


async def test_a_store_that_refuses_connections_is_unavailable(
    faults: FaultProxy, table: Table
) -> None:
    faults.stop()

    with pytest.raises(UnavailableError):
        await table.get("1")


async def test_the_same_client_works_again_once_the_store_is_back(
    faults: FaultProxy, table: Table
) -> None:
    faults.stop()
    with pytest.raises(UnavailableError):
        await table.get("1")

    faults.start()

    assert await table.get("1") is None


async def test_one_passing_failure_is_not_told(faults: FaultProxy, table: Table) -> None:
    faults.fail(Fault.THROTTLED, "GetItem", times=1)

    assert await table.get("1") is None
    assert faults.calls["GetItem"] == 2
