"""Giving a batch to a function until each of its records is settled, as Lambda's pollers do."""

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import structlog

from cloudmart.local.event_source.mapping import EventSourceMapping

Record = Mapping[str, Any]
Function = Callable[[dict[str, Any]], object]
"""A Lambda: it takes an event, and answers or raises."""

_LONGEST_WAIT = 60.0

_log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Batch:
    records: Sequence[Record]
    tries: int = 0


@dataclass(slots=True)
class Delivery:
    """Delivers batches to a function; `on_failure` is sent what is given up, as AWS words it.

    `clock` and `sleep` are the time's; other ones make tests quick.
    """

    function: Function
    mapping: EventSourceMapping
    on_failure: Callable[[dict[str, Any]], None]
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], object] = time.sleep
    invocations: int = field(default=0, init=False)

    def deliver(self, shard: str, records: Sequence[Record]) -> None:
        """Return when each record was taken by the function or given up."""
        waiting = deque([_Batch(records)])
        while waiting:
            batch = waiting.popleft()
            if condition := self._hopeless(batch):
                self.on_failure(_given_up(condition, shard, batch, self.clock()))
                continue
            if batch.tries:
                self.sleep(min(0.1 * 2**batch.tries, _LONGEST_WAIT))
            failed = self._invoke(batch.records)
            if failed is not None:
                waiting.extendleft(reversed(self._again(batch, failed)))

    def _hopeless(self, batch: _Batch) -> str | None:
        if self.mapping.retries is not None and batch.tries > self.mapping.retries:
            return "RetryAttemptsExhausted"
        oldest = _arrival(batch.records[0])
        if self.mapping.age is not None and self.clock() - oldest > self.mapping.age:
            return "RecordAgeExceeded"
        return None

    def _invoke(self, records: Sequence[Record]) -> int | None:
        """Return the place of the first record that failed, or None if none did."""
        self.invocations += 1
        try:
            answer = self.function({"Records": [dict(record) for record in records]})
        except Exception:  # noqa: BLE001 - whatever a function raises is a failed invocation
            _log.exception("invocation_failed", records=len(records))
            return 0
        return _first_failed(answer, records) if self.mapping.partial else None

    def _again(self, batch: _Batch, failed: int) -> list[_Batch]:
        rest = batch.records[failed:]
        if failed:
            # What came before is done: with bisecting or without, the rest is a batch of its own.
            return [_Batch(rest, 1)]
        if self.mapping.bisect and len(rest) > 1:
            # Halving a batch is none of its retries.
            half = len(rest) // 2
            return [replace(batch, records=rest[:half]), replace(batch, records=rest[half:])]
        return [replace(batch, tries=batch.tries + 1)]


def _first_failed(answer: object, records: Sequence[Record]) -> int | None:
    """Return where a partial answer says that all begins anew; an answer that is none fails all."""
    if not answer:
        return None
    failures = answer.get("batchItemFailures") if isinstance(answer, Mapping) else ()
    if failures is None or failures == []:
        return None
    places = {_number(record): place for place, record in enumerate(records)}
    try:
        return min(places[each["itemIdentifier"]] for each in failures)
    except (KeyError, TypeError, ValueError):
        return 0


def _given_up(condition: str, shard: str, batch: _Batch, now: float) -> dict[str, Any]:
    first, last = batch.records[0], batch.records[-1]
    return {
        "requestContext": {
            "requestId": str(uuid4()),
            "functionArn": "local",
            "condition": condition,
            "approximateInvokeCount": batch.tries,
        },
        "responseContext": {"statusCode": 200, "functionError": "Unhandled"},
        "version": "1.0",
        "timestamp": _time(now),
        "DDBStreamBatchInfo": {
            "shardId": shard,
            "startSequenceNumber": _number(first),
            "endSequenceNumber": _number(last),
            "approximateArrivalOfFirstRecord": _time(_arrival(first)),
            "approximateArrivalOfLastRecord": _time(_arrival(last)),
            "batchSize": len(batch.records),
            "streamArn": first.get("eventSourceARN"),
        },
    }


def _number(record: Record) -> str:
    return str(record["dynamodb"]["SequenceNumber"])


def _arrival(record: Record) -> float:
    return float(record["dynamodb"]["ApproximateCreationDateTime"])


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
