"""Heartbeats: test orders without a customer, whose time to the warehouse is measured."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import uniform

import structlog
from botocore.exceptions import ClientError

from cloudmart.dynamodb.schema import EXPIRES
from cloudmart.dynamodb.table import Table
from cloudmart.errors import ConflictError, UnavailableError
from cloudmart.observability.metrics import PIPELINE_HEARTBEAT, PIPELINE_HEARTBEATS
from cloudmart.orders.internal_items import HEARTBEAT, note_item
from cloudmart.pipeline.watch.query_threads import Questions
from cloudmart.pipeline.watch.status import PipelineMonitor
from cloudmart.values.timestamp import now

_log = structlog.stdlib.get_logger(__name__)

LIFETIME = timedelta(days=1)
"""How long a heartbeat is kept; DynamoDB deletes it some time after that."""

# Each look at BigQuery is paid for, so that a late heartbeat is looked for less and less often.
_FIRST_LOOK, _LONGEST_WAIT = 0.25, 10.0

_LONGEST = 120.0
"""Seconds after which a heartbeat has not arrived."""


@dataclass(frozen=True, slots=True)
class SentHeartbeat:
    """A heartbeat: its id, when it was written, and what a clock for durations showed then."""

    id: str
    at: datetime
    began: float


class Heartbeat:
    """Writes heartbeats into the orders' table, and sees them arrive."""

    def __init__(self, orders: Table, questions: Questions) -> None:
        self._orders = orders
        self._questions = questions

    async def write(self, name: str) -> SentHeartbeat:
        """Write a heartbeat, or raise ConflictError where there is one of that name.

        A reader that does not know heartbeats sees an empty cancelled order. It has no day and no
        e-mail, so it is in no index.
        """
        moment, began = now(), time.monotonic()
        expires = {EXPIRES: math.ceil((moment + LIFETIME).timestamp())}
        item = note_item(f"{HEARTBEAT}{name}", **expires)
        await self._orders.put(item, new=True)
        return SentHeartbeat(item["id"], moment, began)

    async def arrival(self, beat: SentHeartbeat, within: float) -> float | None:
        """Return the seconds a heartbeat took to be seen in the warehouse; None if it was not.

        Raises:
            UnavailableError: the warehouse did not answer, not even at last.
        """
        pause = _FIRST_LOOK
        while True:
            last = time.monotonic() - beat.began + pause >= within
            try:
                found = await self._questions.ask(
                    lambda warehouse: warehouse.find(beat.id, beat.at)
                )
            except UnavailableError:
                if last:
                    raise
                found = None
            passed = time.monotonic() - beat.began
            if found is not None:
                return passed
            if last:
                return None
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_WAIT)


class HeartbeatSchedule:
    """Sends a heartbeat every so many seconds, unless another pod was first."""

    def __init__(
        self,
        heartbeat: Heartbeat,
        monitor: PipelineMonitor,
        seconds: int,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._heartbeat = heartbeat
        self._monitor = monitor
        self._seconds = seconds
        self._sleep = sleep
        self._clock = clock

    async def run(self) -> None:
        """Send heartbeats while the process runs."""
        while True:
            moment = self._clock().timestamp()
            due = (math.floor(moment / self._seconds) + 1) * self._seconds
            # A little apart, so that most pods find that another was first.
            await self._sleep(due - moment + uniform(0, 1))  # noqa: S311 - no secret
            try:
                await self._beat(datetime.fromtimestamp(due, UTC))
            except Exception:  # noqa: BLE001 - see below
                # The observer must not end what it observes.
                _log.exception("heartbeat_broken")

    async def _beat(self, due: datetime) -> None:
        try:
            # All pods know its name, and DynamoDB takes the first one's.
            beat = await self._heartbeat.write(f"{due:%Y%m%dT%H%M%SZ}")
        except ConflictError:
            PIPELINE_HEARTBEAT.set(math.nan)
            return
        except (ClientError, UnavailableError) as error:
            PIPELINE_HEARTBEAT.set(math.nan)
            PIPELINE_HEARTBEATS.labels("unsent").inc()
            _log.warning("heartbeat_not_written", reason=str(error))
            return
        try:
            took = await self._heartbeat.arrival(beat, min(self._seconds, _LONGEST))
        except UnavailableError as error:
            _log.warning("heartbeat_not_watched", id=beat.id, reason=str(error))
            took = None
        PIPELINE_HEARTBEAT.set(math.nan if took is None else took)
        PIPELINE_HEARTBEATS.labels("lost" if took is None else "arrived").inc()
        if took is None:
            _log.warning("heartbeat_lost", id=beat.id)
        await self._monitor.status()
