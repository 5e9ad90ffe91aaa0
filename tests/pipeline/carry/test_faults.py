"""The faults of the pipeline, and the state of both sides after their repair."""

import itertools
from collections.abc import Callable

import pytest

from cloudmart.errors import UnavailableError
from cloudmart.local.event_source import (
    BatchDelivery,
    EventSourceMapping,
    StreamPoller,
    StreamReader,
)
from cloudmart.pipeline.carry.bigquery import open_warehouse
from cloudmart.pipeline.carry.carrier import (
    Carrier,
    Outcome,
    SchemaError,
    UncountedError,
    carry_batch,
)
from cloudmart.pipeline.ports import Quarantined
from cloudmart.pipeline.repair.replay import S3Quarantine
from tests.pipeline.carry.conftest import Function
from tests.support.bigquery_api import BadRow, BigQueryApi, Failure, LostAnswer
from tests.support.order_stream import (
    MAPPING,
    Event,
    OrderStream,
    doubles,
    later,
    latest,
    order,
)
from tests.support.scripted_server import Reply, loopback
from tests.support.sharded_stream import ShardedStream

UNLIKELY_DATE = "1907-01-01T00:00:00.000Z"
"""A valid time of an order for which BigQuery accepts no streamed rows."""


@pytest.fixture
def busy(orders: OrderStream) -> OrderStream:
    """Provide a table in which 60 orders were placed, some changed and some removed."""
    placed = [order(number) for number in range(60)]
    orders.put(*placed)
    orders.put(*(later(each, 1, status="Shipped") for each in placed[::3]))
    orders.put(*(later(each, 2, status="Delivered") for each in placed[::6]))
    orders.remove(*(each["id"] for each in placed[::10]))
    return orders


def both_sides_agree(orders: OrderStream, api: BigQueryApi) -> bool:
    """Return whether the warehouse has exactly the existing orders, each in its current state."""
    return latest(api.rows) == orders.state()


def in_order(api: BigQueryApi) -> bool:
    """Return whether the rows of each order arrived in the order of its events."""
    by_id = itertools.groupby(sorted(api.rows, key=lambda row: row["id"]), lambda row: row["id"])
    places = [[(row["updatedAt"], row["eventType"]) for row in rows] for _, rows in by_id]
    return all(each == sorted(each) for each in places)


@pytest.mark.parametrize(
    "failure",
    [
        Failure(503, "backendError"),
        Failure(403, "quotaExceeded"),
        Failure(403, "rateLimitExceeded"),
        Failure(401, "authError"),
        BadRow(40, "backendError"),
        BadRow(0, "timeout"),
        BadRow(90, "stopped"),
        BadRow(40, ""),
        BadRow(40, None),
    ],
)
def test_an_outage_delays_rows_and_neither_loses_nor_doubles_any(
    failure: Failure | BadRow, busy: OrderStream, api: BigQueryApi, function: Function
) -> None:
    api.fail(*[failure] * 4)

    busy.poller(function).drain()

    assert both_sides_agree(busy, api)
    assert (doubles(api.rows), in_order(api), busy.given_up) == (0, True, [])


def test_a_batch_that_waits_is_reported_from_its_first_record_on(
    busy: OrderStream, api: BigQueryApi, function: Function
) -> None:
    api.fail(Failure(403, "quotaExceeded"))
    events = busy.events()

    told = function({"Records": events})

    numbers = [each["dynamodb"]["SequenceNumber"] for each in events]
    assert told == {"batchItemFailures": [{"itemIdentifier": each} for each in numbers]}
    assert api.rows == []


def test_an_insertion_whose_answer_was_lost_is_not_made_twice(
    busy: OrderStream, api: BigQueryApi, function: Function
) -> None:
    api.fail(LostAnswer(), LostAnswer(), LostAnswer())

    busy.poller(function).drain()

    assert both_sides_agree(busy, api)
    assert doubles(api.rows) == 0


def test_rows_that_come_again_after_bigquery_forgot_them_are_equal_to_the_first(
    busy: OrderStream, api: BigQueryApi, function: Function
) -> None:
    events = busy.events()
    function({"Records": events})
    api.forget()

    function({"Records": events})

    assert doubles(api.rows) == len(events)
    assert both_sides_agree(busy, api)


def test_a_batch_that_is_delivered_twice_makes_no_double(
    busy: OrderStream, api: BigQueryApi, function: Function
) -> None:
    def twice(event: Event) -> object:
        function(event)
        return function(event)

    busy.poller(twice).drain()

    assert both_sides_agree(busy, api)
    assert doubles(api.rows) == 0


