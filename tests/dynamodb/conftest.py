"""Tables as the repositories use them, behind a proxy that can fail."""

from collections.abc import AsyncIterator, Iterator

import aioboto3
import pytest
import pytest_asyncio

from cloudmart.dynamodb.client import Database
from cloudmart.dynamodb.session import new_session
from cloudmart.dynamodb.table import Table
from cloudmart.settings import Settings
from tests.support.fault_proxy import FaultProxy
from tests.support.scripted_server import LoopbackServer, loopback
from tests.support.shop_tables import CALL_WITHIN


@pytest.fixture(scope="session")
def session(engine: str) -> aioboto3.Session:
    """Provide one session for all tests: a new one reads the SDK's service descriptions again."""
    assert engine
    return new_session()


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackServer]:
    """Give a server that stands for DynamoDB, and an environment that leads to it."""
    with loopback() as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", server.url)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        yield server


@pytest_asyncio.fixture
async def database(
    faults: FaultProxy, session: aioboto3.Session, pytestconfig: pytest.Config
) -> AsyncIterator[Database]:
    """Provide a client of the DynamoDB behind the proxy."""
    assert faults.port
    direct = pytestconfig.getoption("transport") == "direct"
    database = Database(session, within=CALL_WITHIN, direct=direct)
    await database.open()
    yield database
    await database.close()


@pytest_asyncio.fixture
async def hasty(
    faults: FaultProxy, session: aioboto3.Session, pytestconfig: pytest.Config
) -> AsyncIterator[Database]:
    """Provide a client with shorter time-outs."""
    assert faults.port
    direct = pytestconfig.getoption("transport") == "direct"
    database = Database(session, within=0.5, direct=direct)
    await database.open()
    yield database
    await database.close()


@pytest.fixture
def products(database: Database, settings: Settings) -> Table:
    """Provide the table of products."""
    return Table(database, settings.dynamodb.products_table)


@pytest.fixture
def orders(database: Database, settings: Settings) -> Table:
    """Provide the table of orders."""
    return Table(database, settings.dynamodb.orders_table)
