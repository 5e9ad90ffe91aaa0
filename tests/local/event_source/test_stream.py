"""Shards are read in their order, even if the stream drops some of them meanwhile."""

import pytest
from botocore.exceptions import ClientError

from cloudmart.local.event_source import StreamReader
from tests.support.sharded_stream import ShardedStream, bare_record


def source(*numbers: int) -> ShardedStream:
    """Return a stream of one shard."""
    sharded = ShardedStream({"root": None})
    sharded.records["root"] = [bare_record(each) for each in numbers]
    return sharded


def read(stream: StreamReader) -> list[int]:
    """Return the numbers of all records that can be read."""
    return [
        int(each["dynamodb"]["SequenceNumber"]) for _, records in stream.poll() for each in records
    ]


def test_children_are_read_after_their_parent_even_if_listed_first() -> None:
    sharded = ShardedStream({"left": "root", "right": "root", "root": None})
    numbers = {"root": range(20), "left": [24, 26], "right": [25]}
    sharded.records = {name: list(map(bare_record, each)) for name, each in numbers.items()}
    stream = StreamReader(sharded, "arn")

    before = [read(stream) for _ in range(2)]
    sharded.closed.add("root")
    after = [*read(stream), *read(stream)]

    assert before == [list(range(20)), []]
    assert after == [24, 26, 25]


def test_a_stream_can_be_read_from_now_on() -> None:
    sharded = source(1, 2)
    stream = StreamReader(sharded, "arn", "LATEST")

    first = read(stream)
    sharded.records["root"].append(bare_record(3))

    assert (first, read(stream)) == ([], [3])


def test_an_iterator_that_expired_is_renewed_where_it_stood() -> None:
    sharded = source(1, 2)
    stream = StreamReader(sharded, "arn")
    first = read(stream)
    sharded.records["root"].append(bare_record(3))
    sharded.errors = ["ExpiredIteratorException"]

    assert (first, read(stream)) == ([1, 2], [3])


def test_after_what_was_trimmed_the_rest_is_read() -> None:
    sharded = source(1, 2)
    stream = StreamReader(sharded, "arn")
    first = read(stream)
    sharded.records["root"] = [bare_record(5), bare_record(6)]
    sharded.errors = ["TrimmedDataAccessException"]

    assert (first, read(stream)) == ([1, 2], [5, 6])


def test_a_shard_that_is_gone_keeps_no_child_waiting() -> None:
    sharded = ShardedStream({"root": None, "child": "root"})
    sharded.records["child"] = [bare_record(1)]
    sharded.errors = ["ResourceNotFoundException"]

    assert read(StreamReader(sharded, "arn")) == [1]


def test_any_other_refusal_is_raised() -> None:
    sharded = source(1)
    sharded.errors = ["AccessDeniedException"]

    with pytest.raises(ClientError, match="AccessDenied"):
        read(StreamReader(sharded, "arn"))
