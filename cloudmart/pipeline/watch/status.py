"""The pipeline's status: all sides are asked at once, and unknown values are named."""

import asyncio
import math
import time
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cloudmart.errors import UnavailableError
from cloudmart.observability.metrics import (
    PIPELINE_FAILURES,
    PIPELINE_ITERATOR_AGE,
    PIPELINE_LAG,
    PIPELINE_LOOKED_AT,
    PIPELINE_ORDERS_TODAY,
    PIPELINE_RUNS,
    PIPELINE_UNKNOWN,
)
from cloudmart.pipeline.models import (
    Failures,
    MappingStatus,
    NewestOrder,
    NewestOrders,
    OrderCounts,
    PipelineStatus,
)
from cloudmart.pipeline.orders_by_day import LOOK_BACK, OrdersByDay, stream_of
from cloudmart.pipeline.ports import OrderState, Warehouse
from cloudmart.pipeline.unknown import PATIENCE, Answers, UnknownError
from cloudmart.pipeline.watch.aws import PipelineTransport
from cloudmart.pipeline.watch.query_threads import Questions
from cloudmart.values.timestamp import now

# What BigQuery answers where a query does not fit its table.
_OUR_FAULT = (400, 404)


_LATE = 60.0
"""Seconds of lag that a person should know of."""

WATCHED = timedelta(days=2)
"""Orders no older than this are looked for one by one: a stream keeps its records for a day."""

FRESH = 5.0
"""Seconds for which a status is answered again."""


class StatusQuery:
    """Asks every side once; `questions` is the warehouse, or the reason why there is none."""

    def __init__(
        self,
        orders: OrdersByDay,
        transport: PipelineTransport,
        questions: Questions | str,
        *,
        within: float = PATIENCE,
    ) -> None:
        self._orders = orders
        self._transport = transport
        self._questions = questions
        self._within = within
        self._answers = Answers(within)
        self._now = now()
        self._today = self._now.date()

    async def take(self) -> PipelineStatus:
        """Return what is known; it takes some seconds at most, whatever is away."""
        async with asyncio.TaskGroup() as group:
            failures = group.create_task(self._failures())
            age = group.create_task(
                self._answers.ask(self._transport.iterator_age(), "mapping.iteratorAgeSeconds")
            )
            their_newest = group.create_task(
                self._answers.ask(self._newest_there(), "newest.bigquery")
            )
            their_count = group.create_task(
                self._answers.ask(self._count_there(), "today.bigquery")
            )
            description = await self._answers.ask(self._orders.describe(), "stream")
            mapping = group.create_task(self._mapping(description))
            by_index = group.create_task(self._by_index(description))
        our_newest, our_count, lacking = by_index.result()
        newest = NewestOrders(dynamodb=our_newest, bigquery=their_newest.result())
        lag = await self._answers.ask(self._lag(newest, lacking), "lagSeconds")
        found = mapping.result()
        return PipelineStatus(
            stream=stream_of(description) if description else None,
            mapping=found and found.model_copy(update={"iterator_age_seconds": age.result()}),
            failures=failures.result(),
            newest=newest,
            lag_seconds=lag,
            today=OrderCounts(dynamodb=our_count, bigquery=their_count.result()),
            unknown=sorted(self._answers.unknown, key=lambda each: each.what),
        )

    async def _mapping(self, description: Mapping[str, Any] | None) -> MappingStatus | None:
        stream = description.get("LatestStreamArn") if description else None
        asked = self._transport.mapping(self._orders.table.name, stream)
        return await self._answers.ask(asked, "mapping")

    async def _failures(self) -> Failures:
        queued, quarantined = await asyncio.gather(
            self._answers.ask(self._transport.queued(), "failures.queued"),
            self._answers.ask(self._transport.quarantined(), "failures.quarantined"),
        )
        return Failures(queued=queued, quarantined=quarantined)

    async def _by_index(
        self, description: Mapping[str, Any] | None
    ) -> tuple[NewestOrder | None, int | None, "_Lacking"]:
        newest, count = "newest.dynamodb", "today.dynamodb"
        if not await self._answers.ask(self._usable(description), newest, count):
            return None, None, _Lacking()
        (order, lacking), counted = await asyncio.gather(
            self._newest_and_lacking(newest),
            self._answers.ask(self._orders.count(self._today), count),
        )
        return order, counted, lacking

    async def _newest_and_lacking(self, what: str) -> tuple[NewestOrder | None, "_Lacking"]:
        newest = await self._answers.ask(self._newest_here(), what)
        recent = newest is not None and newest.at > self._now - WATCHED
        return newest, await self._lacking() if recent else _Lacking()

    async def _usable(self, description: Mapping[str, Any] | None) -> bool:
        if description is None:
            raise UnknownError("It is not known whether the orders have their index by day.")
        return await self._orders.check(description)

    async def _newest_here(self) -> NewestOrder:
        if order := await self._orders.newest(self._today):
            return order
        raise UnknownError(f"No order was created in the last {LOOK_BACK} days.")

    async def _newest_there(self) -> NewestOrder:
        state = await self._warehouse().learn(_newest)
        if state and state.created_at:
            return NewestOrder(id=state.id, at=state.created_at)
        raise UnknownError("BigQuery holds no order yet.")

    async def _count_there(self) -> int:
        today = self._today
        return await self._warehouse().learn(lambda warehouse: warehouse.count_created(today))

    def _warehouse(self) -> Questions:
        if isinstance(self._questions, str):
            raise UnknownError(self._questions)
        return self._questions

    async def _lacking(self) -> "_Lacking":
        since = self._now - WATCHED
        within = Answers(self._within)
        # DynamoDB first: an order that is placed between the two questions is no lag.
        ours = await within.ask(self._orders.created_since(since, self._today), "ours")
        theirs = await within.ask(self._ids_there(since), "theirs") if ours else frozenset()
        for unknown in within.unknown:
            return _Lacking(why=unknown.why)
        missing = [at for key, at in (ours or {}).items() if key not in (theirs or ())]
        return _Lacking(min(missing, default=None))

    async def _ids_there(self, since: datetime) -> AbstractSet[str]:
        return await self._warehouse().learn(lambda warehouse: warehouse.ids(since))

    async def _lag(self, newest: NewestOrders, lacking: "_Lacking") -> float:
        if newest.dynamodb is None or newest.bigquery is None:
            raise UnknownError("It is computed from the newest order of both sides.")
        if lacking.why:
            raise UnknownError(lacking.why)
        oldest = lacking.oldest
        if newest.bigquery.at < self._now - WATCHED and newest.dynamodb.at > newest.bigquery.at:
            first = await self._orders.first_after(newest.bigquery.at, self._today)
            oldest = first.at if first else oldest
        return max(0.0, (self._now - oldest).total_seconds()) if oldest else 0.0


