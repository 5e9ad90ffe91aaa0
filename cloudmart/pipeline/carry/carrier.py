"""Sends a batch of the stream's records: each to the warehouse, or to quarantine."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import structlog
from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import ValidationError

from cloudmart.dynamodb.codec import decode_item
from cloudmart.errors import UnavailableError
from cloudmart.orders.internal_items import is_internal
from cloudmart.orders.models import TRACEPARENT
from cloudmart.pipeline.carry.bigquery import open_warehouse
from cloudmart.pipeline.carry.quarantine import S3QuarantineIntake
from cloudmart.pipeline.ports import Quarantined, QuarantineIntake, RowFault, Warehouse
from cloudmart.pipeline.rows import OrderEvent, Row
from cloudmart.settings import Settings, load_settings
from cloudmart.settings.validation import first_in_words

Record = Mapping[str, Any]
"""A record as Lambda's event has it."""

MOST_LINKS = 50
"""Traces that one line of the log names."""

_GROUPS = {"bigquery", "pipeline"}
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


class PoisonError(Exception):
    """A record cannot become a row, however often it comes."""

    def __init__(self, fault: RowFault) -> None:
        super().__init__(fault.reason)
        self.fault = fault


def event_id(record: Record) -> str:
    """Return an id that distinguishes an event from all others, even if the stream gives none."""
    return str(record.get("eventID") or hashlib.sha256(_canonical(record)).hexdigest())


def read_record(record: Record) -> Row | None:
    """Return the row of an order's event, or None where it tells the warehouse nothing.

    It is no order's, or it changed no column of the warehouse, as the backfill does. A removed
    order is what it was before.

    Raises:
        PoisonError: there is no order to be read; the fault names what is wrong.
    """
    try:
        changed = record["dynamodb"]
        key = decode_item(changed["Keys"])["id"]
        if is_internal(key):
            return None
        event = OrderEvent(record["eventName"])
        item = decode_item(changed["OldImage" if event is OrderEvent.REMOVE else "NewImage"])
        if item.get("id") != key:
            raise ValueError("the image is another item's")  # noqa: TRY301 - poison as well
        row = Row.of_item(item, event)
    except ValidationError as error:
        raise PoisonError(_unreadable(error)) from error
    except Exception as error:
        # Only our own code runs here: a record that fails once always fails, and must not block
        # the shard.
        fault = RowFault(passing=False, reason=type(error).__name__, message=str(error))
        raise PoisonError(fault) from error
    repeats = event is OrderEvent.MODIFY and _was(changed.get("OldImage"), row)
    return None if repeats else row


def trace_links(records: Sequence[Record]) -> list[str]:
    """Return the traces of the requests that made some changes, as `traceparent` names them.

    A change that was made while nothing was traced leaves the one of an earlier change in place.
    """
    links: dict[str, None] = {}
    for record in records:
        changed = record.get("dynamodb")
        if not isinstance(changed, Mapping):
            continue
        link, former = (_link(changed.get(image)) for image in ("NewImage", "OldImage"))
        if link and link != former:
            links[link] = None
    return list(links)[:MOST_LINKS]


def _link(image: Any) -> str | None:  # noqa: ANN401 - whatever the stream sends
    attribute = image.get(TRACEPARENT) if isinstance(image, Mapping) else None
    value = attribute.get("S") if isinstance(attribute, Mapping) else None
    return value if isinstance(value, str) and _TRACEPARENT.fullmatch(value) else None


def _was(image: Any, row: Row) -> bool:  # noqa: ANN401 - whatever the stream sends
    try:
        return Row.of_item(decode_item(image), OrderEvent.MODIFY) == row
    except Exception:  # noqa: BLE001 - what cannot be compared is carried
        return False


def _unreadable(error: ValidationError) -> RowFault:
    where, what = first_in_words(error)
    return RowFault(passing=False, reason="unreadable", column=where, message=what)


def _canonical(record: Record) -> bytes:
    return json.dumps(record, sort_keys=True, default=str).encode()


_log = structlog.stdlib.get_logger(__name__)


class SchemaError(Exception):
    """The warehouse's table has the wrong schema: a person must correct it."""


class UncountedError(Exception):
    """A batch's records are not all accounted for: none of them may be reported as done."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a batch, in numbers; `waiting` has the events that must come again.

    The numbers add up: each record is inserted, skipped, in quarantine, or waiting.
    """

    records: int
    inserted: int = 0
    skipped: int = 0
    quarantined: int = 0
    waiting: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        told = self.inserted + self.skipped + self.quarantined + len(self.waiting)
        if told != self.records:
            msg = f"{self.records} records came, and {told} are accounted for: {self}"
            raise UncountedError(msg)


@dataclass(slots=True)
class _Batch:
    """The events of a batch, and the result of each so far."""

    events: dict[str, Record]
    rows: dict[str, Row] = field(default_factory=dict)
    inserted: set[str] = field(default_factory=set)
    skipped: set[str] = field(default_factory=set)
    quarantined: set[str] = field(default_factory=set)
    refused: dict[str, str] = field(default_factory=dict)
    """Why Lambda must send an event again."""

    def outcome(self, records: int) -> Outcome:
        """Return the result: from the first refused event on, all wait."""
        events = list(self.events)
        first = next((event for event in events if event in self.refused), None)
        waiting = events[events.index(first) :] if first else []
        gone = set(events) - set(waiting)
        return Outcome(
            records,
            inserted=len(self.inserted & gone),
            # An event that came twice in a batch is carried once.
            skipped=len(self.skipped & gone) + records - len(events),
            quarantined=len(self.quarantined & gone),
            waiting=dict.fromkeys(waiting, self.refused[first] if first else ""),
        )


