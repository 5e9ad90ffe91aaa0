"""What the pipeline's tests stand on: a BigQuery, and what AWS runs of it."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from cloudmart.local.duckdb_warehouse import DuckDBWarehouse, duckdb_connection
from cloudmart.local.embedded import embedded_dynamodb
from tests.support.bigquery_api import BigQueryApi, bigquery_api
from tests.support.local_bigquery import local_bigquery, why_missing
from tests.support.pipeline_aws import PipelineAws, pipeline_aws


@pytest.fixture(scope="session")
def bigquery_emulator() -> Iterator[str]:
    """Give the URL of a BigQuery emulator, its project `cloudmart`; skip where there is none."""
    if reason := why_missing():
        pytest.skip(reason)
    with local_bigquery() as url:
        yield url


@pytest.fixture
def api() -> Iterator[BigQueryApi]:
    """Give BigQuery's wire, played by a fake of it."""
    with bigquery_api() as api:
        yield api


@pytest.fixture(scope="session")
def moto() -> Iterator[str]:
    """Give the URL of what plays AWS's other services, whichever DynamoDB is used."""
    with embedded_dynamodb() as url:
        yield url


@pytest.fixture
def aws(moto: str, engine: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[PipelineAws]:
    """Give what AWS runs of the pipeline, to the application that is opened after it."""
    assert engine
    with pipeline_aws(moto, uuid4().hex[:12]) as aws:
        monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", aws.functions.url)
        monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", aws.proxy.url)
        monkeypatch.setenv("AWS_ENDPOINT_URL_CLOUDWATCH", aws.proxy.url)
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", moto)
        yield aws


@pytest.fixture
def warehouse() -> Iterator[DuckDBWarehouse]:
    """Give a warehouse of local mode."""
    with duckdb_connection() as connection:
        yield DuckDBWarehouse(connection)