@dataclass(frozen=True, slots=True)
class _Lacking:
    """When the oldest order was created that the warehouse lacks, or why that is not known."""

    oldest: datetime | None = None
    why: str = ""


def _newest(warehouse: Warehouse) -> OrderState | None:
    try:
        return warehouse.newest()
    except UnavailableError as error:
        if getattr(error.__cause__, "code", None) in _OUR_FAULT and (
            faults := warehouse.schema_faults()
        ):
            raise UnknownError(f"BigQuery's table cannot be used: {'; '.join(faults)}.") from error
        raise


def troubles_of(found: PipelineStatus) -> Iterator[tuple[str, str]]:
    """Yield what is wrong, each as a word and a sentence."""
    if found.stream not in {None, "on"}:
        sentence = (
            "The orders' table lacks the stream that the pipeline needs: `cloudmart tables status`."
        )
        yield "stream", sentence
    if found.mapping and found.mapping.state != "Enabled":
        state = found.mapping.state.lower()
        yield "mapping", f"The stream is not being read: the mapping is {state}."
    if found.mapping and (found.mapping.last_result or "").startswith("PROBLEM"):
        yield "result", "The last batch failed."
    if found.failures.queued:
        yield "queue", "Batches were given up: `cloudmart pipeline replay` sends their orders."
    if found.failures.quarantined:
        yield "quarantine", "Records are in quarantine: `cloudmart pipeline replay --quarantined`."
    if (found.lag_seconds or 0) > _LATE:
        yield "lag", f"BigQuery is {found.lag_seconds:.0f} s behind."


def set_gauges(status: PipelineStatus) -> None:
    """Set the gauges to a status."""
    mapping = status.mapping
    stream_runs = None if status.stream is None else status.stream == "on"
    PIPELINE_RUNS.labels("stream").set(_number(stream_runs))
    PIPELINE_RUNS.labels("mapping").set(_number(mapping.state == "Enabled" if mapping else None))
    PIPELINE_ITERATOR_AGE.set(_number(mapping.iterator_age_seconds if mapping else None))
    PIPELINE_FAILURES.labels("queued").set(_number(status.failures.queued))
    PIPELINE_FAILURES.labels("quarantined").set(_number(status.failures.quarantined))
    PIPELINE_LAG.set(_number(status.lag_seconds))
    PIPELINE_ORDERS_TODAY.labels("dynamodb").set(_number(status.today.dynamodb))
    PIPELINE_ORDERS_TODAY.labels("bigquery").set(_number(status.today.bigquery))
    PIPELINE_UNKNOWN.set(len(status.unknown))
    PIPELINE_LOOKED_AT.set(time.time())


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


class PipelineMonitor:
    """Reads the pipeline's status, and keeps it for a moment.

    `questions` is the warehouse, or the reason why there is none.
    """

    def __init__(
        self,
        orders: OrdersByDay,
        transport: PipelineTransport,
        questions: Questions | str,
        *,
        clock: Callable[[], float] = time.monotonic,
        within: float = PATIENCE,
    ) -> None:
        self._orders = orders
        self._transport = transport
        self._questions = questions
        self._clock = clock
        self._within = within
        self._looking: asyncio.Task[PipelineStatus] | None = None
        self._fresh_until = 0.0

    async def status(self) -> PipelineStatus:
        """Return the pipeline's status, at most some seconds old."""
        if self._looking is None or (self._looking.done() and self._clock() >= self._fresh_until):
            self._looking = asyncio.create_task(self._look())
        # Who asked first may go away; the others still want to know.
        return await asyncio.shield(self._looking)

    async def close(self) -> None:
        """Stop reading the status."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.wait({self._looking})

    async def _look(self) -> PipelineStatus:
        self._fresh_until = 0.0
        look = StatusQuery(self._orders, self._transport, self._questions, within=self._within)
        status = await look.take()
        self._fresh_until = self._clock() + FRESH
        set_gauges(status)
        return status
