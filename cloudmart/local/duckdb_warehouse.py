"""DuckDB as the warehouse of local mode: the table that BigQuery has, in memory."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from threading import Lock
from typing import Any

import duckdb

from cloudmart.orders.internal_items import HEARTBEAT
from cloudmart.pipeline.ports import OrderState, RowFault, amount_of
from cloudmart.pipeline.rows import OrderEvent, Row
from cloudmart.values.email import TEST_ADDRESSES

# A query may be anything, but reaches nothing outside of the database.
_SEALED: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "memory_limit": "512MB",
    "threads": "1",
}
_TABLES = """
CREATE TABLE orders (
    id VARCHAR NOT NULL, userEmail VARCHAR, status VARCHAR, createdAt TIMESTAMP,
    updatedAt TIMESTAMP, eventType VARCHAR, totalAmount DOUBLE, items VARCHAR
);
CREATE TABLE events (id VARCHAR PRIMARY KEY);
SET lock_configuration = true;
"""
_INSERT = """
INSERT INTO orders VALUES (
    $id, $userEmail, $status, $createdAt, $updatedAt, $eventType, $totalAmount, $items
)
"""
_LATEST = """
SELECT * FROM orders
WHERE createdAt >= $since AND createdAt < $until AND eventType IN ({events}) {having}
QUALIFY row_number() OVER (
    PARTITION BY id ORDER BY coalesce(updatedAt, createdAt) DESC, eventType DESC
) = 1
"""
_EVENTS = ", ".join(f"'{event}'" for event in OrderEvent)
_TIMES = ("createdAt", "updatedAt")
_EVER = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)

_NO_TEST = "AND NOT ends_with(lower(coalesce(userEmail, '')), $test)"
_CUSTOMERS = f"AND NOT starts_with(id, $heartbeat) {_NO_TEST}"
_NOT_CUSTOMERS = {"heartbeat": HEARTBEAT, "test": TEST_ADDRESSES}


class DuckDBWarehouse:
    """A table `orders` in memory, which ends with this object."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection
        self._writing = Lock()

    def schema_faults(self) -> Sequence[str]:
        """Return the faults of the table: none."""
        return ()

    def insert(self, rows: Mapping[str, Row]) -> Mapping[str, RowFault]:
        """Insert rows, each by the id of its event, of which none goes in twice."""
        with self._writing, self.connection.cursor() as cursor:
            cursor.begin()
            for event, row in rows.items():
                new = cursor.execute(
                    "INSERT INTO events VALUES (?) ON CONFLICT DO NOTHING RETURNING id", [event]
                )
                if new.fetchone():
                    cursor.execute(_INSERT, _values(row))
            cursor.commit()
        return {}

    def newest(self) -> OrderState | None:
        """Return the order that was created last; no heartbeat, no test."""
        end = "ORDER BY createdAt DESC LIMIT 1"
        return next(self._latest(_EVER, _CUSTOMERS, end, **_NOT_CUSTOMERS), None)

    def count_created(self, day: date) -> int:
        """Return how many orders were created on a day (UTC) and are there: customers' alone."""
        since = datetime.combine(day, datetime.min.time(), UTC)
        span = since, since + timedelta(days=1)
        states = self._latest(span, _CUSTOMERS, **_NOT_CUSTOMERS)
        return sum(not state.removed for state in states)

    def states(self, since: datetime) -> Iterator[OrderState]:
        """Yield the state of each order created since, removed ones and heartbeats included.

        Test orders are left out.
        """
        return self._latest((since, _EVER[1]), _NO_TEST, test=TEST_ADDRESSES)

    def find(self, order_id: str, created: datetime) -> OrderState | None:
        """Return the state of an order created then or later, or None if it is not known."""
        return next(self._latest((created, _EVER[1]), "AND id = $id", id=order_id), None)

    def find_many(self, order_ids: Sequence[str]) -> Iterator[OrderState]:
        """Yield the states of those orders that are known, by one question for all."""
        return self._latest(_EVER, "AND list_contains($ids, id)", ids=list(order_ids))

    def ids(self, since: datetime) -> set[str]:
        """Return the ids of the orders that `states` yields."""
        return {state.id for state in self.states(since)}

    def count_unreadable(self, since: datetime) -> int:
        """Return how many rows of orders created since a time the pipeline has not written."""
        query = (
            "SELECT count(*) FROM orders WHERE createdAt >= ? "  # noqa: S608 - names of ours
            f"AND (eventType IS NULL OR eventType NOT IN ({_EVENTS}))"
        )
        with self.connection.cursor() as cursor:
            ((found,),) = cursor.execute(query, [_naive(since)]).fetchall()
        return int(found)

    def _latest(
        self,
        span: tuple[datetime, datetime],
        having: str = "",
        end: str = "",
        **values: str | list[str],
    ) -> Iterator[OrderState]:
        asked = {"since": _naive(span[0]), "until": _naive(span[1]), **values}
        with self.connection.cursor() as cursor:
            cursor.execute(_LATEST.format(having=having, events=_EVENTS) + end, asked)
            names = [column[0] for column in cursor.description]
            found = cursor.fetchall()
        return (_state(dict(zip(names, each, strict=True))) for each in found)


@contextmanager
def duckdb_connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """Give an empty database in memory, with the tables of the warehouse."""
    with duckdb.connect(":memory:", config=_SEALED) as connection:
        connection.execute(_TABLES)
        yield connection


def _values(row: Row) -> dict[str, Any]:
    columns = row.columns
    times = {name: _moment(columns[name]) for name in _TIMES}
    return columns | times


def _moment(text: str | None) -> datetime | None:
    return _naive(datetime.fromisoformat(text)) if text else None


def _naive(moment: datetime) -> datetime:
    # DuckDB's times with a zone need an extension of it that is not part of the package.
    return moment.astimezone(UTC).replace(tzinfo=None)


def _state(row: Mapping[str, Any]) -> OrderState:
    created, updated = (row[name] and row[name].replace(tzinfo=UTC) for name in _TIMES)
    return OrderState(
        id=row["id"],
        status=row["status"],
        total=amount_of(row["totalAmount"]),
        created_at=created,
        updated_at=updated,
        event=OrderEvent(row["eventType"]),
    )