def test_one_row_among_a_hundred_that_bigquery_refuses_is_quarantined_and_the_rest_goes_in(
    orders: OrderStream, api: BigQueryApi, function: Function, quarantine: S3Quarantine
) -> None:
    orders.put(*(order(number) for number in range(57)))
    orders.put(order(57, createdAt=UNLIKELY_DATE))
    orders.put(*(order(number) for number in range(58, 100)))

    orders.poller(function).drain()

    state = orders.state()
    poison = state.pop("order57")
    assert latest(api.rows) == state
    (held,) = quarantine.held()
    assert held.record["dynamodb"]["Keys"] == {"id": {"S": poison.id}}
    assert (held.fault.reason, held.fault.column) == ("invalid", "createdAt")
    assert (doubles(api.rows), orders.given_up) == (0, [])


def test_any_mixture_of_poison_ends_with_every_record_in_one_place_or_the_other(
    orders: OrderStream, api: BigQueryApi, function: Function, quarantine: S3Quarantine
) -> None:
    bad = {3: {"total": "many"}, 4: {"createdAt": UNLIKELY_DATE}, 5: {"items": "lamp"}}
    orders.put(*(order(number, **bad.get(number % 9, {})) for number in range(90)))
    api.fail(Failure(503, "backendError"), LostAnswer())

    orders.poller(function).drain()

    set_aside = {held.record["dynamodb"]["Keys"]["id"]["S"] for held in quarantine.held()}
    assert set_aside == {f"order{number}" for number in range(90) if number % 9 in bad}
    assert {row["id"] for row in api.rows} == orders.orders.keys() - set_aside
    assert doubles(api.rows) == 0


class AwayQuarantine:
    """A bucket that does not answer until a test lets it."""

    def __init__(self, there: S3Quarantine) -> None:
        self.away = True
        self._there = there

    def put(self, held: Quarantined) -> None:
        if self.away:
            raise UnavailableError("The bucket is away.")
        self._there.put(held)


@pytest.mark.parametrize("poison", [{"total": "many"}, {"createdAt": UNLIKELY_DATE}])
def test_poison_that_cannot_be_set_aside_waits_and_so_does_all_behind_it(
    poison: dict[str, str], orders: OrderStream, api: BigQueryApi, quarantine: S3Quarantine
) -> None:
    orders.put(order(1), order(2, **poison), order(3))
    away = AwayQuarantine(quarantine)
    events = {"Records": orders.events()}

    with open_warehouse(api.settings) as warehouse:
        carrier = Carrier(warehouse, away)
        first = carry_batch(carrier, events)
        rows = [row["id"] for row in api.rows]
        away.away = False
        second = carry_batch(carrier, events)

    numbers = [each["itemIdentifier"] for each in first["batchItemFailures"]]
    assert events["Records"][1]["dynamodb"]["SequenceNumber"] in numbers
    assert events["Records"][2]["dynamodb"]["SequenceNumber"] in numbers
    assert "order3" not in rows
    assert second == {"batchItemFailures": []}
    assert sorted(row["id"] for row in api.rows) == ["order1", "order3"]
    assert len(list(quarantine.held())) == 1


def test_rows_before_one_that_quarantine_refuses_are_not_reported_as_done(
    orders: OrderStream, api: BigQueryApi, quarantine: S3Quarantine
) -> None:
    orders.put(*(order(number) for number in range(40)))
    orders.put(order(40, createdAt=UNLIKELY_DATE), order(41, createdAt=UNLIKELY_DATE))
    orders.put(*(order(number) for number in range(42, 100)))
    away = AwayQuarantine(quarantine)
    events = orders.events()

    with open_warehouse(api.settings) as warehouse:
        outcome = Carrier(warehouse, away).carry(events)

    assert api.rows == []
    assert list(outcome.waiting) == [event["eventID"] for event in events]
    assert (outcome.inserted, outcome.skipped, outcome.quarantined) == (0, 0, 0)


def test_an_event_that_came_twice_in_a_batch_is_one_row_and_both_are_accounted_for(
    orders: OrderStream, api: BigQueryApi, carrier: Carrier
) -> None:
    orders.put(order(1), order(2))
    first, second = orders.events()

    outcome = carrier.carry([first, second, first])

    assert (outcome.inserted, outcome.skipped, len(api.rows)) == (2, 1, 2)


def test_an_outcome_that_does_not_add_up_is_refused() -> None:
    with pytest.raises(UncountedError, match="3 records came, and 2 are accounted for"):
        Outcome(3, inserted=2)


Drift = Callable[[BigQueryApi], None]


def _drop(api: BigQueryApi) -> None:
    api.schema = [field for field in api.schema if field["name"] != "totalAmount"]


def _retype(api: BigQueryApi) -> None:
    api.schema = [
        field | ({"type": "TIMESTAMP"} if field["name"] == "status" else {}) for field in api.schema
    ]


