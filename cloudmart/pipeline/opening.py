"""The pipeline as the service and an operator's commands see it, opened and closed in one place."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    asynccontextmanager,
    closing,
    nullcontext,
)
from dataclasses import dataclass

import aioboto3

from cloudmart.dynamodb.client import Database
from cloudmart.dynamodb.table import Table
from cloudmart.pipeline.orders_by_day import OrdersByDay
from cloudmart.pipeline.ports import Warehouse
from cloudmart.pipeline.unknown import PATIENCE
from cloudmart.pipeline.watch.aws import AwsTransport, PipelineTransport
from cloudmart.pipeline.watch.heartbeat import Heartbeat, HeartbeatSchedule
from cloudmart.pipeline.watch.query_threads import OpenWarehouse, Questions
from cloudmart.pipeline.watch.status import PipelineMonitor
from cloudmart.settings import BigQuerySettings, PipelineSettings, Provider, Settings, why_disabled

OpenPipeline = Callable[
    [Settings, aioboto3.Session, Database], AbstractAsyncContextManager["Pipeline"]
]


@dataclass(frozen=True, slots=True)
class Pipeline:
    """The pipeline's status, heartbeat and repairs.

    `questions` is the warehouse, or the reason why there is none.
    """

    orders: OrdersByDay
    monitor: PipelineMonitor
    heartbeat: Heartbeat | None
    questions: Questions | str

    def works(self, settings: PipelineSettings) -> list[Callable[[], Awaitable[None]]]:
        """Return the work that runs as long as a process lives."""
        if self.heartbeat is None or not settings.heartbeat:
            return []
        return [HeartbeatSchedule(self.heartbeat, self.monitor, settings.heartbeat).run]


@asynccontextmanager
async def open_pipeline(
    settings: Settings,
    session: aioboto3.Session,
    database: Database,
    *,
    patience: float = 4,
    within: float = PATIENCE,
) -> AsyncIterator[Pipeline]:
    """Give the pipeline that the settings name, of which nothing is opened before it is asked.

    A question to BigQuery may take `patience` seconds, the status `within`.
    """
    transport = AwsTransport(session, settings.pipeline)
    reason = why_disabled(settings)[Provider.BIGQUERY]
    try:
        warehouse = reason or (lambda: _bigquery(settings.bigquery, patience))
        async with assemble_pipeline(
            settings, database, transport, warehouse, within=within
        ) as pipeline:
            yield pipeline
    finally:
        await transport.close()


@asynccontextmanager
async def assemble_pipeline(
    settings: Settings,
    database: Database,
    transport: PipelineTransport,
    warehouse: OpenWarehouse | str,
    *,
    within: float = PATIENCE,
) -> AsyncIterator[Pipeline]:
    """Give the pipeline over a transport and a warehouse, or the reason why there is none.

    Its status takes so many seconds at most, whatever is away.
    """
    names = settings.dynamodb
    orders = OrdersByDay(
        Table(database, names.orders_table), Table(database, names.conversations_table)
    )
    questions = warehouse if isinstance(warehouse, str) else Questions(warehouse)
    open_questions: AbstractContextManager[object] = (
        nullcontext() if isinstance(questions, str) else closing(questions)
    )
    with open_questions:
        monitor = PipelineMonitor(orders, transport, questions, within=within)
        heartbeat = None if isinstance(questions, str) else Heartbeat(orders.table, questions)
        try:
            yield Pipeline(orders, monitor, heartbeat, questions)
        finally:
            await monitor.close()


def _bigquery(settings: BigQuerySettings, patience: float) -> AbstractContextManager[Warehouse]:
    # Google's libraries are a fifth of all there is to import: only who uses them waits for them.
    from cloudmart.pipeline.carry.bigquery import open_warehouse  # noqa: PLC0415

    return open_warehouse(settings, patience=patience)
