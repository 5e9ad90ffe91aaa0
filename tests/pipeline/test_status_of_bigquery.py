"""What the pipeline's status says about BigQuery, with Google's own client."""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from cloudmart.app import create_app
from cloudmart.dynamodb.schema import in_shard
from cloudmart.orders.internal_items import note_item
from cloudmart.pipeline.carry.bigquery import COLUMNS, open_warehouse
from cloudmart.pipeline.opening import open_pipeline
from cloudmart.pipeline.rows import OrderEvent, Row
from cloudmart.settings import BigQuerySettings, Settings
from cloudmart.values.timestamp import stamp
from tests.support.bigquery_api import DATASET, PROJECT, TABLE, Failure
from tests.support.orders_table import new_table
from tests.support.pipeline_status import status, why
from tests.support.ready_app import serving, still
from tests.support.scripted_server import Fault, LoopbackServer, Reply, Request, loopback
from tests.support.shop_tables import CALL_WITHIN, let_use_indexes, put

# On a busy machine the second message may come before the first.
NO_ANSWER = ("BigQuery does not answer.", "There was no answer within 6 s.")


@pytest.fixture
def google() -> Iterator[LoopbackServer]:
    """Provide a fake of BigQuery."""
    with loopback() as server:
        yield server


def told_by(
    settings: Settings, bigquery: BigQuerySettings, patience: float = 0.5
) -> dict[str, Any]:
    """Return the status of a shop whose orders go to some BigQuery."""
    told = settings.model_copy(update={"bigquery": bigquery})
    # These tests need a BigQuery that answers at once, or never.
    opened = partial(open_pipeline, patience=patience, within=CALL_WITHIN)
    with serving(create_app(told, process=still(told), open_pipeline=opened)) as client:
        return status(client)


def settings_of(url: str) -> BigQuerySettings:
    """Return settings that name a table at an address."""
    return BigQuerySettings(project_id=PROJECT, dataset_id=DATASET, table_id=TABLE, emulator=url)


def denied(permission: str) -> Reply:
    """Return a refusal in Google's form."""
    sentence = (
        f"Access Denied: Project 123456789012: User does not have {permission} permission in "
        "project 123456789012."
    )
    error = {"reason": "accessDenied", "message": sentence, "domain": "global"}
    return Reply.json(403, {"error": {"code": 403, "message": sentence, "errors": [error]}})


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (
            denied("bigquery.jobs.create"),
            "The service's account at Google lacks the permission bigquery.jobs.create.",
        ),
        (
            Failure(403, "quotaExceeded").reply,
            "BigQuery failed: quotaExceeded.",
        ),
        (
            Failure(404, "notFound").reply,
            "BigQuery's table cannot be used: there is no such table.",
        ),
        (
            Failure(401, "authError").reply,
            "There are no credentials that Google accepts.",
        ),
        (Failure(503, "backendError").reply, "BigQuery failed: backendError."),
    ],
)
def test_missing_numbers_of_bigquery_are_unknown(
    reply: Reply, reason: str, settings: Settings, google: LoopbackServer
) -> None:
    google.answer = lambda _: reply

    told = told_by(settings, settings_of(google.url))

    assert why(told)["newest.bigquery"] in {reason, NO_ANSWER[1]}
    assert "today.bigquery" in why(told)
    assert told["stream"] == "on"


def test_a_table_that_is_not_as_it_should_be_is_reported_by_its_columns(
    settings: Settings, google: LoopbackServer
) -> None:
    fields = [{"name": name, "type": kind} for name, kind in COLUMNS.items() if name != "status"]

    def answer(request: Request) -> Reply:
        if "/tables/" not in request.path:
            return Failure(400, "invalidQuery").reply
        names = {"projectId": PROJECT, "datasetId": DATASET, "tableId": TABLE}
        return Reply.json(200, {"schema": {"fields": fields}, "tableReference": names})

    google.answer = answer

    reasons = why(told_by(settings, settings_of(google.url)))

    expected = "BigQuery's table cannot be used: the column status is missing."
    assert reasons["newest.bigquery"] == expected


def test_bigquery_that_does_not_answer_costs_some_seconds_and_nothing_else(
    settings: Settings, google: LoopbackServer
) -> None:
    google.answer = lambda _: Reply(chunks=[Fault.HANG])

    told = told_by(settings, settings_of(google.url))

    for what in ("newest.bigquery", "today.bigquery"):
        assert why(told)[what] in NO_ANSWER
    assert told["stream"] == "on"


def test_an_outage_of_bigquery_is_reported(settings: Settings, google: LoopbackServer) -> None:
    google.stop()

    reasons = why(told_by(settings, settings_of(google.url)))

    assert reasons["newest.bigquery"] in NO_ANSWER


def test_an_invalid_credentials_file_is_reported_without_its_path(
    settings: Settings, tmp_path: Path
) -> None:
    broken = BigQuerySettings(
        project_id=PROJECT, dataset_id=DATASET, table_id=TABLE, credentials=tmp_path / "key.json"
    )

    reasons = why(told_by(settings, broken))

    expected = "GOOGLE_APPLICATION_CREDENTIALS names no file that can be used."
    assert reasons["newest.bigquery"] == expected


def test_both_sides_agree_on_a_real_bigquery(
    settings: Settings,
    dynamodb: Any,  # noqa: ANN401
    bigquery_emulator: str,
) -> None:
    bigquery = new_table(bigquery_emulator)
    moment = stamp(datetime.now(UTC))
    order = note_item("a", dayShard=in_shard(moment[:10], "a"), createdAt=moment)
    put(dynamodb, settings.dynamodb.orders_table, order)
    let_use_indexes(dynamodb, settings.dynamodb)
    with open_warehouse(bigquery) as warehouse:
        warehouse.insert(
            {
                "1": Row.of_item(order, OrderEvent.INSERT),
                "2": Row.of_item(note_item("heartbeat-1"), OrderEvent.INSERT),
            }
        )

    told = told_by(settings, bigquery, patience=CALL_WITHIN)

    newest = {"id": "a", "at": moment}
    assert told["newest"] == {"dynamodb": newest, "bigquery": newest}
    assert told["lagSeconds"] == 0
    assert told["today"]["dynamodb"] == told["today"]["bigquery"]
