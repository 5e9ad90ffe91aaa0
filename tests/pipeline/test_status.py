"""What is told of the pipeline, with all of its parts there and each of them away."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from fastapi.testclient import TestClient

from cloudmart.app import create_app
from cloudmart.dynamodb.internal import BACKFILL, note
from cloudmart.dynamodb.schema import ORDERS_BY_DAY
from cloudmart.local.duckdb_warehouse import DuckDBWarehouse
from cloudmart.pipeline.rows import EventType, Row
from cloudmart.settings import Settings
from cloudmart.values.timestamp import stamp
from tests.support.faults import Fault, FaultProxy
from tests.support.loopback import Reply
from tests.support.pipeline_aws import PipelineAws, refused
from tests.support.serving import serving, still
from tests.support.shop_tables import drop_index, put
from tests.support.watched_pipeline import ending_in

Status = dict[str, Any]
Orders = Callable[..., dict[str, Any]]


def stream_of(dynamodb: Any, settings: Settings) -> str:  # noqa: ANN401
    """Return the ARN of the orders' stream."""
    table = dynamodb.describe_table(TableName=settings.dynamodb.orders_table)["Table"]
    arn: str = table["LatestStreamArn"]
    return arn


@pytest.fixture
def watched(
    dynamodb: Any,  # noqa: ANN401
    faults: FaultProxy,
    settings: Settings,
    aws: PipelineAws,
    warehouse: DuckDBWarehouse,
) -> Iterator[TestClient]:
    """Give a client of a shop with a whole pipeline that has nothing to do."""
    assert faults
    put(dynamodb, settings.dynamodb.orders_table, note(BACKFILL, completedAt="2026-11-23"))
    aws.read(stream_of(dynamodb, settings))
    aws.age(400)
    told = settings.model_copy(update={"pipeline": aws.settings})
    app = create_app(told, process=still(told), open_pipeline=ending_in(warehouse))
    with serving(app) as client:
        yield client


@pytest.fixture
def order(dynamodb: Any, settings: Settings) -> Orders:  # noqa: ANN401
    """Give what writes an order that was created some seconds ago."""

    def write(key: str, *, ago: float = 0, **attributes: object) -> dict[str, Any]:
        moment = stamp(datetime.now(UTC) - timedelta(seconds=ago))
        item = {
            "id": key,
            "items": [],
            "total": Decimal(7),
            "status": "Pending",
            "createdAt": moment,
            "updatedAt": moment,
            "createdDay": moment[:10],
            **attributes,
        }
        put(dynamodb, settings.dynamodb.orders_table, item)
        return item

    return write


def insert(warehouse: DuckDBWarehouse, *items: dict[str, Any], event: str = "INSERT") -> None:
    """Let rows of some orders arrive."""
    kind = EventType(event)
    warehouse.insert({f"{each['id']}-{event}": Row.of_item(each, kind) for each in items})


def status(client: TestClient) -> Status:
    """Return what is told, which never names a host or an account."""
    answer = client.get("/api/pipeline/status")

    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    for secret in ("arn:", "://", "127.0.0.1", "210987654321", "123456789012"):
        assert secret not in answer.text
    told: Status = answer.json()
    named = {each["what"] for each in told["unknown"]}
    for what in ("stream", "mapping", "lagSeconds"):
        assert (told[what] is None) == (what in named)
    for part in ("newest", "today"):
        for side in ("dynamodb", "bigquery"):
            assert (told[part][side] is None) == (f"{part}.{side}" in named)
    return told


def why(told: Status) -> dict[str, str]:
    """Return what is not known, and why."""
    return {each["what"]: each["why"] for each in told["unknown"]}


def test_a_pipeline_that_works_is_told_whole(
    watched: TestClient, order: Orders, aws: PipelineAws, warehouse: DuckDBWarehouse
) -> None:
    older, newer = order("a", ago=1), order("b")
    insert(warehouse, older, newer)
    insert(warehouse, older, event="MODIFY")
    aws.fail(2)
    aws.quarantine(3)

    told = status(watched)

    newest = {"id": "b", "at": newer["createdAt"]}
    today = 2 if older["createdDay"] == newer["createdDay"] else 1
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


