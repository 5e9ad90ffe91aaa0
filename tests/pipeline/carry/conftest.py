"""The Lambda's code between a stream and a fake of BigQuery."""

from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest

from cloudmart.local.embedded import embedded_dynamodb
from cloudmart.pipeline.carry.bigquery import open_warehouse
from cloudmart.pipeline.carry.carrier import Carrier, carry_batch
from cloudmart.pipeline.repair.replay import S3Quarantine
from cloudmart.settings import Settings
from tests.support.aws import aws_client
from tests.support.bigquery_api import BigQueryApi
from tests.support.order_stream import Event, OrderStream

Function = Callable[[Event], object]


@pytest.fixture(scope="session")
def s3() -> Iterator[str]:
    """Provide the URL of an S3, for every DynamoDB engine."""
    with embedded_dynamodb() as url:
        yield url


@pytest.fixture
def bucket(engine: str, s3: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Provide the name of an empty bucket."""
    assert engine  # This fixture sets the credentials.
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3)
    name = f"quarantine-{uuid4().hex[:12]}"
    aws_client("s3").create_bucket(Bucket=name)
    return name


@pytest.fixture
def quarantine(bucket: str) -> S3Quarantine:
    """Provide an empty quarantine."""
    return S3Quarantine(bucket)


@pytest.fixture
def carrier(api: BigQueryApi, quarantine: S3Quarantine) -> Iterator[Carrier]:
    """Provide the carrier that sends batches to the fake of BigQuery."""
    with open_warehouse(api.settings, patience=1.5) as warehouse:
        yield Carrier(warehouse, quarantine)


@pytest.fixture
def function(carrier: Carrier) -> Function:
    """Provide the Lambda, from one event to its answer."""
    return lambda event: carry_batch(carrier, event)


@pytest.fixture
def orders(dynamodb: object, settings: Settings, engine: str) -> OrderStream:
    """Provide a table of orders with its stream."""
    return OrderStream(dynamodb, settings.dynamodb.orders_table, engine)
