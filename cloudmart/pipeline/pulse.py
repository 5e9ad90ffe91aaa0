"""The heartbeats of the service: at set times, one for all of its pods."""

import asyncio
import math
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from random import uniform

import structlog
from botocore.exceptions import ClientError

from cloudmart.errors import ConflictError, UnavailableError
from cloudmart.observability.metrics import PIPELINE_HEARTBEAT, PIPELINE_HEARTBEATS
from cloudmart.pipeline.heartbeat import Heartbeat
from cloudmart.pipeline.monitor import PipelineMonitor
from cloudmart.values.timestamp import now

_log = structlog.stdlib.get_logger(__name__)

_LONGEST = 120.0
"""Seconds after which a heartbeat has not arrived."""


class Pulse:
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
        """Send heartbeats for as long as the process lives."""
        while True:
            moment = self._clock().timestamp()
            due = (math.floor(moment / self._seconds) + 1) * self._seconds
            # A little apart, so that most pods find that another was first.
            await self._sleep(due - moment + uniform(0, 1))  # noqa: S311 - no secret
            try:
                await self._beat(datetime.fromtimestamp(due, UTC))
            except Exception:  # noqa: BLE001 - see below
                # What only watches must not end what it watches over.
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