def test_a_heartbeat_is_neither_the_newest_order_nor_counted(
    watched: TestClient, order: Orders, warehouse: DuckDBWarehouse
) -> None:
    insert(warehouse, order("a", ago=2), note("heartbeat-1"))

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
        "lagSeconds": "It follows from the newest order of both sides.",
    }
    assert told["today"] == {"dynamodb": 0, "bigquery": 0}


def test_an_order_with_an_unreadable_time_breaks_nothing(
    watched: TestClient, order: Orders
) -> None:
    order("a", ago=60, createdAt="yesterday, or so")
    order("b", ago=60)

    assert status(watched)["newest"]["dynamodb"]["id"] == "b"


def test_a_stream_that_is_off_is_told(
    watched: TestClient,
    dynamodb: Any,  # noqa: ANN401
    settings: Settings,
) -> None:
    dynamodb.update_table(
        TableName=settings.dynamodb.orders_table, StreamSpecification={"StreamEnabled": False}
    )

    assert status(watched)["stream"] == "off"


@pytest.mark.parametrize("state", ["Disabled", "Creating", "Updating"])
def test_a_mapping_that_does_not_run_is_told(
    state: str,
    watched: TestClient,
    aws: PipelineAws,
    dynamodb: Any,  # noqa: ANN401
    settings: Settings,
) -> None:
    aws.read(stream_of(dynamodb, settings), state=state, result=None)

    mapping = status(watched)["mapping"]

    assert (mapping["state"], mapping["lastResult"]) == (state, None)


def test_the_last_result_is_told_without_the_names_in_it(
    watched: TestClient,
    aws: PipelineAws,
    dynamodb: Any,  # noqa: ANN401
    settings: Settings,
) -> None:
    said = "PROBLEM: Function call failed: arn:aws:lambda:us-east-1:210987654321:function:f"
    aws.read(stream_of(dynamodb, settings), result=said)

    assert status(watched)["mapping"]["lastResult"] == "PROBLEM: Function call failed: …"


def test_a_stream_that_nothing_reads_is_told(watched: TestClient, aws: PipelineAws) -> None:
    aws.mappings = []

    assert status(watched)["mapping"]["state"] == "Missing"


def test_a_function_that_reads_a_stream_of_before_is_told(
    watched: TestClient,
    aws: PipelineAws,
    dynamodb: Any,  # noqa: ANN401
    settings: Settings,
) -> None:
    before = stream_of(dynamodb, settings).rpartition("/")[0] + "/2020-01-01T00:00:00.000"
    aws.read(before)

    assert status(watched)["mapping"]["state"] == "Detached"


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (
            refused(403, "AccessDeniedException"),
            "The service's role lacks the permission lambda:ListEventSourceMappings.",
        ),
        (
            refused(404, "ResourceNotFoundException"),
            "Lambda knows nothing of the name that PIPELINE_FUNCTION gives.",
        ),
        (refused(429, "TooManyRequestsException"), "Lambda takes no more requests at the moment."),
        (refused(500, "ServiceException"), "Lambda has a fault of its own."),
        (
            refused(403, "ExpiredTokenException"),
            "Lambda does not accept the service's credentials (ExpiredTokenException).",
        ),
        (refused(400, "NewlyInvented"), "Lambda refuses to answer (NewlyInvented)."),
    ],
)
def test_what_lambda_does_not_tell_is_not_known(
    reply: Reply, reason: str, watched: TestClient, aws: PipelineAws
) -> None:
    aws.refusal = reply

    told = status(watched)

    assert told["mapping"] is None
    assert why(told)["mapping"] == reason


def test_lambda_away_is_said_to_be_so(watched: TestClient, aws: PipelineAws) -> None:
    aws.functions.stop()

    assert why(status(watched))["mapping"] == "Lambda cannot be reached."


@pytest.mark.parametrize(
    ("operation", "what", "permission"),
    [
        ("GetQueueAttributes", "failures.queued", "sqs:GetQueueAttributes"),
        ("GetMetricData", "mapping.iteratorAgeSeconds", "cloudwatch:GetMetricData"),
    ],
)
def test_a_permission_that_lacks_is_named(
    operation: str, what: str, permission: str, watched: TestClient, aws: PipelineAws
) -> None:
    aws.proxy.fail(Fault.DENIED, operation)

    expected = f"The service's role lacks the permission {permission}."
    assert why(status(watched))[what] == expected


