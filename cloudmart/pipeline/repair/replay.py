"""Sending rows again that the warehouse lacks: under one id each, so that twice does no harm."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice

from cloudmart.errors import UnavailableError
from cloudmart.pipeline.carry.quarantine import (
    PREFIX,
    S3QuarantineIntake,
    key_of,
    translate_s3_errors,
)
from cloudmart.pipeline.ports import Quarantined, RowFault, Warehouse
from cloudmart.pipeline.repair.reconcile import Difference
from cloudmart.pipeline.rows import Row
from cloudmart.pipeline.watch.query_threads import Questions
from cloudmart.retry import operator_retry

_AT_ONCE = 500
_PATIENCE = 120.0

Tell = Callable[[int], None]
"""Called with how many orders have been dealt with."""


@dataclass(slots=True)
class ReplayResult:
    """How many rows went in, and why others did not, by the order's id."""

    sent: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)


def _is_away(error: BaseException) -> bool:
    return isinstance(error, UnavailableError)


class Replay:
    """Sends the rows that repair differences."""

    def __init__(self, questions: Questions, *, patience: float = _PATIENCE) -> None:
        self._questions = questions
        self._patience = patience

    async def send(self, differences: Sequence[Difference], tell: Tell) -> ReplayResult:
        """Send what can be sent; an interrupted run can be repeated.

        Raises:
            UnavailableError: the warehouse takes nothing for some minutes.
        """
        done = ReplayResult()
        for difference in differences:
            if difference.row is None:
                done.failed[difference.id] = difference.why
        rows = {each.event_id: each.row for each in differences if each.row}
        waiting = iter(rows.items())
        while some := dict(islice(waiting, _AT_ONCE)):
            await self._insert(some, done)
            tell(len(done.sent) + len(done.failed))
        return done

    async def _insert(self, rows: dict[str, Row], done: ReplayResult) -> None:
        async for attempt in operator_retry(_is_away, self._patience):
            with attempt:
                await self._try(rows, done)

    async def _try(self, rows: dict[str, Row], done: ReplayResult) -> None:
        """Insert all rows, each of which leaves when it is in or refused for good."""
        while rows:
            sending = dict(rows)
            faults = await self._questions.ask(partial(_insert, sending))
            poison = {event: fault for event, fault in faults.items() if not fault.passing}
            for event, fault in poison.items():
                done.failed[rows.pop(event).id] = f"{fault.column}: {fault.reason}".lstrip(": ")
            for event in [event for event in sending if event not in faults]:
                done.sent.append(rows.pop(event).id)
            if faults and not poison:
                reason = next(iter(faults.values())).reason
                raise UnavailableError(f"BigQuery refused the rows: {reason}")


def _insert(rows: Mapping[str, Row], warehouse: Warehouse) -> Mapping[str, RowFault]:
    return warehouse.insert(rows)


def order_of(held: Quarantined) -> str | None:
    """Return the id of the order that a record in quarantine is about, if it names one."""
    try:
        key = held.record["dynamodb"]["Keys"]["id"]["S"]
    except (KeyError, TypeError):
        return None
    return key if isinstance(key, str) else None


class S3Quarantine(S3QuarantineIntake):
    """Keeps records in a bucket of S3."""

    def held(self) -> Iterator[Quarantined]:
        """Yield what is kept, by the day it happened."""
        with translate_s3_errors():
            pages = self.client.get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self.bucket, Prefix=PREFIX):
                # A page of something on the way is read as an answer without this.
                for each in page["Contents"] if page["KeyCount"] else ():
                    answer = self.client.get_object(Bucket=self.bucket, Key=each["Key"])
                    told = json.loads(answer["Body"].read())
                    yield Quarantined(**told | {"fault": RowFault(**told["fault"])})

    def release(self, held: Quarantined) -> None:
        """Keep a record no longer."""
        with translate_s3_errors():
            self.client.delete_object(Bucket=self.bucket, Key=key_of(held))
