"""A table's stream: its shards read in order, parents before their children."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import structlog
from botocore.exceptions import ClientError

_MOST = 1000  # records in one answer

_log = structlog.stdlib.get_logger(__name__)


@dataclass(slots=True)
class _Shard:
    parent: str | None
    iterator: str | None = None
    last: str | None = None
    finished: bool = False


class Stream:
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