def test_what_does_not_answer_holds_up_nothing_else(
    watched: TestClient, order: Orders, aws: PipelineAws, warehouse: DuckDBWarehouse
) -> None:
    insert(warehouse, order("a"))
    aws.proxy.fail(Fault.HANG)

    told = status(watched)

    assert set(why(told)) == {"failures.queued", "mapping.iteratorAgeSeconds"}
    assert told["failures"]["queued"] is None
    assert told["lagSeconds"] == 0


def test_no_figure_of_late_is_no_age(settings: Settings, aws: PipelineAws) -> None:
    told = settings.model_copy(update={"pipeline": aws.settings})
    with serving(create_app(told, process=still(told))) as client:
        reason = why(status(client))["mapping.iteratorAgeSeconds"]

    assert reason == "CloudWatch has no figure of the last 10 minutes: no record was read."


def test_without_the_index_its_figures_are_not_known_and_nothing_is_scanned(
    watched: TestClient,
    dynamodb: Any,  # noqa: ANN401
    settings: Settings,
    faults: FaultProxy,
    warehouse: DuckDBWarehouse,
) -> None:
    insert(warehouse, note("a"))
    drop_index(dynamodb, settings.dynamodb.orders_table, ORDERS_BY_DAY.name)

    told = status(watched)

    reason = (
        "The index createdDay-createdAt-index does not exist; `cloudmart tables apply` makes it."
    )
    assert why(told) == {
        "newest.dynamodb": reason,
        "today.dynamodb": reason,
        "lagSeconds": "It follows from the newest order of both sides.",
    }
    assert told["stream"] == "on"
    assert faults.calls["Scan"] == 0


def test_an_index_that_lacks_older_orders_is_not_believed(
    watched: TestClient,
    order: Orders,
    dynamodb: Any,  # noqa: ANN401
    settings: Settings,
) -> None:
    order("a")
    put(dynamodb, settings.dynamodb.orders_table, note(BACKFILL))

    assert "No backfill is recorded as complete" in why(status(watched))["today.dynamodb"]


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault.DENIED, "The service's role lacks the permission dynamodb:DescribeTable."),
        (Fault.LIMITED, "DynamoDB takes no more requests at the moment."),
        (Fault.NO_TABLE, "DynamoDB knows nothing of the name that DYNAMODB_ORDERS_TABLE gives."),
        (Fault.RESET, "DynamoDB cannot be reached."),
    ],
)
def test_a_table_that_is_not_described_leaves_the_rest_known(
    fault: Fault, reason: str, watched: TestClient, faults: FaultProxy
) -> None:
    faults.fail(fault, "DescribeTable")

    told = status(watched)

    assert why(told)["stream"] == reason
    assert told["mapping"]["state"] == "Enabled"
    assert told["today"]["bigquery"] == 0


def test_a_query_that_is_not_allowed_is_named(
    watched: TestClient, order: Orders, faults: FaultProxy
) -> None:
    order("a")
    faults.fail(Fault.DENIED, "Query")

    reasons = why(status(watched))

    permission = "The service's role lacks the permission dynamodb:Query."
    assert reasons["newest.dynamodb"] == reasons["today.dynamodb"] == permission


def test_nothing_configured_is_told_as_such(client: TestClient) -> None:
    reasons = why(status(client))

    assert reasons["mapping"] == "PIPELINE_FUNCTION is not set."
    assert reasons["mapping.iteratorAgeSeconds"] == "PIPELINE_FUNCTION is not set."
    assert reasons["failures.queued"] == "PIPELINE_FAILURE_QUEUE is not set."
    assert reasons["failures.quarantined"] == "PIPELINE_QUARANTINE_BUCKET is not set."
    assert reasons["newest.bigquery"] == reasons["today.bigquery"]
    assert reasons["today.bigquery"] == (
        "GOOGLE_CLOUD_PROJECT_ID, BIGQUERY_DATASET_ID and BIGQUERY_TABLE_ID are not set."
    )


def test_all_who_ask_within_some_seconds_share_one_look(
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


def test_what_is_not_known_is_no_number_in_the_metrics(
    watched: TestClient, aws: PipelineAws
) -> None:
    aws.refusal = refused(403, "AccessDeniedException")

    status(watched)

    assert 'cloudmart_pipeline_runs{part="mapping"} NaN' in watched.get("/metrics").text
