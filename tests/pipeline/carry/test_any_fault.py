"""Whatever fails, in any order: in the end both sides agree."""

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from cloudmart.local.event_source import BatchDelivery
from cloudmart.pipeline.carry.bigquery import open_warehouse
from cloudmart.pipeline.carry.carrier import Carrier, carry_batch
from cloudmart.pipeline.ports import Quarantined
from cloudmart.pipeline.rows import OrderEvent, Row
from tests.support.bigquery_api import BadRow, Failure, LostAnswer, bigquery_api
from tests.support.order_stream import MAPPING, Event, order

FAULTS = st.one_of(
    st.sampled_from([Failure(403, "quotaExceeded"), Failure(404, "notFound"), LostAnswer()]),
    st.builds(BadRow, st.just(0), st.sampled_from(["backendError", "stopped", "timeout"])),
)


class Kept:
    """A quarantine in memory."""

    def __init__(self) -> None:
        self.records: dict[str, Event] = {}

    def put(self, held: Quarantined) -> None:
        """Keep a record."""
        self.records[held.event_id] = held.record


def _event(number: int) -> Event:
    keys = {"id": {"S": f"order{number % 5}"}}
    # Some cannot be read, and some have a time that BigQuery does not accept.
    total = {"S": "many"} if number % 11 == 10 else {"N": str(number)}
    changed = {"S": order(number)["updatedAt"]}
    created = {"S": "1907-01-01T00:00:00.000Z"} if number % 7 == 6 else changed
    image = keys | {"total": total, "createdAt": created, "updatedAt": changed}
    change: Event = {"SequenceNumber": str(number), "Keys": keys, "NewImage": image}
    change["ApproximateCreationDateTime"] = 2e9
    return {"eventID": f"e{number}", "eventName": "MODIFY", "dynamodb": change}


def _poison(number: int) -> bool:
    return number % 11 == 10 or number % 7 == 6


@settings(max_examples=12)
@given(st.integers(1, 30), st.lists(FAULTS, max_size=6))
def test_each_record_ends_in_one_place_once_and_each_order_keeps_its_order(
    count: int, faults: Sequence[Failure | LostAnswer | BadRow]
) -> None:
    events = [_event(number) for number in range(count)]
    kept, given_up = Kept(), list[Event]()
    with bigquery_api() as api, open_warehouse(api.settings, patience=0.2) as warehouse:
        api.fail(*faults)
        carrier = Carrier(warehouse, kept)
        delivery = BatchDelivery(
            lambda event: carry_batch(carrier, event),
            MAPPING,
            given_up.append,
            sleep=lambda _: None,
        )

        delivery.deliver("shard", events)

        assert given_up == []
        good = [event for number, event in enumerate(events) if not _poison(number)]
        assert api.rows == [_row(event).columns for event in good]
        assert kept.records == {
            event["eventID"]: event for number, event in enumerate(events) if _poison(number)
        }


def _row(event: Event) -> Row:
    image = event["dynamodb"]["NewImage"]
    item = {name: next(iter(value.values())) for name, value in image.items()}
    return Row.of_item(item, OrderEvent.MODIFY)
