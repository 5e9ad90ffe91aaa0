"""The pipeline's status while all of its parts answer."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi.testclient import TestClient

from cloudmart.local.duckdb_warehouse import DuckDBWarehouse
from cloudmart.orders.internal_items import note_item
from cloudmart.settings import Settings
from cloudmart.values.timestamp import stamp
from tests.support.fault_proxy import FaultProxy
from tests.support.pipeline_aws import PipelineAws
from tests.support.pipeline_status import Orders, insert, status, stream_of, why


def test_the_status_of_a_working_pipeline_is_complete(
    watched: TestClient, order: Orders, aws: PipelineAws, warehouse: DuckDBWarehouse
) -> None:
    older, newer = order("a", ago=1), order("b")
    insert(warehouse, older, newer)
    insert(warehouse, older, event="MODIFY")
    aws.fail(2)
    aws.quarantine(3)

    told = status(watched)

    newest = {"id": "b", "at": newer["createdAt"]}
    today = 2 if older["createdAt"][:10] == newer["createdAt"][:10] else 1
    assert told == {
        "stream": "on",
        "mapping": {"state": "Enabled", "lastResult": "OK", "iteratorAgeSeconds": 0.4},
        "failures": {"queued": 2, "quarantined": 3},
        "newest": {"dynamodb": newest, "bigquery": newest},
        "lagSeconds": 0.0,
        "today": {"dynamodb": today, "bigquery": today},
        "unknown": [],
    }


def test_lag_is_how_long_the_first_order_that_is_not_there_has_been_waiting(
    watched: TestClient, order: Orders, warehouse: DuckDBWarehouse
) -> None:
    insert(warehouse, order("a", ago=7000))
    order("b", ago=3000)
    order("c", ago=5)

    told = status(watched)

    assert told["newest"]["dynamodb"]["id"] == "c"
    assert told["newest"]["bigquery"]["id"] == "a"
    assert 3000 <= told["lagSeconds"] < 3600


def test_an_order_that_was_removed_counts_on_neither_side(
    watched: TestClient, order: Orders, warehouse: DuckDBWarehouse
) -> None:
    kept = order("a", ago=2)
    gone = {**kept, "id": "b", "createdAt": stamp(datetime.now(UTC))}
    insert(warehouse, kept, gone)
    insert(warehouse, gone, event="REMOVE")

    told = status(watched)

    assert told["today"]["dynamodb"] == told["today"]["bigquery"]
    assert told["newest"]["bigquery"]["id"] == "b"
    assert told["lagSeconds"] == 0


def test_an_order_that_the_stream_lost_is_missing_from_the_count(
    watched: TestClient, order: Orders, warehouse: DuckDBWarehouse
) -> None:
    kept = order("a")
    order("lost", ago=1, dayShard=kept["dayShard"])
    insert(warehouse, kept)

    told = status(watched)

    assert 1 <= told["lagSeconds"] < 60
    assert told["today"] == {"dynamodb": 2, "bigquery": 1}


def test_one_stuck_shard_is_seen_while_the_others_continue(
    watched: TestClient, order: Orders, warehouse: DuckDBWarehouse
) -> None:
    insert(warehouse, order("before", ago=4000))
    order("first", ago=3000)
    insert(warehouse, order("other", ago=2000))
    order("second", ago=1000)
    insert(warehouse, order("newest", ago=1))

    told = status(watched)

    assert told["newest"]["bigquery"]["id"] == "newest"
    assert 3000 <= told["lagSeconds"] < 3100


def test_a_pipeline_that_stands_still_for_days_is_as_far_behind(
    watched: TestClient, order: Orders, warehouse: DuckDBWarehouse
) -> None:
    day = 24 * 3600
    insert(warehouse, order("a", ago=6 * day))
    order("b", ago=5 * day)
    order("c", ago=day)

    assert 5 * day <= status(watched)["lagSeconds"] < 5 * day + 100


def test_a_heartbeat_is_neither_the_newest_order_nor_counted(
    watched: TestClient, order: Orders, warehouse: DuckDBWarehouse
) -> None:
    insert(warehouse, order("a", ago=2), note_item("heartbeat-1"))

    told = status(watched)

    assert told["newest"]["bigquery"]["id"] == "a"
    assert told["today"]["bigquery"] == told["today"]["dynamodb"]


def test_an_order_of_days_ago_is_still_the_newest(watched: TestClient, order: Orders) -> None:
    order("a", ago=9 * 24 * 3600)
    order("b", ago=12 * 24 * 3600)

    assert status(watched)["newest"]["dynamodb"]["id"] == "a"


def test_a_shop_without_orders_has_no_newest_one(watched: TestClient) -> None:
    told = status(watched)

    assert why(told) == {
        "newest.dynamodb": "No order was created in the last 31 days.",
        "newest.bigquery": "BigQuery holds no order yet.",
        "lagSeconds": "It is computed from the newest order of both sides.",
    }
    assert told["today"] == {"dynamodb": 0, "bigquery": 0}


def test_an_order_with_an_unreadable_time_breaks_nothing(
    watched: TestClient, order: Orders
) -> None:
    order("a", ago=60, createdAt="yesterday, or so")
    order("b", ago=60)

    assert status(watched)["newest"]["dynamodb"]["id"] == "b"


def test_a_stream_that_is_off_is_reported(
    watched: TestClient,
    dynamodb: Any,  # noqa: ANN401
    settings: Settings,
) -> None:
    dynamodb.update_table(
        TableName=settings.dynamodb.orders_table, StreamSpecification={"StreamEnabled": False}
    )

    assert status(watched)["stream"] == "off"


@pytest.mark.parametrize("state", ["Disabled", "Creating", "Updating"])
def test_a_mapping_that_does_not_run_is_reported(
    state: str,
    watched: TestClient,
    aws: PipelineAws,
    dynamodb: Any,  # noqa: ANN401
    settings: Settings,
) -> None:
    aws.read(stream_of(dynamodb, settings), state=state, result=None)

    mapping = status(watched)["mapping"]

    assert (mapping["state"], mapping["lastResult"]) == (state, None)


def test_the_last_result_is_reported_without_the_names_in_it(
    watched: TestClient,
    aws: PipelineAws,
    dynamodb: Any,  # noqa: ANN401
    settings: Settings,
) -> None:
    said = "PROBLEM: Function call failed: arn:aws:lambda:us-east-1:210987654321:function:f"
    aws.read(stream_of(dynamodb, settings), result=said)

    assert status(watched)["mapping"]["lastResult"] == "PROBLEM: Function call failed: …"


def test_a_stream_that_nothing_reads_is_reported(watched: TestClient, aws: PipelineAws) -> None:
    aws.mappings = []

    assert status(watched)["mapping"]["state"] == "Missing"


def test_a_function_that_reads_an_earlier_stream_is_reported(
    watched: TestClient,
    aws: PipelineAws,
    dynamodb: Any,  # noqa: ANN401
    settings: Settings,
) -> None:
    before = stream_of(dynamodb, settings).rpartition("/")[0] + "/2020-01-01T00:00:00.000"
    aws.read(before)

    assert status(watched)["mapping"]["state"] == "Detached"


def test_requests_within_some_seconds_share_one_status(
    watched: TestClient, faults: FaultProxy
) -> None:
    before = faults.calls["DescribeTable"]
    with ThreadPoolExecutor(8) as people:
        answers = list(people.map(lambda _: status(watched), range(8)))

    assert all(answer == answers[0] for answer in answers)
    assert faults.calls["DescribeTable"] == before + 1


def test_the_status_is_in_the_metrics(
    watched: TestClient, order: Orders, aws: PipelineAws, warehouse: DuckDBWarehouse
) -> None:
    insert(warehouse, order("a"))
    aws.fail(4)

    status(watched)

    lines = watched.get("/metrics").text.splitlines()
    for line in (
        'cloudmart_pipeline_runs{part="stream"} 1.0',
        'cloudmart_pipeline_runs{part="mapping"} 1.0',
        "cloudmart_pipeline_lag_seconds 0.0",
        "cloudmart_pipeline_iterator_age_seconds 0.4",
        'cloudmart_pipeline_failures{where="queued"} 4.0',
        "cloudmart_pipeline_unknown 0.0",
    ):
        assert line in lines
