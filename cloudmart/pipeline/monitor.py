"""How the pipeline does, looked at once for all who ask within some seconds."""

import asyncio
import time
from collections.abc import Callable

from cloudmart.pipeline import gauges
from cloudmart.pipeline.look import Look
from cloudmart.pipeline.models import PipelineStatus
from cloudmart.pipeline.orders_by_day import OrdersByDay
from cloudmart.pipeline.questions import Questions
from cloudmart.pipeline.transport import Transport
from cloudmart.pipeline.unknown import PATIENCE

FRESH = 5.0
"""Seconds for which a status is answered again."""


class PipelineMonitor:
    """Looks at the pipeline, and remembers for a moment what it saw.

    `questions` is the warehouse, or the reason why there is none.
    """

    def __init__(
        self,
        orders: OrdersByDay,
        transport: Transport,
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
        """Return how the pipeline does, as of some seconds ago at most."""
        if self._looking is None or (self._looking.done() and self._clock() >= self._fresh_until):
            self._looking = asyncio.create_task(self._look())
        # Who asked first may go away; the others still want to know.
        return await asyncio.shield(self._looking)

    async def close(self) -> None:
        """Stop looking."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.wait({self._looking})

    async def _look(self) -> PipelineStatus:
        self._fresh_until = 0.0
        look = Look(self._orders, self._transport, self._questions, within=self._within)
        status = await look.take()
        self._fresh_until = self._clock() + FRESH
        gauges.show(status)
        return status
