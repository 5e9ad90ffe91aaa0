"""The stream's way to the local warehouse: the Lambda's own code, called as Lambda calls it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import boto3

from cloudmart.local.duckdb_warehouse import DuckDBWarehouse
from cloudmart.local.embedded import REGION
from cloudmart.local.event_source import Delivery, EventSourceMapping, Poller, Stream
from cloudmart.pipeline.carrier import Carrier
from cloudmart.pipeline.function import answer
from cloudmart.pipeline.models import MappingStatus
from cloudmart.pipeline.ports import Quarantined
from cloudmart.pipeline.unknown import UnknownError

_MAPPING = EventSourceMapping(bisect=True, retries=5, age=3600, partial=True)


class HeldInMemory:
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
    """Carries the stream's records in a thread, and tells how they get on."""

    def __init__(self, warehouse: DuckDBWarehouse, stream: str) -> None:
        self.quarantine = HeldInMemory()
        self._carrier = Carrier(warehouse, self.quarantine)
        self._given_up: list[dict[str, Any]] = []
        self._last_result = "No records processed"
        self._age: float | None = None
        self._stopping = threading.Event()
        delivery = Delivery(self._call, _MAPPING, self._given_up.append)
        streams = boto3.client("dynamodbstreams", region_name=REGION)
        self._poller = Poller(Stream(streams, stream), delivery)
        self._thread = threading.Thread(target=self._run, name="pipeline", daemon=True)

    @contextmanager
    def carrying(self) -> Iterator[None]:
        """Carry for as long as the context lasts."""
        self._thread.start()
        try:
            yield
        finally:
            self._stopping.set()
            self._thread.join(5)

    async def mapping(self, table: str, stream: str | None) -> MappingStatus:
        """Return whether the thread still runs, and what came of its last batch."""
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
        answered = answer(self._carrier, event)
        waiting, sent = len(answered["batchItemFailures"]), len(event["Records"])
        self._last_result = (
            f"PROBLEM: {waiting} of {sent} records have to come again" if waiting else "OK"
        )
        return answered
