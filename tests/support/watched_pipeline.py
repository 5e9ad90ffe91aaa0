"""An application whose pipeline ends in a warehouse that the test provides."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext

import aioboto3

from cloudmart.dynamodb.client import Database
from cloudmart.pipeline.opening import OpenPipeline, Pipeline, assemble_pipeline
from cloudmart.pipeline.ports import Warehouse
from cloudmart.pipeline.watch.aws import AwsTransport
from cloudmart.settings import Settings
from tests.support.shop_tables import CALL_WITHIN


def ending_in(warehouse: Warehouse, within: float = CALL_WITHIN) -> OpenPipeline:
    """Return a function that opens a pipeline with a warehouse and a status of so many seconds."""

    @asynccontextmanager
    async def open_pipeline(
        settings: Settings, session: aioboto3.Session, database: Database
    ) -> AsyncIterator[Pipeline]:
        transport = AwsTransport(session, settings.pipeline)
        async with assemble_pipeline(
            settings, database, transport, lambda: nullcontext(warehouse), within=within
        ) as pipeline:
            yield pipeline
        await transport.close()

    return open_pipeline
