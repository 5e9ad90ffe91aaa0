"""The pipeline of a local shop that runs none: it asks no cloud, and says how to have one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aioboto3

from cloudmart.dynamodb.client import Database
from cloudmart.pipeline.models import MappingStatus
from cloudmart.pipeline.opening import Pipeline, assembled
from cloudmart.pipeline.unknown import UnknownError
from cloudmart.settings import Settings

_NOT_RUNNING = "No pipeline runs here; `cloudmart dev --pipeline` runs one."


class NoTransport:
    """Nothing carries orders, and everything that is asked about it is not known."""

    async def mapping(self, table: str, stream: str | None) -> MappingStatus:
        """Raise UnknownError."""
        _ = table, stream
        raise UnknownError(_NOT_RUNNING)

    async def iterator_age(self) -> float:
        """Raise UnknownError."""
        raise UnknownError(_NOT_RUNNING)

    async def queued(self) -> int:
        """Raise UnknownError."""
        raise UnknownError(_NOT_RUNNING)

    async def quarantined(self) -> int:
        """Raise UnknownError."""
        raise UnknownError(_NOT_RUNNING)


@asynccontextmanager
async def open_idle(
    settings: Settings, _: aioboto3.Session, database: Database
) -> AsyncIterator[Pipeline]:
    """Give a pipeline of which only the orders' own table is known."""
    async with assembled(settings, database, NoTransport(), _NOT_RUNNING) as pipeline:
        yield pipeline
