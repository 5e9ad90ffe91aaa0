"""The pipeline's status while parts of it fail or refuse to answer."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from botocore.exceptions import NoCredentialsError
from fastapi.testclient import TestClient

from cloudmart.app import create_app
from cloudmart.local.duckdb_warehouse import DuckDBWarehouse
from cloudmart.orders.indexes import ORDERS_BY_DAY
from cloudmart.orders.internal_items import note_item
from cloudmart.pipeline.unknown import UnknownError
from cloudmart.pipeline.watch.aws import AwsTransport
from cloudmart.settings import PipelineSettings, Settings
from tests.support.fault_proxy import Fault, FaultProxy
from tests.support.pipeline_aws import PipelineAws, refused
from tests.support.pipeline_status import Orders, insert, status, why
from tests.support.ready_app import serving, still
from tests.support.scripted_server import Reply
from tests.support.shop_tables import drop_index, forget_indexes


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (
            refused(403, "AccessDeniedException"),
            "The service's role lacks the permission lambda:ListEventSourceMappings.",
        ),
        (
            refused(404, "ResourceNotFoundException"),
            "Lambda does not know the name that PIPELINE_FUNCTION gives.",
        ),
        (
            refused(429, "TooManyRequestsException"),
            "Lambda accepts no more requests at the moment.",
        ),
        (refused(500, "ServiceException"), "Lambda reports a fault of its own."),
        (
            refused(403, "ExpiredTokenException"),
            "Lambda does not accept the service's credentials (ExpiredTokenException).",
        ),
        (refused(400, "NewlyInvented"), "Lambda refuses to answer (NewlyInvented)."),
    ],
)
def test_missing_values_of_lambda_are_unknown(
    reply: Reply, reason: str, watched: TestClient, aws: PipelineAws
) -> None:
    aws.refusal = reply

    told = status(watched)

    assert told["mapping"] is None
    assert why(told)["mapping"] == reason


@pytest.mark.parametrize(
    "reply",
    [
        Reply(200, {"Content-Type": "text/html"}, [b"<!doctype html><p>Please sign in.</p>"]),
        Reply.json(200, {}),
        Reply.json(200, []),
        Reply.json(200, {"EventSourceMappings": None}),
        Reply.json(200, {"EventSourceMappings": [{"EventSourceArn": ":table/x/stream/"}]}),
    ],
)
def test_an_answer_from_another_server_in_place_of_lambda_is_unknown(
    reply: Reply, watched: TestClient, aws: PipelineAws
) -> None:
    aws.refusal = reply

    told = status(watched)

    assert told["mapping"] is None or told["mapping"]["state"] == "Missing"


@pytest.mark.parametrize("operation", ["GetQueueAttributes", "GetMetricData"])
@pytest.mark.parametrize("fault", [Fault.PAGE, Fault.NOTHING, Fault.BARE, Fault.FORBIDDEN])
def test_an_answer_from_another_server_in_place_of_aws_leaves_the_rest_known(
    operation: str, fault: Fault, watched: TestClient, aws: PipelineAws
) -> None:
    aws.proxy.fail(fault, operation)

    told = status(watched)

    assert told["mapping"]["state"] == "Enabled"
    assert {"failures.queued", "mapping.iteratorAgeSeconds"} & why(told).keys()


class NoCredentials:
    """A session without credentials that counts its open clients."""

    region_name = "eu-central-1"

    def __init__(self) -> None:
        self.open = 0

    @asynccontextmanager
    async def client(self, *_: object, **__: object) -> AsyncIterator[Any]:
        """Open a client that cannot call anything."""
        self.open += 1
        yield self
        self.open -= 1

    def __getattr__(self, _: str) -> Any:  # noqa: ANN401 - any operation
        raise NoCredentialsError


async def test_asking_without_credentials_leaves_no_client_open() -> None:
    session = NoCredentials()
    settings = PipelineSettings(
        function="carrier", failure_queue="https://sqs.example.com/1/q", quarantine_bucket="bucket"
    )
    transport = AwsTransport(session, settings)

    for _ in range(3):
        for question in (
            lambda: transport.mapping("orders", None),
            transport.iterator_age,
            transport.queued,
            transport.quarantined,
        ):
            with pytest.raises(UnknownError, match="no AWS credentials"):
                await question()

    assert session.open == 0


def test_an_outage_of_lambda_is_reported(watched: TestClient, aws: PipelineAws) -> None:
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


@pytest.mark.parametrize("patience", [2.5])
def test_what_does_not_answer_holds_up_nothing_else(
    watched: TestClient, order: Orders, aws: PipelineAws, warehouse: DuckDBWarehouse
) -> None:
    insert(warehouse, order("a"))
    aws.proxy.fail(Fault.HANG)

    told = status(watched)

    assert set(why(told)) == {"failures.queued", "mapping.iteratorAgeSeconds"}
    assert told["failures"]["queued"] is None
    assert told["lagSeconds"] == 0


def test_without_a_recent_value_the_age_is_unknown(settings: Settings, aws: PipelineAws) -> None:
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
    insert(warehouse, note_item("a"))
    drop_index(dynamodb, settings.dynamodb.orders_table, ORDERS_BY_DAY.name)

    told = status(watched)

    reason = "The index dayShard-createdAt-index does not exist; `cloudmart tables apply` makes it."
    assert why(told) == {
        "newest.dynamodb": reason,
        "today.dynamodb": reason,
        "lagSeconds": "It is computed from the newest order of both sides.",
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
    forget_indexes(dynamodb, settings.dynamodb)

    assert "may lack orders, for no complete pass" in why(status(watched))["today.dynamodb"]


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault.DENIED, "The service's role lacks the permission dynamodb:DescribeTable."),
        (Fault.LIMITED, "DynamoDB accepts no more requests at the moment."),
        (Fault.NO_TABLE, "DynamoDB does not know the name that DYNAMODB_ORDERS_TABLE gives."),
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


def test_nothing_configured_is_reported_as_such(client: TestClient) -> None:
    reasons = why(status(client))

    assert reasons["mapping"] == "PIPELINE_FUNCTION is not set."
    assert reasons["mapping.iteratorAgeSeconds"] == "PIPELINE_FUNCTION is not set."
    assert reasons["failures.queued"] == "PIPELINE_FAILURE_QUEUE is not set."
    assert reasons["failures.quarantined"] == "PIPELINE_QUARANTINE_BUCKET is not set."
    assert reasons["newest.bigquery"] == reasons["today.bigquery"]
    assert reasons["today.bigquery"] == (
        "GOOGLE_CLOUD_PROJECT_ID, BIGQUERY_DATASET_ID and BIGQUERY_TABLE_ID are not set."
    )


def test_unknown_values_are_nan_in_the_metrics(watched: TestClient, aws: PipelineAws) -> None:
    aws.refusal = refused(403, "AccessDeniedException")

    status(watched)

    assert 'cloudmart_pipeline_runs{part="mapping"} NaN' in watched.get("/metrics").text


@pytest.mark.parametrize("event", ["UPSERT", "", None])
def test_a_foreign_row_disturbs_nothing(
    event: str | None, watched: TestClient, order: Orders, warehouse: DuckDBWarehouse
) -> None:
    insert(warehouse, order("a", ago=1), order("b"))
    with warehouse.connection.cursor() as cursor:
        cursor.execute("update orders set eventType = ? where id = 'b'", [event])

    told = status(watched)

    assert told["newest"]["bigquery"]["id"] == "a"
    assert why(told) == {}
