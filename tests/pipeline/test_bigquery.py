"""Insertions with Google's own client, into a fake of BigQuery."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud.bigquery import Client, TableReference

from cloudmart.errors import UnavailableError
from cloudmart.pipeline.carry.bigquery import (
    BigQueryWarehouse,
    open_warehouse,
    refuse_foreign_answers,
)
from cloudmart.pipeline.ports import RowFault
from cloudmart.pipeline.rows import OrderEvent, Row
from cloudmart.settings import BigQuerySettings
from tests.support.bigquery_api import BadRow, BigQueryApi, Failure, LostAnswer
from tests.support.scripted_server import Fault, Reply

STOPPED = RowFault(passing=True, reason="stopped")


def row(key: str, **columns: Any) -> Row:  # noqa: ANN401 - whatever a column may hold
    """Return a row."""
    item = {"id": key, "total": "1.5", "createdAt": "2026-11-23T08:00:00.000Z"}
    return Row.of_item(item | columns, OrderEvent.INSERT)


@pytest.fixture
def warehouse(api: BigQueryApi) -> Iterator[BigQueryWarehouse]:
    """Provide the warehouse with that fake."""
    with open_warehouse(api.settings, patience=3) as warehouse:
        yield warehouse


def test_rows_go_in_as_they_are(api: BigQueryApi, warehouse: BigQueryWarehouse) -> None:
    rows = {"e1": row("a"), "e2": row("b")}

    faults = warehouse.insert(rows)

    assert faults == {}
    assert api.rows == [each.columns for each in rows.values()]


def test_without_rows_no_request_is_sent(api: BigQueryApi, warehouse: BigQueryWarehouse) -> None:
    assert warehouse.insert({}) == {}
    assert api.server.requests == []


def test_a_faulty_row_is_distinguished_from_rows_that_stopped_with_it(
    api: BigQueryApi, warehouse: BigQueryWarehouse
) -> None:
    faults = warehouse.insert(
        {"e1": row("a"), "e2": row("b", createdAt="1907-01-01T00:00:00.000Z"), "e3": row("c")}
    )

    assert faults["e2"].passing is False
    assert (faults["e2"].reason, faults["e2"].column) == ("invalid", "createdAt")
    assert (faults["e1"], faults["e3"]) == (STOPPED, STOPPED)
    assert api.rows == []


@pytest.mark.parametrize("reason", ["backendError", "timeout", "internalError", "not known yet"])
def test_a_reason_that_is_not_about_the_row_may_pass(
    reason: str, api: BigQueryApi, warehouse: BigQueryWarehouse
) -> None:
    api.fail(BadRow(0, reason))

    faults = warehouse.insert({"e1": row("a"), "e2": row("b")})

    assert faults == {"e1": RowFault(passing=True, reason=reason), "e2": STOPPED}


@pytest.mark.parametrize(
    ("status", "reason"), [(503, "backendError"), (500, "internalError"), (502, "badGateway")]
)
def test_an_outage_of_a_moment_is_waited_out(
    status: int, reason: str, api: BigQueryApi, warehouse: BigQueryWarehouse
) -> None:
    api.fail(Failure(status, reason))

    faults = warehouse.insert({"e1": row("a")})

    assert faults == {}
    assert api.rows == [row("a").columns]


@pytest.mark.parametrize(
    ("status", "reason"),
    [(403, "quotaExceeded"), (403, "accessDenied"), (404, "notFound"), (400, "invalid")],
)
def test_a_refusal_of_the_whole_request_blames_no_row(
    status: int, reason: str, api: BigQueryApi, warehouse: BigQueryWarehouse
) -> None:
    api.fail(Failure(status, reason))

    faults = warehouse.insert({"e1": row("a"), "e2": row("b")})

    passing = RowFault(passing=True, reason=f"BigQuery failed: {reason}.")
    assert faults == {"e1": passing, "e2": passing}
    assert api.rows == []


def test_an_outage_that_lasts_ends_with_our_patience(api: BigQueryApi) -> None:
    api.fail(*[Failure(503, "backendError")] * 1000)

    with open_warehouse(api.settings, patience=0.5) as warehouse:
        faults = warehouse.insert({"e1": row("a")})

    assert faults["e1"].passing
    assert faults["e1"].reason == "BigQuery failed: backendError."


def test_rows_whose_answer_was_lost_are_sent_again_under_the_same_ids(
    api: BigQueryApi, warehouse: BigQueryWarehouse
) -> None:
    api.fail(LostAnswer())

    faults = warehouse.insert({"e1": row("a"), "e2": row("b")})

    assert faults == {}
    assert api.rows == [row("a").columns, row("b").columns]


def test_an_invalid_answer_counts_as_an_outage(
    api: BigQueryApi, warehouse: BigQueryWarehouse
) -> None:
    api.fail(LostAnswer(Fault.CUT))

    first, second = (warehouse.insert({"e1": row("a")}) for _ in range(2))

    assert first["e1"].passing
    assert second == {}
    assert api.rows == [row("a").columns]


def test_many_rows_go_in_several_requests_in_their_order(
    api: BigQueryApi, warehouse: BigQueryWarehouse
) -> None:
    rows = {f"e{number}": row(f"order {number}") for number in range(1200)}

    faults = warehouse.insert(rows)

    assert faults == {}
    assert [len(each.json["rows"]) for each in api.server.requests] == [500, 500, 200]
    assert api.rows == [each.columns for each in rows.values()]


def test_large_rows_never_make_a_request_too_large(
    api: BigQueryApi, warehouse: BigQueryWarehouse
) -> None:
    # As large as an item may be, with characters for which JSON writes six bytes instead of two.
    items = [{"productId": "1", "name": "é" * 190_000}]
    rows = {f"e{number}": row(str(number), items=items) for number in range(12)}

    faults = warehouse.insert(rows)

    assert faults == {}
    assert len(api.rows) == 12


def test_nothing_is_inserted_behind_rows_that_were_not(
    api: BigQueryApi, warehouse: BigQueryWarehouse
) -> None:
    rows = {f"e{number}": row(f"order {number}") for number in range(1200)}
    rows["e700"] = row("order 700", createdAt="1907-01-01T00:00:00.000Z")

    faults = warehouse.insert(rows)

    assert list(faults) == [f"e{number}" for number in range(500, 1200)]
    assert [key for key, fault in faults.items() if not fault.passing] == ["e700"]
    assert [each["id"] for each in api.rows] == [f"order {number}" for number in range(500)]


def test_the_table_of_the_contract_has_no_faults(warehouse: BigQueryWarehouse) -> None:
    assert warehouse.schema_faults() == []


def test_missing_columns_of_a_table_are_named(
    api: BigQueryApi, warehouse: BigQueryWarehouse
) -> None:
    api.schema = [field for field in api.schema if field["name"] != "items"]
    api.schema[1]["mode"] = "REQUIRED"
    api.schema[6]["type"] = "STRING"
    api.schema.append({"name": "region", "type": "STRING", "mode": "REQUIRED"})

    assert warehouse.schema_faults() == [
        "the column userEmail is required, and some rows have no value for it",
        "the column totalAmount is NULLABLE STRING, not FLOAT",
        "the column items is missing",
        "the column region is required, and no row has it",
    ]


def test_a_missing_table_is_reported(api: BigQueryApi, warehouse: BigQueryWarehouse) -> None:
    api.there = False

    assert warehouse.schema_faults() == ["there is no such table"]


def test_a_warehouse_that_is_away_is_unavailable(api: BigQueryApi) -> None:
    api.server.stop()

    with (
        open_warehouse(api.settings, patience=0.5) as warehouse,
        pytest.raises(UnavailableError, match="BigQuery failed"),
    ):
        warehouse.schema_faults()


def test_settings_without_a_table_name_no_warehouse() -> None:
    with (
        pytest.raises(ValueError, match="name the table"),
        open_warehouse(BigQuerySettings(project_id="cloudmart")),
    ):
        pass


@pytest.mark.parametrize(
    "told",
    [
        "",
        "[]",
        '{"type": "service_account"}',
        '{"type": "external_account", "credential_source": {"executable": {"command": "id"}}}',
    ],
)
def test_a_file_without_credentials_we_can_use_is_refused(told: str, tmp_path: Path) -> None:
    path = tmp_path / "credentials.json"
    path.write_text(told)
    settings = BigQuerySettings(
        project_id="cloudmart", dataset_id="shop", table_id="orders", credentials=path
    )

    with pytest.raises(ValueError, match="holds no credentials"), open_warehouse(settings):
        pass


def test_a_workload_identity_of_aws_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "credentials.json"
    sts = "https://sts.{region}.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15"
    source = {"environment_id": "aws1", "regional_cred_verification_url": sts}
    told = {
        "type": "external_account",
        "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/a",
        "subject_token_type": "urn:ietf:params:aws:token-type:aws4_request",
        "token_url": "https://sts.googleapis.com/v1/token",
        "credential_source": source,
    }
    path.write_text(json.dumps(told))
    settings = BigQuerySettings(
        project_id="cloudmart", dataset_id="shop", table_id="orders", credentials=path
    )

    with open_warehouse(settings) as warehouse:
        assert isinstance(warehouse, BigQueryWarehouse)


@pytest.fixture
def strict(api: BigQueryApi) -> Iterator[BigQueryWarehouse]:
    """Provide the warehouse as it is without an emulator."""
    settings = api.settings
    told = {"api_endpoint": api.server.url}
    client = Client(settings.project_id, AnonymousCredentials(), client_options=told)
    refuse_foreign_answers(client)
    names = (settings.project_id, settings.dataset_id, settings.table_id)
    table = TableReference.from_string(".".join(map(str, names)))
    yield BigQueryWarehouse(client, table, patience=1)
    client.close()


@pytest.mark.parametrize(
    "answer",
    [
        Reply.json(200, {}),
        Reply.json(200, {"status": "ok"}),
        Reply.json(200, []),
        Reply.json(200, None),
        Reply.json(202, {}),
        Reply(chunks=[b"<!doctype html><html><body>Please sign in.</body></html>"]),
        Reply(chunks=[]),
    ],
)
def test_an_answer_from_a_proxy_does_not_count_as_inserted(
    answer: Reply, api: BigQueryApi, strict: BigQueryWarehouse
) -> None:
    api.server.answer = lambda _: answer

    faults = strict.insert({"e1": row("a"), "e2": row("b")})

    assert [fault.passing for fault in faults.values()] == [True, True]


def test_bigquery_says_what_its_answers_are(api: BigQueryApi, strict: BigQueryWarehouse) -> None:
    assert strict.insert({"e1": row("a"), "e2": row("b")}) == {}

    faults = strict.insert({"e3": row("c", createdAt="1907-01-01T00:00:00.000Z")})

    assert faults["e3"].reason == "invalid"
    assert len(api.rows) == 2


@pytest.mark.parametrize("errors", ["x", [None], [{"reason": 7, "message": 5}], {"a": 1}])
def test_a_refusal_that_cannot_be_read_may_pass(
    errors: object, api: BigQueryApi, warehouse: BigQueryWarehouse
) -> None:
    told = Reply.json(200, {"insertErrors": [{"index": 0, "errors": errors}]})
    api.server.answer = lambda _: told

    faults = warehouse.insert({"e1": row("a"), "e2": row("b")})

    assert [fault.passing for fault in faults.values()] == [True, True]
