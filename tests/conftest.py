"""The whole application on a DynamoDB engine, with new tables for each test."""

import logging
import os
import signal
from collections.abc import AsyncIterator, Iterator
from typing import Any

import certifi
import httpx2
import hypothesis
import pytest
import pytest_asyncio
import structlog
from fastapi.testclient import TestClient

from cloudmart.app import create_app
from cloudmart.dynamodb.session import operators_session
from cloudmart.local.embedded import REGION, embedded_dynamodb
from cloudmart.settings import DynamoDBSettings, Settings
from cloudmart.tables.operator_client import open_client
from tests.support import shop_tables
from tests.support.aws import aws_client
from tests.support.dynamodb_local import dynamodb_local
from tests.support.fault_proxy import FaultProxy, fault_proxy
from tests.support.live_server import served
from tests.support.ready_app import serving, still
from tests.support.shop_tables import KETTLE, LAMP, fresh_tables, put

# The suite uses the same examples on every run, because nobody trusts tests that fail now and then.
# For others: pytest --hypothesis-profile thorough
hypothesis.settings.register_profile(
    "suite", derandomize=True, database=None, deadline=None, max_examples=50
)
hypothesis.settings.register_profile("thorough", deadline=None, max_examples=2000)
hypothesis.settings.load_profile("suite")

# structlog's default puts local variables into every traceback, which takes seconds for each.
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
    ]
)

# A shell that runs tests in the background lets them ignore SIGINT, and nohup lets them ignore
# SIGHUP. All processes that they start would ignore them, too.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

_configure = structlog.configure
_LOGGING = structlog.get_config()


def _configure_uncached(**options: Any) -> None:  # noqa: ANN401 - structlog's
    # A logger that is first used under a command's configuration would keep that configuration.
    _configure(**options | {"cache_logger_on_first_use": False})


structlog.configure = _configure_uncached  # type: ignore[assignment]


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """Undo the logging configuration of a command that a test has called."""
    before = structlog.get_config()["wrapper_class"]
    handlers, level = list(logging.root.handlers), logging.root.level
    yield
    if logging.root.level != level:
        logging.root.handlers[:] = handlers
        logging.root.setLevel(level)
    if structlog.get_config()["wrapper_class"] is not before:
        _configure(**_LOGGING)


_ENGINES = {"embedded": embedded_dynamodb, "local": dynamodb_local}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that chooses the DynamoDB to test on."""
    parser.addoption("--dynamodb", choices=_ENGINES, default="embedded", help="the DynamoDB to use")
    parser.addoption(
        "--transport", choices=("direct", "sdk"), default="direct", help="how items are reached"
    )
    parser.addoption("--write-snapshots", action="store_true", help="renew what tests compare with")


@pytest.fixture(scope="session", autouse=True)
def authority(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Let the SDK load one certificate authority only.

    Loading all takes longer than most tests, and nothing here uses TLS with AWS.
    """
    path = tmp_path_factory.mktemp("aws") / "authority.pem"
    first, end, _ = certifi.contents().partition("-----END CERTIFICATE-----\n")
    path.write_text(first + end)
    os.environ["AWS_CA_BUNDLE"] = str(path)


@pytest.fixture(scope="session")
def engine(request: pytest.FixtureRequest) -> Iterator[str]:
    """Provide the URL of a DynamoDB: the embedded one, or AWS's DynamoDB Local."""
    with _ENGINES[request.config.getoption("dynamodb")]() as url:
        os.environ |= {
            "AWS_ENDPOINT_URL_DYNAMODB": url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": REGION,
            "DYNAMODB_TIMEOUT": str(shop_tables.CALL_WITHIN),
            "CATALOGUE_TTL": "0",
            "DYNAMODB_TRANSPORT": request.config.getoption("transport"),
        }
        yield url


@pytest.fixture(scope="session")
def dynamodb(engine: str) -> Any:  # noqa: ANN401 - boto3 makes its clients at run time
    """Provide boto3's own client, to prepare and inspect tables without the application."""
    return aws_client("dynamodb", endpoint_url=engine)


@pytest.fixture
def settings(dynamodb: Any) -> Iterator[Settings]:  # noqa: ANN401
    """Provide settings that name new tables with the schema's structure."""
    with fresh_tables(dynamodb) as settings:
        yield settings


@pytest.fixture(scope="module")
def shared_settings(dynamodb: Any) -> Iterator[Settings]:  # noqa: ANN401
    """Provide settings for all tests of a module; the catalogue has a lamp and a kettle."""
    with fresh_tables(dynamodb) as settings:
        put(dynamodb, settings.dynamodb.products_table, LAMP, KETTLE)
        yield settings


@pytest.fixture(scope="module")
def shared_client(shared_settings: Settings) -> Iterator[TestClient]:
    """Provide a client of one application for all tests of a module.

    Opening an application takes longer than most tests. The tests must not disturb each other.
    """
    with serving(create_app(shared_settings, process=still(shared_settings))) as client:
        yield client


@pytest.fixture(scope="module")
def shop(shared_settings: Settings) -> Iterator[httpx2.Client]:
    """Provide a client of a shop on a real server, for all tests of a module."""
    with served(shared_settings) as url, httpx2.Client(base_url=url, timeout=60) as client:
        yield client


@pytest.fixture
def faults(engine: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultProxy]:
    """Provide a proxy between DynamoDB and every application that is opened after it."""
    with fault_proxy(engine) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", proxy.url)
        yield proxy


@pytest.fixture
def client(settings: Settings) -> Iterator[TestClient]:
    """Provide a client of the whole application."""
    with serving(create_app(settings, process=still(settings))) as client:
        yield client


@pytest.fixture
def names(dynamodb: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[DynamoDBSettings]:  # noqa: ANN401
    """Provide names of tables that do not exist yet, to the test and to the command line."""
    names = shop_tables.fresh_names()
    for variable, field in shop_tables.ENVIRONMENT.items():
        monkeypatch.setenv(variable, getattr(names, field))
    yield names
    shop_tables.drop(dynamodb, names)


@pytest.fixture
def production(dynamodb: Any, names: DynamoDBSettings) -> DynamoDBSettings:  # noqa: ANN401
    """Provide the names of tables as in production: no indexes, a stream on the orders."""
    shop_tables.create_as_in_production(dynamodb, names)
    return names


@pytest_asyncio.fixture
async def operator(engine: str) -> AsyncIterator[Any]:
    """Provide the client of an operator's commands."""
    assert engine
    async with open_client(operators_session(REGION)) as client:
        yield client


@pytest.fixture
def stocked(dynamodb: Any, settings: Settings) -> Settings:  # noqa: ANN401
    """Provide settings whose catalogue has a lamp, product 1, and a kettle, product 2."""
    put(dynamodb, settings.dynamodb.products_table, LAMP, KETTLE)
    return settings


@pytest.fixture
def embedded_only(request: pytest.FixtureRequest) -> None:
    """Skip a test that DynamoDB Local cannot run.

    It has only DynamoDB's API. It never finishes an index over an item whose key has another type,
    while the real DynamoDB leaves the item out.
    """
    if request.config.getoption("dynamodb") != "embedded":
        pytest.skip("DynamoDB Local keeps no secrets, and builds no index over bad keys")
