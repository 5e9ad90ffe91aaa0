"""The pipeline of the local shop: it runs beside the shop, or not at all."""

import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext
from datetime import UTC, datetime
from typing import Any

import aioboto3
import boto3

from cloudmart.dynamodb.client import Database
from cloudmart.local.duckdb_warehouse import DuckDBWarehouse, duckdb_connection
from cloudmart.local.embedded import REGION
from cloudmart.local.event_source import (
    BatchDelivery,
    EventSourceMapping,
    StreamPoller,
    StreamReader,
)
from cloudmart.pipeline.carry.carrier import Carrier, carry_batch
from cloudmart.pipeline.models import MappingStatus
from cloudmart.pipeline.opening import OpenPipeline, Pipeline, assemble_pipeline
from cloudmart.pipeline.ports import Quarantined
from cloudmart.pipeline.unknown import PATIENCE, UnknownError
from cloudmart.settings import Settings

_MAPPING = EventSourceMapping(bisect=True, retries=5, age=3600, partial=True)

_NOT_RUNNING = "No pipeline runs here; `cloudmart dev --pipeline` runs one."


class MemoryQuarantine:
    """A quarantine that lasts as long as the process."""

    def __init__(self) -> None:
        self._held: dict[str, Quarantined] = {}

    def put(self, held: Quarantined) -> None:
        """Keep a record."""
        self._held[held.event_id] = held

    def held(self) -> Iterator[Quarantined]:
        """Yield what is kept."""
        yield from list(self._held.values())

    def release(self, held: Quarantined) -> None:
        """Keep a record no longer."""
        self._held.pop(held.event_id, None)


class LocalTransport:
    """Sends the stream's records in a thread, and reports their progress."""

    def __init__(self, warehouse: DuckDBWarehouse, stream: str) -> None:
        self.quarantine = MemoryQuarantine()
        self._carrier = Carrier(warehouse, self.quarantine)
        self._given_up: list[dict[str, Any]] = []
        self._last_result = "No records processed"
        self._age: float | None = None
        self._stopping = threading.Event()
        delivery = BatchDelivery(self._call, _MAPPING, self._given_up.append)
        streams = boto3.client("dynamodbstreams", region_name=REGION)
        self._poller = StreamPoller(StreamReader(streams, stream), delivery)
        self._thread = threading.Thread(target=self._run, name="pipeline", daemon=True)

    @contextmanager
    def carrying(self) -> Iterator[None]:
        """Carry while the context lasts."""
        self._thread.start()
        try:
            yield
        finally:
            self._stopping.set()
            self._thread.join(5)

    async def mapping(self, table: str, stream: str | None) -> MappingStatus:
        """Return whether the thread still runs, and the result of its last batch."""
        _ = table, stream
        state = "Enabled" if self._thread.is_alive() else "Disabled"
        return MappingStatus(state=state, last_result=self._last_result, iterator_age_seconds=None)

    async def iterator_age(self) -> float:
        """Return how old the records of the last batch were."""
        if self._age is None:
            raise UnknownError("No record has been read yet.")
        return self._age

    async def queued(self) -> int:
        """Return how many batches were given up."""
        return len(self._given_up)

    async def quarantined(self) -> int:
        """Return how many records cannot become a row."""
        return len(list(self.quarantine.held()))

    def _run(self) -> None:
        self._poller.run(self._stopping)

    def _call(self, event: dict[str, Any]) -> object:
        created = event["Records"][0]["dynamodb"]["ApproximateCreationDateTime"]
        # The stream tells whole seconds, so that what came at once can seem to be of the future.
        self._age = round(max(0.0, datetime.now(UTC).timestamp() - created), 3)
        self._last_result = "PROBLEM: Function call failed"
        answered = carry_batch(self._carrier, event)
        waiting, sent = len(answered["batchItemFailures"]), len(event["Records"])
        self._last_result = (
            f"PROBLEM: {waiting} of {sent} records must be sent again" if waiting else "OK"
        )
        return answered


@contextmanager
def local_pipeline(orders_table: str) -> Iterator[OpenPipeline]:
    """Run the pipeline from a table's stream into DuckDB, and give what opens it for a service."""
    client = boto3.client("dynamodb", region_name=REGION)
    table = client.describe_table(TableName=orders_table)["Table"]
    with duckdb_connection() as connection:
        warehouse = DuckDBWarehouse(connection)
        transport = LocalTransport(warehouse, table["LatestStreamArn"])

        @asynccontextmanager
        async def open_pipeline(
            settings: Settings, _: aioboto3.Session, database: Database
        ) -> AsyncIterator[Pipeline]:
            within = max(PATIENCE, settings.dynamodb.timeout)
            async with assemble_pipeline(
                settings, database, transport, lambda: nullcontext(warehouse), within=within
            ) as pipeline:
                yield pipeline

        with transport.carrying():
            yield open_pipeline


class NoTransport:
    """No pipeline runs, so every question about it is unknown."""

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
async def open_idle_pipeline(
    settings: Settings, _: aioboto3.Session, database: Database
) -> AsyncIterator[Pipeline]:
    """Give a pipeline of which only the orders' own table is known."""
    async with assemble_pipeline(settings, database, NoTransport(), _NOT_RUNNING) as pipeline:
        yield pipeline
