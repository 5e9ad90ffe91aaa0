"""The pipeline as the local shop's own service sees it: running beside it, or not at all."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext
from functools import partial

import aioboto3
import boto3

from cloudmart.dynamodb.client import Database
from cloudmart.local.duckdb_warehouse import DuckDBWarehouse, duckdb_connection
from cloudmart.local.embedded import REGION
from cloudmart.local.pipeline.carrying import LocalTransport
from cloudmart.local.pipeline.queries import answering, ask
from cloudmart.pipeline.opening import OpenPipeline, Pipeline, assembled
from cloudmart.pipeline.place import place_of
from cloudmart.settings import Settings


@contextmanager
def local_pipeline(orders_table: str, port: int) -> Iterator[OpenPipeline]:
    """Run the pipeline from a table's stream into DuckDB, and give what opens it for a service.

    Raises:
        UnsafePlaceError: somebody else may write where questions are to be asked.
    """
    client = boto3.client("dynamodb", region_name=REGION)
    table = client.describe_table(TableName=orders_table)["Table"]
    with duckdb_connection() as connection:
        warehouse = DuckDBWarehouse(connection)
        transport = LocalTransport(warehouse, table["LatestStreamArn"])

        @asynccontextmanager
        async def open_pipeline(
            settings: Settings, _: aioboto3.Session, database: Database
        ) -> AsyncIterator[Pipeline]:
            async with assembled(
                settings, database, transport, lambda: nullcontext(warehouse)
            ) as pipeline:
                yield pipeline

        with transport.carrying(), answering(place_of(port), partial(ask, connection)):
            yield open_pipeline
