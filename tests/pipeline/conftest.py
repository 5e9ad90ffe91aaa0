"""What the pipeline's tests share: a BigQuery, and the parts in AWS."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient

from cloudmart.app import create_app
from cloudmart.dynamodb.schema import in_shard
from cloudmart.local.duckdb_warehouse import DuckDBWarehouse, duckdb_connection
from cloudmart.local.embedded import embedded_dynamodb
from cloudmart.pipeline.unknown import PATIENCE
from cloudmart.settings import Settings
from cloudmart.values.timestamp import stamp
from tests.support.bigquery_api import BigQueryApi, bigquery_api
from tests.support.fault_proxy import FaultProxy
from tests.support.local_bigquery import local_bigquery, why_missing
from tests.support.pipeline_aws import PipelineAws, pipeline_aws
from tests.support.pipeline_status import Orders, stream_of
from tests.support.ready_app import serving, still
from tests.support.shop_tables import let_use_indexes, put
from tests.support.watched_pipeline import ending_in


@pytest.fixture(scope="session")
def bigquery_emulator() -> Iterator[str]:
    """Provide the URL of a BigQuery emulator with the project `cloudmart`; skip without one."""
    if reason := why_missing():
        pytest.skip(reason)
    with local_bigquery() as url:
        yield url


@pytest.fixture
def api() -> Iterator[BigQueryApi]:
    """Provide a fake of BigQuery at the wire."""
    with bigquery_api() as api:
        yield api


@pytest.fixture(scope="session")
def moto() -> Iterator[str]:
    """Provide the URL of a server that plays AWS's other services, for every DynamoDB engine."""
    with embedded_dynamodb() as url:
        yield url


@pytest.fixture
def aws(moto: str, engine: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[PipelineAws]:
    """Provide the pipeline's parts in AWS, for the application that is opened after it."""
    assert engine
    with pipeline_aws(moto, uuid4().hex[:12]) as aws:
        monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", aws.functions.url)
        monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", aws.proxy.url)
        monkeypatch.setenv("AWS_ENDPOINT_URL_CLOUDWATCH", aws.proxy.url)
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", moto)
        yield aws


@pytest.fixture
def warehouse() -> Iterator[DuckDBWarehouse]:
    """Provide a warehouse of local mode."""
    with duckdb_connection() as connection:
        yield DuckDBWarehouse(connection)


@pytest.fixture
def patience() -> float:
    """Provide the seconds that a status may take; tests of hanging parts use fewer."""
    return PATIENCE


@pytest.fixture
def watched(  # noqa: PLR0913, PLR0917 - all of the pipeline's parts
    dynamodb: Any,  # noqa: ANN401
    faults: FaultProxy,
    settings: Settings,
    aws: PipelineAws,
    warehouse: DuckDBWarehouse,
    patience: float,
) -> Iterator[TestClient]:
    """Provide a client of a shop with a whole pipeline that is idle."""
    assert faults
    let_use_indexes(dynamodb, settings.dynamodb)
    aws.read(stream_of(dynamodb, settings))
    aws.age(400)
    told = settings.model_copy(update={"pipeline": aws.settings})
    app = create_app(told, process=still(told), open_pipeline=ending_in(warehouse, patience))
    with serving(app) as client:
        yield client


@pytest.fixture
def order(dynamodb: Any, settings: Settings) -> Orders:  # noqa: ANN401
    """Provide a function that writes an order that was created some seconds ago."""

    def write(key: str, *, ago: float = 0, **attributes: object) -> dict[str, Any]:
        moment = stamp(datetime.now(UTC) - timedelta(seconds=ago))
        item = {
            "id": key,
            "items": [],
            "total": Decimal(7),
            "status": "Pending",
            "createdAt": moment,
            "updatedAt": moment,
            "dayShard": in_shard(moment[:10], key),
            **attributes,
        }
        put(dynamodb, settings.dynamodb.orders_table, item)
        return item

    return write
