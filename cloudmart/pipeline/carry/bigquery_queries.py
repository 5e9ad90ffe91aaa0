"""The queries of BigQuery's table, each over as few days as possible."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta

from google.cloud.bigquery import (
    ArrayQueryParameter,
    Client,
    QueryJobConfig,
    ScalarQueryParameter,
    TableReference,
)
from google.cloud.bigquery.retry import DEFAULT_JOB_RETRY, DEFAULT_RETRY
from google.cloud.bigquery.table import Row as Answer

from cloudmart.orders.internal_items import HEARTBEAT
from cloudmart.pipeline.carry.bigquery_errors import translate_google_errors
from cloudmart.pipeline.ports import OrderState, amount_of
from cloudmart.pipeline.rows import OrderEvent
from cloudmart.values.email import TEST_ADDRESSES

# BigQuery bills the columns and the days that it reads.
_LATEST = """
SELECT id, status, totalAmount, createdAt, updatedAt, eventType
FROM `{table}`
WHERE createdAt >= @since AND createdAt < @until AND eventType IN ({events}) {having}
QUALIFY ROW_NUMBER() OVER (
  PARTITION BY id ORDER BY COALESCE(updatedAt, createdAt) DESC, eventType DESC
) = 1
"""
_EVENTS = ", ".join(f"'{event}'" for event in OrderEvent)

_NO_TEST = "AND NOT ENDS_WITH(LOWER(IFNULL(userEmail, '')), @test)"
_CUSTOMERS = f"AND NOT STARTS_WITH(id, @heartbeat) {_NO_TEST}"
_EVER = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)
_RECENT = (timedelta(days=2), timedelta(days=60))

Span = tuple[datetime, datetime]


class BigQueryQueries:
    """What can be asked of one table of BigQuery."""

    def __init__(self, client: Client, table: TableReference, *, patience: float = 25) -> None:
        self._client = client
        self._table = table
        self._patience = patience

    def newest(self) -> OrderState | None:
        """Return the order that was created last, removed or not; no heartbeat, no test."""
        now, (first, last) = datetime.now(UTC), _EVER
        for since in (*(now - recent for recent in _RECENT), first):
            found = self._latest(
                (since, last),
                having=_CUSTOMERS,
                end="ORDER BY createdAt DESC LIMIT 1",
                heartbeat=HEARTBEAT,
                test=TEST_ADDRESSES,
            )
            if state := next(found, None):
                return state
        return None

    def count_created(self, day: date) -> int:
        """Return how many orders were created on a day (UTC) and are there: customers' alone."""
        since = datetime.combine(day, datetime.min.time(), UTC)
        counted = self._ask(
            "SELECT COUNTIF(eventType != 'REMOVE') AS orders FROM ({latest})",
            (since, since + timedelta(days=1)),
            having=_CUSTOMERS,
            heartbeat=HEARTBEAT,
            test=TEST_ADDRESSES,
        )
        return int(next(counted).orders)

    def states(self, since: datetime) -> Iterator[OrderState]:
        """Yield the state of each order created since, removed ones and heartbeats included.

        Test orders are left out.
        """
        return self._latest((since, _EVER[1]), having=_NO_TEST, test=TEST_ADDRESSES)

    def find(self, order_id: str, created: datetime) -> OrderState | None:
        """Return the state of an order created then or later, or None if it is not known."""
        found = self._latest((created, _EVER[1]), having="AND id = @id", id=order_id)
        return next(found, None)

    def find_many(self, order_ids: Sequence[str]) -> Iterator[OrderState]:
        """Yield the states of those orders that are known, by one question for all."""
        return self._latest(_EVER, having="AND id IN UNNEST(@ids)", ids=order_ids)

    def ids(self, since: datetime) -> set[str]:
        """Return the ids of the orders that `states` yields."""
        asked = "SELECT DISTINCT id FROM ({latest})"
        span = since, _EVER[1]
        found = self._ask(asked, span, having=_NO_TEST, test=TEST_ADDRESSES)
        return {answer.id for answer in found}

    def count_unreadable(self, since: datetime) -> int:
        """Return how many rows of orders created since are none of the pipeline's."""
        asked = (
            "SELECT COUNT(*) AS found FROM `{table}` WHERE createdAt >= @since "
            "AND createdAt < @until AND (eventType IS NULL OR eventType NOT IN ({events}))"
        )
        return int(next(self._ask(asked, (since, _EVER[1]), having="")).found)

    def _latest(
        self, span: Span, *, having: str = "", end: str = "", **parameters: str | Sequence[str]
    ) -> Iterator[OrderState]:
        answers = self._ask("{latest}" + end, span, having=having, **parameters)
        return (_state(answer) for answer in answers)

    def _ask(
        self, query: str, span: Span, *, having: str, **parameters: str | Sequence[str]
    ) -> Iterator[Answer]:
        latest = _LATEST.format(table=self._table, having=having, events=_EVENTS)
        told = [
            *(ScalarQueryParameter(*each) for each in _bounds(span)),
            *(_parameter(name, value) for name, value in parameters.items()),
        ]
        with translate_google_errors():
            yield from self._client.query_and_wait(
                query.format(latest=latest, table=self._table, events=_EVENTS),
                job_config=QueryJobConfig(query_parameters=told),
                api_timeout=self._patience,
                wait_timeout=self._patience,
                retry=DEFAULT_RETRY.with_timeout(self._patience),
                job_retry=DEFAULT_JOB_RETRY.with_timeout(self._patience),
            )


def _bounds(span: Span) -> Iterator[tuple[str, str, datetime]]:
    yield "since", "TIMESTAMP", span[0]
    yield "until", "TIMESTAMP", span[1]


def _parameter(name: str, value: str | Sequence[str]) -> ScalarQueryParameter | ArrayQueryParameter:
    if isinstance(value, str):
        return ScalarQueryParameter(name, "STRING", value)
    return ArrayQueryParameter(name, "STRING", list(value))


def _state(answer: Answer) -> OrderState:
    return OrderState(
        id=answer.id,
        status=answer.status,
        total=amount_of(answer.totalAmount),
        created_at=answer.createdAt,
        updated_at=answer.updatedAt,
        event=OrderEvent(answer.eventType),
    )
