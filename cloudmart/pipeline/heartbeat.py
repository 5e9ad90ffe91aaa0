"""Heartbeats: orders of nobody's, whose way to the warehouse is timed."""

import asyncio
import math
import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from cloudmart.dynamodb.internal import HEARTBEAT, note
from cloudmart.dynamodb.schema import EXPIRES
from cloudmart.dynamodb.table import Table
from cloudmart.errors import UnavailableError
from cloudmart.pipeline.questions import Questions
from cloudmart.values.timestamp import now

LIFETIME = timedelta(days=1)
"""How long a heartbeat is kept; DynamoDB deletes it some time after that."""

# Each look at BigQuery is paid for, so that a late heartbeat is looked for less and less often.
_FIRST_LOOK, _LONGEST_WAIT = 0.25, 10.0


@dataclass(frozen=True, slots=True)
class Beat:
    """A heartbeat: its id, when it was written, and what a clock for durations showed then."""

    id: str
    at: datetime
    began: float


class Heartbeat:
    """Writes heartbeats into the orders' table, and sees them arrive."""

    def __init__(self, orders: Table, questions: Questions) -> None:
        self._orders = orders
        self._questions = questions

    async def write(self, name: str) -> Beat:
        """Write a heartbeat, or raise ConflictError where there is one of that name.

        It looks like an empty cancelled order to whoever does not know it. It has no day and no
        e-mail, so it is in no index.
        """
        moment, began = now(), time.monotonic()
        expires = {EXPIRES: math.ceil((moment + LIFETIME).timestamp())}
        item = note(f"{HEARTBEAT}{name}", **expires)
        await self._orders.put(item, new=True)
        return Beat(item["id"], moment, began)

    async def arrival(self, beat: Beat, within: float) -> float | None:
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