@pytest.mark.parametrize("drift", [_drop, _retype])
@pytest.mark.parametrize("started", [False, True])
def test_a_table_that_was_changed_stops_the_pipeline_and_quarantines_nothing(  # noqa: PLR0913, PLR0917 - all of the line's parts
    started: bool,  # noqa: FBT001 - a parameter of the test
    drift: Drift,
    busy: OrderStream,
    api: BigQueryApi,
    function: Function,
    quarantine: S3Quarantine,
) -> None:
    events = busy.events()
    if started:
        function({"Records": events[:10]})
    before, schema = list(api.rows), api.schema
    drift(api)

    # BigQuery may also not have noticed a new column yet.
    try:
        told = function({"Records": events[10:20]})
    except SchemaError:
        told = None
    while_drifted = list(api.rows)
    api.schema = schema
    busy.poller(function).drain()

    assert told is None or len(told["batchItemFailures"]) == 10  # type: ignore[index]
    assert while_drifted == before
    assert list(quarantine.held()) == []
    assert both_sides_agree(busy, api)
    assert doubles(api.rows) == 0


def test_a_table_that_is_missing_at_the_start_fails_the_batch(
    busy: OrderStream, api: BigQueryApi, function: Function
) -> None:
    api.there = False

    with pytest.raises(SchemaError, match="there is no such table"):
        function({"Records": busy.events()})

    api.there = True
    busy.poller(function).drain()
    assert both_sides_agree(busy, api)


def test_an_order_whose_shard_splits_keeps_the_order_of_its_events(
    busy: OrderStream, api: BigQueryApi, function: Function
) -> None:
    events = busy.events()
    source = ShardedStream({"left": "root", "right": "root", "root": None})
    source.closed.add("root")
    cut = len(events) // 2
    source.records["root"] = events[:cut]
    for event in events[cut:]:
        number = int(event["dynamodb"]["Keys"]["id"]["S"].removeprefix("order"))
        side = "left" if number % 2 else "right"
        source.records[side].append(event)

    poller = StreamPoller(
        StreamReader(source, "arn"),
        BatchDelivery(function, MAPPING, busy.given_up.append, sleep=lambda _: 0),
    )
    poller.drain()
    poller.drain()

    assert both_sides_agree(busy, api)
    assert (doubles(api.rows), in_order(api)) == (0, True)


def test_what_a_stream_trimmed_is_missing_and_all_that_is_left_arrives(
    orders: OrderStream, api: BigQueryApi, function: Function
) -> None:
    orders.put(*(order(number) for number in range(30)))
    events = orders.events()
    source = ShardedStream({"root": None})
    source.records["root"] = events[:10]
    delivery = BatchDelivery(function, MAPPING, orders.given_up.append, sleep=lambda _: None)
    poller = StreamPoller(StreamReader(source, "arn"), delivery)
    poller.drain()

    # A day without the Lambda: ten more records were written, and deleted unread.
    source.records["root"] = events[20:]
    source.errors.append("TrimmedDataAccessException")
    poller.drain()

    missing = orders.state().keys() - latest(api.rows).keys()
    assert missing == {f"order{number}" for number in range(10, 20)}


def test_an_outage_longer_than_the_retries_ends_in_the_failure_queue_with_what_to_replay(
    orders: OrderStream, api: BigQueryApi, function: Function
) -> None:
    orders.put(*(order(number) for number in range(4)))
    api.fail(*[Failure(403, "quotaExceeded")] * 100)
    mapping = EventSourceMapping(batch_size=100, bisect=True, retries=2, partial=True)

    orders.poller(function, mapping).drain()

    told = [each["DDBStreamBatchInfo"] for each in orders.given_up]
    numbers = [each["dynamodb"]["SequenceNumber"] for each in orders.events()]
    assert [each["startSequenceNumber"] for each in told] == numbers
    assert api.rows == []


@pytest.mark.parametrize("body", [b"<!doctype html><p>Please sign in.</p>", b"", b"{}"])
def test_an_answer_from_another_server_is_not_a_quarantine(
    body: bytes, monkeypatch: pytest.MonkeyPatch, orders: OrderStream, api: BigQueryApi
) -> None:
    orders.put(order(1), order(2, total="about forty"))
    events = orders.events()
    with loopback() as gateway, open_warehouse(api.settings) as warehouse:
        gateway.answer = lambda _: Reply(200, {"content-type": "text/html"}, [body])
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", gateway.url)
        away = S3Quarantine("quarantine")

        outcome = Carrier(warehouse, away).carry(events)
        with pytest.raises(UnavailableError):
            list(away.held())

    assert (outcome.inserted, outcome.quarantined) == (1, 0)
    assert list(outcome.waiting) == [events[1]["eventID"]]
