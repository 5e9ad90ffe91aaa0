"""BigQuery as the warehouse, by its streaming inserts and its queries."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

from google.api_core.client_options import ClientOptions
from google.api_core.exceptions import NotFound
from google.auth import aws, identity_pool
from google.auth.credentials import AnonymousCredentials, Credentials
from google.cloud.bigquery import Client, SchemaField, TableReference
from google.cloud.bigquery.retry import DEFAULT_RETRY
from google.oauth2 import service_account
from google.oauth2.credentials import Credentials as UserCredentials
from requests import Response

from cloudmart.errors import UnavailableError
from cloudmart.pipeline.carry.bigquery_errors import row_faults, translate_google_errors
from cloudmart.pipeline.carry.bigquery_queries import BigQueryQueries
from cloudmart.pipeline.ports import RowFault
from cloudmart.pipeline.rows import Row
from cloudmart.settings import BigQuerySettings

COLUMNS = {
    "id": "STRING",
    "userEmail": "STRING",
    "status": "STRING",
    "createdAt": "TIMESTAMP",
    "updatedAt": "TIMESTAMP",
    "eventType": "STRING",
    "totalAmount": "FLOAT",
    "items": "STRING",
}

_ALWAYS_TOLD = {"id", "status", "eventType", "totalAmount", "items"}

# BigQuery has two names for one type, and returns the older one.
_OTHER_NAMES = {"FLOAT64": "FLOAT"}

_SCOPES = ["https://www.googleapis.com/auth/bigquery"]
_KIND = "bigquery#tableDataInsertAllResponse"
_REFUSED = 400
# One request may have 10 MB, all escapes counted; Google advises 500 rows.
_MOST_BYTES = 5_000_000
_MOST_ROWS = 500
# Seconds one request may take before it is tried again, under the same ids.
_ONE_REQUEST = 10.0


def schema_faults_of(schema: Sequence[SchemaField]) -> Iterator[str]:
    """Yield a sentence for each fault of a table's schema."""
    found = {field.name: field for field in schema}
    for name, kind in COLUMNS.items():
        if name not in found:
            yield f"the column {name} is missing"
        else:
            yield from _column_faults(found[name], kind)
    for name in found.keys() - COLUMNS.keys():
        if found[name].mode == "REQUIRED":
            yield f"the column {name} is required, and no row has it"


def _column_faults(field: SchemaField, kind: str) -> Iterator[str]:
    actual = _OTHER_NAMES.get(field.field_type, field.field_type)
    if actual != kind or field.mode == "REPEATED":
        yield f"the column {field.name} is {field.mode} {actual}, not {kind}"
    elif field.mode == "REQUIRED" and field.name not in _ALWAYS_TOLD:
        yield f"the column {field.name} is required, and some rows have no value for it"


def read_credentials(path: Path) -> Credentials:
    """Return the credentials in a file.

    Google's own loader takes any kind of file, also one that has a program run; ours takes a
    workload identity's configuration (of AWS, or with a token in a file), a service account's
    key, and what `gcloud auth application-default login` leaves.

    Raises:
        ValueError: there is no such file, or it holds none of these.
    """
    try:
        told = json.loads(path.read_bytes())
        return _of_kind(told)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        msg = f"GOOGLE_APPLICATION_CREDENTIALS: {path} holds no credentials that can be used"
        raise ValueError(msg) from error


def _of_kind(told: dict[str, Any]) -> Credentials:
    credentials: Credentials
    match told["type"]:
        case "external_account" if "environment_id" in told["credential_source"]:
            credentials = aws.Credentials.from_info(told, scopes=_SCOPES)
        case "external_account" if "file" in told["credential_source"]:
            credentials = identity_pool.Credentials.from_info(told, scopes=_SCOPES)
        case "service_account":
            credentials = service_account.Credentials.from_service_account_info(
                told, scopes=_SCOPES
            )
        case "authorized_user":
            credentials = UserCredentials.from_authorized_user_info(told, scopes=_SCOPES)
        case _:
            raise ValueError
    return credentials


def refuse_foreign_answers(client: Client) -> None:
    """Have a client raise ValueError for an answer to an insertion that does not say what it is.

    To the client any JSON object without `insertErrors` is a success, and the rows would be told
    to be there. BigQuery names the kind of each answer; emulators do not.
    """
    session = client._http  # noqa: SLF001 - there is no other way to the session that it makes
    session.hooks["response"].append(_refuse)


def _refuse(response: Response, **_: object) -> None:
    path = (response.url or "").partition("?")[0]
    if response.status_code >= _REFUSED or not path.endswith("/insertAll"):
        return
    told = response.json()
    if not isinstance(told, dict) or told.get("kind") != _KIND:
        msg = f"an answer with status {response.status_code} is no {_KIND}"
        raise ValueError(msg)


class BigQueryWarehouse(BigQueryQueries):
    """One table of BigQuery; a call may take `patience` seconds, retries included."""

    def schema_faults(self) -> Sequence[str]:
        """Return a sentence for each fault of the table; none if rows fit."""
        try:
            with translate_google_errors():
                retry = DEFAULT_RETRY.with_timeout(self._patience)
                table = self._client.get_table(self._table, retry=retry, timeout=_ONE_REQUEST)
        except UnavailableError as error:
            if isinstance(error.__cause__, NotFound):
                return ["there is no such table"]
            raise
        return list(schema_faults_of(table.schema))

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
            with translate_google_errors():
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
        UnavailableError: there are no credentials.
    """
    names = (settings.project_id, settings.dataset_id, settings.table_id)
    if not all(names):
        msg = "GOOGLE_CLOUD_PROJECT_ID, BIGQUERY_DATASET_ID and BIGQUERY_TABLE_ID name the table"
        raise ValueError(msg)
    credentials = _credentials(settings)
    with translate_google_errors():
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
