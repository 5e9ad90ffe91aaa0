"""BigQuery as the warehouse, by its streaming inserts and its queries."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from itertools import chain

from google.api_core.client_options import ClientOptions
from google.api_core.exceptions import NotFound
from google.auth.credentials import AnonymousCredentials, Credentials
from google.cloud.bigquery import Client, TableReference
from google.cloud.bigquery.retry import DEFAULT_RETRY

from cloudmart.errors import UnavailableError
from cloudmart.pipeline.bigquery_errors import row_faults, translated
from cloudmart.pipeline.bigquery_queries import BigQueryQueries
from cloudmart.pipeline.bigquery_schema import faults
from cloudmart.pipeline.foreign_answers import refuse_foreign_answers
from cloudmart.pipeline.google_credentials import read_credentials
from cloudmart.pipeline.ports import RowFault
from cloudmart.pipeline.rows import Row
from cloudmart.settings import BigQuerySettings

# One request may have 10 MB, all escapes counted; Google advises 500 rows.
_MOST_BYTES = 5_000_000
_MOST_ROWS = 500

# Seconds one request may take before it is tried again, under the same ids.
_ONE_REQUEST = 10.0


class BigQueryWarehouse(BigQueryQueries):
    """One table of BigQuery; a call may take `patience` seconds, retries included."""

    def schema_faults(self) -> Sequence[str]:
        """Return in words what of the table is not as rows need it; empty if all is well."""
        try:
            with translated():
                retry = DEFAULT_RETRY.with_timeout(self._patience)
                table = self._client.get_table(self._table, retry=retry, timeout=_ONE_REQUEST)
        except UnavailableError as error:
            if isinstance(error.__cause__, NotFound):
                return ["there is no such table"]
            raise
        return list(faults(table.schema))

    def insert(self, rows: Mapping[str, Row]) -> Mapping[str, RowFault]:
        """Insert rows, each by the id of its event, and return what was wrong with which."""
        give_up = time.monotonic() + self._patience
        requests = _requests(rows)
        for request in requests:
            if faulty := self._insert(request, give_up):
                behind = chain.from_iterable(requests)
                return faulty | dict.fromkeys(behind, RowFault(passing=True, reason="stopped"))
        return {}

    def _insert(self, rows: Mapping[str, Row], give_up: float) -> dict[str, RowFault]:
        left = give_up - time.monotonic()
        if left <= 0:
            return dict.fromkeys(rows, RowFault(passing=True, reason="out of time"))
        columns = [row.columns for row in rows.values()]
        try:
            with translated():
                told = self._client.insert_rows_json(
                    self._table,
                    columns,
                    row_ids=rows,
                    # All or nothing: a later row of an order never goes in without the earlier.
                    skip_invalid_rows=False,
                    ignore_unknown_values=False,
                    retry=DEFAULT_RETRY.with_timeout(left),
                    timeout=_ONE_REQUEST,
                )
                return row_faults(list(rows), told)
        except UnavailableError as error:
            return dict.fromkeys(rows, RowFault(passing=True, reason=str(error)))


def _requests(rows: Mapping[str, Row]) -> Iterator[dict[str, Row]]:
    request: dict[str, Row] = {}
    size = 0
    for event_id, row in rows.items():
        more = len(json.dumps(row.columns)) + len(event_id)
        if request and (size + more > _MOST_BYTES or len(request) == _MOST_ROWS):
            yield request
            request, size = {}, 0
        request[event_id] = row
        size += more
    if request:
        yield request


@contextmanager
def open_warehouse(
    settings: BigQuerySettings, *, patience: float = 25
) -> Iterator[BigQueryWarehouse]:
    """Give the warehouse that the settings name, whose connections end with the context.

    Raises:
        ValueError: the settings name no table, or the file of credentials holds none.
        UnavailableError: there are no credentials to be had.
    """
    names = (settings.project_id, settings.dataset_id, settings.table_id)
    if not all(names):
        msg = "GOOGLE_CLOUD_PROJECT_ID, BIGQUERY_DATASET_ID and BIGQUERY_TABLE_ID name the table"
        raise ValueError(msg)
    credentials = _credentials(settings)
    with translated():
        client = _client(settings, credentials)
    if not settings.emulator:
        refuse_foreign_answers(client)
    with closing(client):
        table = TableReference.from_string(".".join(str(name) for name in names))
        yield BigQueryWarehouse(client, table, patience=patience)


def _credentials(settings: BigQuerySettings) -> Credentials | None:
    if settings.emulator:
        return AnonymousCredentials()
    return read_credentials(settings.credentials) if settings.credentials else None


def _client(settings: BigQuerySettings, credentials: Credentials | None) -> Client:
    options = ClientOptions(api_endpoint=settings.emulator) if settings.emulator else None
    return Client(settings.project_id, credentials, client_options=options)
