"""Carrying a batch of the stream's records: each into the warehouse, or into quarantine."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from cloudmart.errors import UnavailableError
from cloudmart.pipeline.ports import Quarantined, QuarantineIntake, RowFault, Warehouse
from cloudmart.pipeline.records import PoisonError, Record, event_id, read
from cloudmart.pipeline.rows import Row

_log = structlog.stdlib.get_logger(__name__)


class SchemaError(Exception):
    """The warehouse's table is not what rows need: a person has to look at it."""


@dataclass(slots=True)
class Outcome:
    """What became of a batch, in numbers; `waiting` has the events that must come again."""

    records: int
    inserted: int = 0
    skipped: int = 0
    quarantined: int = 0
    waiting: dict[str, str] = field(default_factory=dict)


class Carrier:
    """Carries batches. Whatever is left waiting is all that there is from one record on.

    So no row of an order is inserted ahead of an earlier one of the same order.
    """

    def __init__(self, warehouse: Warehouse, quarantine: QuarantineIntake) -> None:
        self._warehouse = warehouse
        self._quarantine = quarantine
        self._checked = False

    def carry(self, records: Sequence[Record]) -> Outcome:
        """Carry what can be carried, and tell what became of all, with a reason for what waits.

        Raises:
            SchemaError: nothing can be carried until the table is as it should be.
            UnavailableError: nothing can be carried since the table cannot be looked at.
        """
        if not self._checked:
            self._check_schema()
            self._checked = True
        outcome = Outcome(len(records))
        events = {event_id(record): record for record in records}
        rows = self._read(events, outcome)
        faults = self._insert(rows, events, outcome)
        if first := next(iter(faults), None):
            behind = list(events)[list(events).index(first) :]
            outcome.waiting = dict.fromkeys(behind, faults[first].reason)
        return outcome

    def _read(self, events: Mapping[str, Record], outcome: Outcome) -> dict[str, Row]:
        rows: dict[str, Row] = {}
        for place, (event, record) in enumerate(events.items()):
            try:
                row = read(record)
            except PoisonError as poison:
                if not self._set_aside(Quarantined(event, poison.fault, dict(record)), outcome):
                    outcome.waiting = dict.fromkeys(list(events)[place:], "quarantine away")
                    break
                continue
            if row is None:
                outcome.skipped += 1
            else:
                rows[event] = row
        return rows

    def _insert(
        self, rows: Mapping[str, Row], events: Mapping[str, Record], outcome: Outcome
    ) -> Mapping[str, RowFault]:
        # Each round takes out at least the one row that made the others stop.
        while faults := self._warehouse.insert(rows):
            outcome.inserted += len(rows) - len(faults)
            poison = {event: fault for event, fault in faults.items() if not fault.passing}
            if not poison or not self._schema_is_well():
                return faults
            for event, fault in poison.items():
                if not self._set_aside(Quarantined(event, fault, dict(events[event])), outcome):
                    return faults
            rows = {event: rows[event] for event in faults if event not in poison}
        outcome.inserted += len(rows)
        return {}

    def _set_aside(self, held: Quarantined, outcome: Outcome) -> bool:
        try:
            self._quarantine.put(held)
        except UnavailableError:
            _log.exception("quarantine_away")
            return False
        outcome.quarantined += 1
        fault = held.fault
        _log.error(
            "record_quarantined", event_id=held.event_id, reason=fault.reason, column=fault.column
        )
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
