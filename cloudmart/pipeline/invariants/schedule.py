"""When invariants are checked: every so often, by the pod that was first."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from random import uniform

import structlog
from botocore.exceptions import ClientError

from cloudmart.dynamodb.schema import EXPIRES
from cloudmart.dynamodb.table import Table
from cloudmart.errors import ConflictError, UnavailableError
from cloudmart.observability.metrics import (
    INVARIANT_CHECKED,
    INVARIANT_CHECKS,
    INVARIANT_READS,
    INVARIANT_VIOLATIONS,
)
from cloudmart.pipeline.invariants.checks import PRODUCTS_COMPLETE, InvariantResult, Invariants
from cloudmart.values.timestamp import now

_log = structlog.stdlib.get_logger(__name__)

LIFETIME = timedelta(days=1)
"""How long the note is kept that says which check has a pod."""

Told = tuple[int | None, str]


class InvariantSchedule:
    """Checks the invariants every so many seconds, unless another pod does it already.

    All pods know the name of a check, and DynamoDB takes the note of the first one. The others take
    their figures back, so that a scraper sees those of one pod.
    """

    def __init__(
        self,
        invariants: Invariants,
        notes: Table,
        seconds: int,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._invariants = invariants
        self._notes = notes
        self._seconds = seconds
        self._sleep = sleep
        self._clock = clock
        self._shown: set[str] = set()
        self._told: dict[str, Told] = {}

    async def run(self) -> None:
        """Check while the process runs."""
        while True:
            moment = self._clock().timestamp()
            due = (math.floor(moment / self._seconds) + 1) * self._seconds
            # A little apart, so that most pods find that another was first.
            await self._sleep(due - moment + uniform(0, 1))  # noqa: S311 - no secret
            await self.check(datetime.fromtimestamp(due, UTC))

    async def check(self, due: datetime) -> None:
        """Do the check that is due, if no other pod does."""
        try:
            mine = await self._take(due)
            results = await self._invariants.check() if mine else {}
        except (ClientError, UnavailableError) as error:
            _log.warning("invariants_not_checked", reason=str(error))
            results = {}
        for name in self._shown - results.keys():
            _forget(name)
        self._shown = set(results)
        for name, result in results.items():
            _show(name, result)
            self._tell(name, result)

    async def _take(self, due: datetime) -> bool:
        expires = math.ceil((self._clock() + LIFETIME).timestamp())
        try:
            await self._notes.put(
                {"id": f"invariants-{due:%Y%m%dT%H%M%SZ}", EXPIRES: expires}, new=True
            )
        except ConflictError:
            return False
        return True

    def _tell(self, name: str, result: InvariantResult) -> None:
        """Log what has changed since the last line."""
        before = self._told.get(name, (0, ""))
        self._told[name] = (result.violations, result.why)
        if self._told[name] == before:
            return
        if result.violations is None:
            _log.warning("invariant_unknown", invariant=name, reason=result.why)
        elif result.violations:
            ids = list(result.examples)
            _log.warning(
                "invariant_broken",
                invariant=name,
                violations=result.violations,
                product_ids=ids if name == PRODUCTS_COMPLETE else [],
                order_ids=[] if name == PRODUCTS_COMPLETE else ids,
            )
        else:
            _log.info("invariant_holds", invariant=name)


def _show(name: str, result: InvariantResult) -> None:
    INVARIANT_READS.labels(name).inc(result.units)
    if result.violations is None:
        INVARIANT_CHECKS.labels(name, "unknown").inc()
        _forget(name)
        return
    INVARIANT_CHECKS.labels(name, "broken" if result.violations else "holds").inc()
    INVARIANT_VIOLATIONS.labels(name).set(result.violations)
    INVARIANT_CHECKED.labels(name).set(time.time())


def _forget(name: str) -> None:
    for gauge in (INVARIANT_VIOLATIONS, INVARIANT_CHECKED):
        with suppress(KeyError):
            gauge.remove(name)