class Carrier:
    """Sends batches.

    If a record must wait, all records after it wait as well. So no row of an order is inserted
    before an earlier one of the same order.
    """

    def __init__(self, warehouse: Warehouse, quarantine: QuarantineIntake) -> None:
        self._warehouse = warehouse
        self._quarantine = quarantine
        self._checked = False

    def carry(self, records: Sequence[Record]) -> Outcome:
        """Send what can be sent, and return the result, with a reason for what waits.

        Raises:
            SchemaError: nothing can be sent until the table's schema is correct.
            UnavailableError: nothing can be sent because the table cannot be read.
            UncountedError: the results of some records are not known.
        """
        if not self._checked:
            self._check_schema()
            self._checked = True
        batch = _Batch({event_id(record): record for record in records})
        self._read(batch)
        self._insert(batch)
        return batch.outcome(len(records))

    def _read(self, batch: _Batch) -> None:
        for event, record in batch.events.items():
            try:
                row = read_record(record)
            except PoisonError as poison:
                if not self._set_aside(event, poison.fault, batch):
                    return
                continue
            if row is None:
                batch.skipped.add(event)
            else:
                batch.rows[event] = row

    def _insert(self, batch: _Batch) -> None:
        rows = batch.rows
        # Each round takes out at least the one row that made the others stop.
        while rows:
            faults = self._warehouse.insert(rows)
            batch.inserted |= rows.keys() - faults.keys()
            poison = {event: fault for event, fault in faults.items() if not fault.passing}
            if not poison or not self._schema_is_well():
                batch.refused |= {event: fault.reason for event, fault in faults.items()}
                return
            for event in [event for event in rows if event in poison]:
                if not self._set_aside(event, poison[event], batch):
                    left = faults.keys() - batch.quarantined - batch.refused.keys()
                    batch.refused |= {event: faults[event].reason for event in left}
                    return
            rows = {event: row for event, row in rows.items() if event in faults.keys() - poison}

    def _set_aside(self, event: str, fault: RowFault, batch: _Batch) -> bool:
        try:
            self._quarantine.put(Quarantined(event, fault, dict(batch.events[event])))
        except UnavailableError:
            _log.exception("quarantine_away")
            batch.refused[event] = "quarantine away"
            return False
        batch.quarantined.add(event)
        _log.error("record_quarantined", event_id=event, reason=fault.reason, column=fault.column)
        return True

    def _schema_is_well(self) -> bool:
        try:
            self._check_schema()
        except UnavailableError:
            return False
        return True

    def _check_schema(self) -> None:
        if faults := self._warehouse.schema_faults():
            _log.error("schema_faults", faults=faults)
            raise SchemaError("; ".join(faults))


class WaitingError(Exception):
    """A record has to come again."""


def carry_batch(
    carrier: Carrier, event: Mapping[str, Any], context: LambdaContext | None = None
) -> PartialItemFailureResponse:
    """Send a batch, and return which records must come again, in Lambda's form."""
    outcome = carrier.carry(event["Records"])
    _log.info(
        "batch_carried",
        records=outcome.records,
        inserted=outcome.inserted,
        skipped=outcome.skipped,
        quarantined=outcome.quarantined,
        waiting=len(outcome.waiting),
        reasons=sorted(set(outcome.waiting.values())),
        traces=trace_links(event["Records"]),
    )

    def settle(record: DynamoDBRecord) -> None:
        event = event_id(record.raw_event)
        if event in outcome.waiting:
            raise WaitingError(outcome.waiting[event])

    processor = BatchProcessor(EventType.DynamoDBStreams, raise_on_entire_batch_failure=False)
    return process_partial_response(
        event=dict(event), record_handler=settle, processor=processor, context=context
    )


def open_carrier(environ: Mapping[str, str]) -> Carrier:
    """Return a carrier between the systems that an environment names, until the process ends.

    Raises:
        ValueError: a setting is missing, or not what it should be.
    """
    settings = _settings(environ)
    if settings.pipeline.quarantine_bucket is None:
        msg = "PIPELINE_QUARANTINE_BUCKET is not set"
        raise ValueError(msg)
    # A Lambda's process gets no signal before its end.
    warehouse = ExitStack().enter_context(open_warehouse(settings.bigquery))
    return Carrier(warehouse, S3QuarantineIntake(settings.pipeline.quarantine_bucket))


def _settings(environ: Mapping[str, str]) -> Settings:
    loaded = load_settings(environ)
    # What the service cannot start without is no matter of the Lambda's.
    ours = [fault for fault in loaded.report.refusals if fault.variable.group in _GROUPS]
    if ours:
        raise ValueError(" ".join(fault.sentence for fault in ours))
    return loaded.settings
