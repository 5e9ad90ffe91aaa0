"""A record of the orders' stream, read: an event of an order, a note of ours, or poison."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from cloudmart.dynamodb.codec import decode_item
from cloudmart.orders.notes import is_internal
from cloudmart.pipeline.carry.rows import EventType, Row
from cloudmart.pipeline.ports import RowFault
from cloudmart.settings.validation import first_in_words

Record = Mapping[str, Any]
"""A record as Lambda's event has it."""


class PoisonError(Exception):
    """A record cannot become a row, however often it comes."""

    def __init__(self, fault: RowFault) -> None:
        super().__init__(fault.reason)
        self.fault = fault


def event_id(record: Record) -> str:
    """Return what tells an event from all others, also where the stream forgot to."""
    return str(record.get("eventID") or hashlib.sha256(_canonical(record)).hexdigest())


def read_record(record: Record) -> Row | None:
    """Return the row of an order's event, or None where it tells the warehouse nothing.

    It is no order's, or it changed nothing that the warehouse has a column for, as the backfill
    does. A removed order is what it was before.

    Raises:
        PoisonError: there is no order to be read; the fault names what is wrong.
    """
    try:
        changed = record["dynamodb"]
        key = decode_item(changed["Keys"])["id"]
        if is_internal(key):
            return None
        event = EventType(record["eventName"])
        item = decode_item(changed["OldImage" if event is EventType.REMOVE else "NewImage"])
        if item.get("id") != key:
            raise ValueError("the image is another item's")  # noqa: TRY301 - poison as well
        row = Row.of_item(item, event)
    except ValidationError as error:
        raise PoisonError(_unreadable(error)) from error
    except Exception as error:
        # Reading is all our own: what fails once fails whenever it comes, and must not be what
        # the shard waits for.
        fault = RowFault(passing=False, reason=type(error).__name__, message=str(error))
        raise PoisonError(fault) from error
    repeats = event is EventType.MODIFY and _was(changed.get("OldImage"), row)
    return None if repeats else row


def _was(image: Any, row: Row) -> bool:  # noqa: ANN401 - whatever the stream sends
    try:
        return Row.of_item(decode_item(image), EventType.MODIFY) == row
    except Exception:  # noqa: BLE001 - what cannot be compared is carried
        return False


def _unreadable(error: ValidationError) -> RowFault:
    where, what = first_in_words(error)
    return RowFault(passing=False, reason="unreadable", column=where, message=what)


def _canonical(record: Record) -> bytes:
    return json.dumps(record, sort_keys=True, default=str).encode()
