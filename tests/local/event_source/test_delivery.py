"""The result of a batch: all cases in AWS's documentation, and some that it does not describe."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from cloudmart.local.event_source import BatchDelivery, EventSourceMapping

NOW = 1_790_000_000.0

Event = dict[str, Any]


def records(*numbers: int, created: float = NOW) -> list[Event]:
    """Return records that have only what a delivery reads."""
    return [
        {
            "eventSourceARN": "arn:stream",
            "dynamodb": {"SequenceNumber": str(each), "ApproximateCreationDateTime": created},
        }
        for each in numbers
    ]


class Function:
    """Notes its events, and answers as a test has chosen."""

    def __init__(self, answer: Callable[[Sequence[str]], object]) -> None:
        self.calls: list[list[str]] = []
        self._answer = answer

    def __call__(self, event: Event) -> object:
        numbers = [each["dynamodb"]["SequenceNumber"] for each in event["Records"]]
        self.calls.append(numbers)
        return self._answer(numbers)


def deliver(
    function: Function, mapping: EventSourceMapping, batch: list[Event]
) -> tuple[list[Event], list[float]]:
    """Deliver a batch. Return the records that were given up, and the seconds that were waited."""
    given_up: list[Event] = []
    waits: list[float] = []
    delivery = BatchDelivery(
        function, mapping, given_up.append, clock=lambda: NOW + sum(waits), sleep=waits.append
    )
    delivery.deliver("shard-1", batch)
    return given_up, waits


def failing(*bad: str) -> Callable[[Sequence[str]], object]:
    """Return a function's answer that reports some records each time they come."""
    return lambda numbers: {
        "batchItemFailures": [{"itemIdentifier": each} for each in numbers if each in bad]
    }


def raising(*bad: str) -> Callable[[Sequence[str]], object]:
    """Return an answer that is an exception each time one of some records is in the batch."""

    def answer(numbers: Sequence[str]) -> None:
        if set(numbers) & set(bad):
            raise RuntimeError

    return answer


@pytest.mark.parametrize(
    "answer", [None, "", {}, {"batchItemFailures": None}, {"batchItemFailures": []}]
)
def test_an_answer_without_failures_settles_a_batch(answer: object) -> None:
    function = Function(lambda _: answer)

    given_up, waits = deliver(function, EventSourceMapping(partial=True), records(1, 2))

    assert (function.calls, given_up, waits) == ([["1", "2"]], [], [])


def test_a_batch_is_resumed_at_the_first_record_that_failed() -> None:
    answers = iter([["4", "2"], []])
    function = Function(
        lambda _: {"batchItemFailures": [{"itemIdentifier": each} for each in next(answers)]}
    )

    given_up, _ = deliver(function, EventSourceMapping(partial=True), records(1, 2, 3, 4))

    assert function.calls == [["1", "2", "3", "4"], ["2", "3", "4"]]
    assert given_up == []


@pytest.mark.parametrize(
    "failure", [{"itemIdentifier": "99"}, {"itemIdentifier": ""}, {"itemIdentifier": None}, {}, 7]
)
def test_an_answer_that_names_no_record_fails_the_whole_batch(failure: object) -> None:
    answers = iter([{"batchItemFailures": [failure]}, None])
    function = Function(lambda _: next(answers))

    deliver(function, EventSourceMapping(partial=True), records(1, 2))

    assert function.calls == [["1", "2"], ["1", "2"]]


def test_partial_answers_mean_nothing_to_a_mapping_that_does_not_ask_for_them() -> None:
    function = Function(failing("1"))

    deliver(function, EventSourceMapping(partial=False), records(1, 2))

    assert function.calls == [["1", "2"]]


def test_bisecting_finds_the_one_record_that_fails_and_gives_up_only_that() -> None:
    function = Function(raising("3"))
    mapping = EventSourceMapping(bisect=True, retries=2)

    given_up, _ = deliver(function, mapping, records(1, 2, 3, 4))

    assert function.calls == [
        *(["1", "2", "3", "4"], ["1", "2"], ["3", "4"]),
        *(["3"], ["3"], ["3"], ["4"]),
    ]
    assert [each["DDBStreamBatchInfo"]["startSequenceNumber"] for each in given_up] == ["3"]


def test_without_bisecting_the_whole_batch_is_given_up() -> None:
    function = Function(raising("3"))

    given_up, _ = deliver(function, EventSourceMapping(retries=1), records(1, 2, 3, 4))

    assert function.calls == [["1", "2", "3", "4"]] * 2
    (told,) = given_up
    assert told["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert told["DDBStreamBatchInfo"] == {
        "shardId": "shard-1",
        "startSequenceNumber": "1",
        "endSequenceNumber": "4",
        "approximateArrivalOfFirstRecord": "2026-09-21T14:13:20.000+00:00",
        "approximateArrivalOfLastRecord": "2026-09-21T14:13:20.000+00:00",
        "batchSize": 4,
        "streamArn": "arn:stream",
    }


def test_a_record_reported_again_and_again_is_given_up_and_the_rest_continues() -> None:
    function = Function(failing("2"))
    mapping = EventSourceMapping(partial=True, bisect=True, retries=1)

    given_up, _ = deliver(function, mapping, records(1, 2, 3))

    assert [each["DDBStreamBatchInfo"]["endSequenceNumber"] for each in given_up] == ["2"]
    assert function.calls[-1] == ["3"]


def test_records_grow_too_old_while_they_are_tried() -> None:
    function = Function(raising("1"))

    given_up, waits = deliver(function, EventSourceMapping(age=60), records(1))

    assert given_up[0]["requestContext"]["condition"] == "RecordAgeExceeded"
    assert sum(waits) > 60


def test_each_wait_is_longer_than_the_one_before() -> None:
    function = Function(raising("1"))

    _, waits = deliver(function, EventSourceMapping(retries=4), records(1))

    assert waits == sorted(set(waits))
    assert len(waits) == 4


def test_an_unlimited_value_sets_no_limit() -> None:
    properties = {"StartingPosition": "LATEST", "MaximumRetryAttempts": -1}

    mapping = EventSourceMapping.of_properties(properties)

    assert mapping == EventSourceMapping(start="LATEST", retries=None, age=None)
