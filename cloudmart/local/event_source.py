"""Gives the records of a stream to a function in batches, as Lambda's pollers do."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Self
from uuid import uuid4

import structlog
from botocore.exceptions import BotoCoreError, ClientError

_log = structlog.stdlib.get_logger(__name__)

_ENDLESS = -1

_LONGEST_WAIT = 60.0
_MOST = 1000  # records in one answer


@dataclass(frozen=True, slots=True)
class EventSourceMapping:
    """How a stream's records come to a function.

    `retries` and `age` (in seconds) bound how often and how long a batch is tried again; None is
    endless, as AWS has it by default.
    """

    batch_size: int = 100
    bisect: bool = False
    retries: int | None = None
    age: float | None = None
    partial: bool = False
    start: str = "TRIM_HORIZON"

    @classmethod
    def of_properties(cls, properties: Mapping[str, Any]) -> Self:
        """Return the mapping that a template's properties describe."""
        return cls(
            batch_size=properties.get("BatchSize", 100),
            bisect=properties.get("BisectBatchOnFunctionError", False),
            retries=_bounded(properties.get("MaximumRetryAttempts", _ENDLESS)),
            age=_bounded(properties.get("MaximumRecordAgeInSeconds", _ENDLESS)),
            partial="ReportBatchItemFailures" in properties.get("FunctionResponseTypes", ()),
            start=properties["StartingPosition"],
        )


def _bounded(told: int) -> int | None:
    return None if told == _ENDLESS else told


Record = Mapping[str, Any]
Function = Callable[[dict[str, Any]], object]
"""A Lambda: it takes an event, and answers or raises."""


@dataclass(frozen=True, slots=True)
class _Batch:
    records: Sequence[Record]
    tries: int = 0


@dataclass(slots=True)
class BatchDelivery:
    """Delivers batches to a function; `on_failure` is sent what is given up, as AWS words it.

    `clock` and `sleep` are the time's; other ones make tests quick.
    """

    function: Function
    mapping: EventSourceMapping
    on_failure: Callable[[dict[str, Any]], None]
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], object] = time.sleep

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
            # Halving a batch does not count as a retry.
            half = len(rest) // 2
            return [replace(batch, records=rest[:half]), replace(batch, records=rest[half:])]
        return [replace(batch, tries=batch.tries + 1)]


def _first_failed(answer: object, records: Sequence[Record]) -> int | None:
    """Return from where a partial answer says to start again; a malformed one fails all."""
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


@dataclass(slots=True)
class _Shard:
    parent: str | None
    iterator: str | None = None
    last: str | None = None
    finished: bool = False


class StreamReader:
    """Reads a stream from its beginning, or from now on; `client` is boto3's of the streams."""

    def __init__(self, client: Any, arn: str, start: str = "TRIM_HORIZON") -> None:  # noqa: ANN401
        self._client = client
        self._arn = arn
        self._start = start
        self._shards: dict[str, _Shard] = {}

    def poll(self) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        """Yield what there is to read in each shard, as a Lambda's event has it.

        Whatever has been yielded counts as read when the next is asked for.
        """
        self._discover()
        for name, shard in self._shards.items():
            # An order's events are in one shard, until it splits: then in one of its children.
            while not shard.finished and self._parent_is_read(shard):
                records = self._read(name, shard)
                if not records:
                    break
                yield name, [self._as_event(record) for record in records]

    def _discover(self) -> None:
        last: dict[str, str] = {}
        while True:
            told = self._client.describe_stream(StreamArn=self._arn, **last)["StreamDescription"]
            for shard in told["Shards"]:
                self._shards.setdefault(shard["ShardId"], _Shard(shard.get("ParentShardId")))
            if "LastEvaluatedShardId" not in told:
                return
            last = {"ExclusiveStartShardId": told["LastEvaluatedShardId"]}

    def _parent_is_read(self, shard: _Shard) -> bool:
        # A parent that the stream has forgotten has nothing more to be read.
        parent = self._shards.get(shard.parent or "")
        return parent is None or parent.finished

    def _read(self, name: str, shard: _Shard) -> list[dict[str, Any]]:
        """Return the next records; a shard that is closed and read to its end is finished."""
        while not shard.finished:
            try:
                shard.iterator = shard.iterator or self._iterator(name, shard)
                answer = self._client.get_records(ShardIterator=shard.iterator, Limit=_MOST)
            except ClientError as error:
                if not self._recovers(name, shard, error.response["Error"]["Code"]):
                    raise
                continue
            shard.iterator = answer.get("NextShardIterator")
            shard.finished = shard.iterator is None
            records: list[dict[str, Any]] = answer["Records"]
            if records:
                shard.last = records[-1]["dynamodb"]["SequenceNumber"]
            return records
        return []

    def _iterator(self, name: str, shard: _Shard) -> str:
        place = (
            {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": shard.last}
            if shard.last
            # A child's records are all newer than the moment its parent was being read.
            else {"ShardIteratorType": "TRIM_HORIZON" if shard.parent else self._start}
        )
        answer = self._client.get_shard_iterator(StreamArn=self._arn, ShardId=name, **place)
        return str(answer["ShardIterator"])

    def _recovers(self, name: str, shard: _Shard, code: str) -> bool:
        shard.iterator = None
        if code == "TrimmedDataAccessException":
            # What was not read within a day is gone; what is there begins at the horizon.
            _log.error("stream_trimmed", shard=name)
            shard.last, self._start = None, "TRIM_HORIZON"
        elif code == "ResourceNotFoundException":
            shard.finished = True
        else:
            return code == "ExpiredIteratorException"
        return True

    def _as_event(self, record: Mapping[str, Any]) -> dict[str, Any]:
        change = dict(record["dynamodb"])
        created = change["ApproximateCreationDateTime"]
        if isinstance(created, datetime):
            change["ApproximateCreationDateTime"] = created.astimezone(UTC).timestamp()
        return {**record, "dynamodb": change, "eventSourceARN": self._arn}


class StreamPoller:
    """Takes a stream's records to a function in batches, each shard's in their order."""

    def __init__(self, stream: StreamReader, delivery: BatchDelivery) -> None:
        self._stream = stream
        self._delivery = delivery

    def drain(self) -> int:
        """Deliver all that the stream has now, and return how many records that were."""
        delivered = 0
        for shard, records in self._stream.poll():
            for batch in _batches(records, self._delivery.mapping.batch_size):
                self._delivery.deliver(shard, batch)
            delivered += len(records)
        return delivered

    def run(self, stopping: threading.Event, *, pause: float = 0.25) -> None:
        """Deliver until it is stopped; if a stream does not answer, ask it again."""
        while not stopping.is_set():
            try:
                self.drain()
            except (BotoCoreError, ClientError):
                _log.exception("stream_away")
            stopping.wait(pause)


def _batches(records: Sequence[Any], size: int) -> list[list[Any]]:
    rest = iter(records)
    return list(iter(lambda: list(islice(rest, size)), []))


__all__ = ["BatchDelivery", "EventSourceMapping", "StreamPoller", "StreamReader"]
