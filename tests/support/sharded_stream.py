"""A fake stream for boto3: its shards split and drop records, and its iterators expire."""

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError


def bare_record(number: int) -> dict[str, Any]:
    """Return a record with only a sequence number."""
    return {"dynamodb": {"SequenceNumber": str(number), "ApproximateCreationDateTime": 0}}


class ShardedStream:
    """Shards by their names, with their parents. `records` are the records of each."""

    def __init__(self, parents: Mapping[str, str | None]) -> None:
        self.parents = dict(parents)
        self.records: dict[str, list[dict[str, Any]]] = {name: [] for name in parents}
        self.closed: set[str] = set()
        self.errors: list[str] = []

    def describe_stream(self, **asked: str) -> dict[str, Any]:
        """Describe one shard in each answer."""
        names = list(self.parents)
        last = asked.get("ExclusiveStartShardId")
        name = names[names.index(last) + 1 if last else 0]
        shard = {"ShardId": name}
        if parent := self.parents[name]:
            shard["ParentShardId"] = parent
        more = {} if name == names[-1] else {"LastEvaluatedShardId": name}
        return {"StreamDescription": {"Shards": [shard], **more}}

    def get_shard_iterator(self, **asked: str) -> dict[str, str]:
        """Return an iterator: the shard, and the number after which it reads."""
        numbers = self._numbers(asked["ShardId"])
        after = {
            "TRIM_HORIZON": -1,
            "LATEST": numbers[-1] if numbers else -1,
            "AFTER_SEQUENCE_NUMBER": int(asked.get("SequenceNumber", -1)),
        }[asked["ShardIteratorType"]]
        return {"ShardIterator": f"{asked['ShardId']}/{after}"}

    def get_records(self, **asked: Any) -> dict[str, Any]:  # noqa: ANN401 - as boto3 has it
        """Return at most seven records."""
        if self.errors:
            raise ClientError({"Error": {"Code": self.errors.pop()}}, "GetRecords")
        name, after = asked["ShardIterator"].split("/")
        numbers = self._numbers(name)
        found = [each for each in numbers if each > int(after)][:7]
        records = [each for each in self.records[name] if _number(each) in found]
        if name in self.closed and (not found or found[-1] == numbers[-1]):
            return {"Records": records}
        return {"Records": records, "NextShardIterator": f"{name}/{found[-1] if found else after}"}

    def _numbers(self, name: str) -> list[int]:
        return [_number(each) for each in self.records[name]]


def _number(record: Mapping[str, Any]) -> int:
    return int(record["dynamodb"]["SequenceNumber"])
