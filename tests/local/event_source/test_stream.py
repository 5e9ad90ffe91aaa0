"""Reading shards: a stream of boto3's form that splits, forgets and lets iterators expire."""

from collections.abc import Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cloudmart.local.event_source import Stream

_ROOT = "root"


class ShardedStream:
    """Streams as boto3 shows them: shards with parents, closed ones and open ones."""

    def __init__(self, parents: Mapping[str, str | None]) -> None:
        self.parents = dict(parents)
        self.numbers: dict[str, list[int]] = {name: [] for name in parents}
        self.closed: set[str] = set()
        self.errors: list[str] = []

    def describe_stream(self, **asked: str) -> dict[str, Any]:
        """Describe one shard an answer."""
        names = list(self.parents)
        name = names[names.index(asked["ExclusiveStartShardId"]) + 1 if len(asked) > 1 else 0]
        shard = {"ShardId": name}
        if parent := self.parents[name]:
            shard["ParentShardId"] = parent
        last = {} if name == names[-1] else {"LastEvaluatedShardId": name}
        return {"StreamDescription": {"Shards": [shard], **last}}

    def get_shard_iterator(self, **asked: str) -> dict[str, str]:
        """Give an iterator: the shard and the number after which it reads."""
        numbers = self.numbers[asked["ShardId"]]
        horizon = numbers[0] - 1 if numbers else 0
        after = {
            "TRIM_HORIZON": horizon,
            "LATEST": numbers[-1] if numbers else 0,
            "AFTER_SEQUENCE_NUMBER": int(asked.get("SequenceNumber", 0)),
        }[asked["ShardIteratorType"]]
        return {"ShardIterator": f"{asked['ShardId']}/{after}"}

    def get_records(self, **asked: Any) -> dict[str, Any]:  # noqa: ANN401 - as boto3 has it
        """Give two records at most."""
        if self.errors:
            raise ClientError({"Error": {"Code": self.errors.pop()}}, "GetRecords")
        name, after = asked["ShardIterator"].split("/")
        found = [each for each in self.numbers[name] if each > int(after)][:2]
        records = [
            {"dynamodb": {"SequenceNumber": str(each), "ApproximateCreationDateTime": 0}}
            for each in found
        ]
        end = not found or found[-1] == self.numbers[name][-1]
        if end and name in self.closed:
            return {"Records": records}
        last = found[-1] if found else after
        return {"Records": records, "NextShardIterator": f"{name}/{last}"}


def read(stream: Stream) -> list[int]:
    """Return the numbers of all records that there are to be read."""
    return [
        int(each["dynamodb"]["SequenceNumber"]) for _, records in stream.poll() for each in records
    ]


def test_children_are_read_after_their_parent_also_where_they_are_told_first() -> None:
    source = ShardedStream({"left": _ROOT, "right": _ROOT, _ROOT: None})
    source.numbers = {_ROOT: [1, 2, 3], "left": [4, 6], "right": [5]}
    stream = Stream(source, "arn")

    before = [read(stream) for _ in range(2)]
    source.closed.add(_ROOT)
    after = [read(stream) for _ in range(2)]

    assert before == [[1, 2, 3], []]
    assert after == [[], [4, 6, 5]]


def test_a_stream_is_read_from_now_on_if_that_is_asked() -> None:
    source = ShardedStream({_ROOT: None})
    source.numbers[_ROOT] = [1, 2]
    stream = Stream(source, "arn", "LATEST")

    first = read(stream)
    source.numbers[_ROOT].append(3)

    assert (first, read(stream)) == ([], [3])


def test_an_iterator_that_expired_is_renewed_where_it_stood() -> None:
    source = ShardedStream({_ROOT: None})
    source.numbers[_ROOT] = [1, 2]
    stream = Stream(source, "arn")
    first = read(stream)
    source.numbers[_ROOT].append(3)
    source.errors = ["ExpiredIteratorException"]

    assert (first, read(stream)) == ([1, 2], [3])


def test_after_what_was_trimmed_the_rest_is_read() -> None:
    source = ShardedStream({_ROOT: None})
    source.numbers[_ROOT] = [1, 2]
    stream = Stream(source, "arn")
    first = read(stream)
    source.numbers[_ROOT] = [5, 6]
    source.errors = ["TrimmedDataAccessException"]

    assert (first, read(stream)) == ([1, 2], [5, 6])


def test_a_shard_that_is_gone_keeps_no_child_waiting() -> None:
    source = ShardedStream({_ROOT: None, "child": _ROOT})
    source.numbers = {_ROOT: [], "child": [1]}
    source.errors = ["ResourceNotFoundException"]

    assert read(Stream(source, "arn")) == [1]


def test_any_other_refusal_is_raised() -> None:
    source = ShardedStream({_ROOT: None})
    source.errors = ["AccessDeniedException"]

    with pytest.raises(ClientError, match="AccessDenied"):
        read(Stream(source, "arn"))
