"""Findings of the pipeline."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cloudmart.errors import UnavailableError
from cloudmart.findings.finding import CheckStatus
from cloudmart.local.duckdb_warehouse import DuckDBWarehouse
from tests.doctor.healthy import HealthyShop, told

FAIL, WARN = CheckStatus.FAIL, CheckStatus.WARN
SKIP, UNKNOWN = CheckStatus.SKIP, CheckStatus.UNKNOWN


class FaultyWarehouse(DuckDBWarehouse):
    """A table that does not accept the rows, or does not answer."""

    faults: Sequence[str] | None = ("there is no column items",)

    def schema_faults(self) -> Sequence[str]:
        if self.faults is None:
            raise UnavailableError("BigQuery is away.")
        return self.faults


@pytest.mark.parametrize(
    ("key", "status", "change", "observed"),
    [
        ("pipeline-mapping", FAIL, {"State": "Disabled"}, "the mapping is disabled"),
        ("pipeline-mapping", FAIL, None, "the mapping is missing"),
        (
            *("pipeline-last-result", FAIL, {"LastProcessingResult": "PROBLEM: Function call"}),
            "The last batch failed.",
        ),
        (
            *("pipeline-partial-failures", FAIL, {"FunctionResponseTypes": []}),
            "FunctionResponseTypes is empty",
        ),
        ("pipeline-gives-up", WARN, {"DestinationConfig": {}}, "no destination"),
        ("pipeline-gives-up", WARN, {"MaximumRecordAgeInSeconds": -1}, "tried for ever"),
    ],
)
async def test_a_mapping_that_is_not_as_it_should_be_is_reported(
    shop: HealthyShop,
    key: str,
    status: CheckStatus,
    change: dict[str, Any] | None,
    observed: str,
) -> None:
    mapping = shop.providers.mapping
    assert mapping
    shop.providers.mapping = None if change is None else mapping | change

    found = await shop.look(key)

    assert observed in told(found, key, status)


async def test_what_was_given_up_is_reported(shop: HealthyShop) -> None:
    shop.aws.client("sqs").send_message(
        QueueUrl=shop.environ["PIPELINE_FAILURE_QUEUE"], MessageBody="{}"
    )
    bucket = shop.environ["PIPELINE_QUARANTINE_BUCKET"]
    shop.aws.client("s3").put_object(Bucket=bucket, Key="quarantine/1.json", Body=b"{}")

    found = await shop.look("pipeline")

    assert "Batches were given up" in told(found, "pipeline-failure-queue", FAIL)
    assert "Records are in quarantine" in told(found, "pipeline-quarantine", WARN)


async def test_orders_that_do_not_arrive_are_reported(shop: HealthyShop) -> None:
    shop.order("late", carried=False, at=datetime.now(UTC) - timedelta(hours=1))

    found = await shop.look("pipeline-lag")

    assert "s behind" in told(found, "pipeline-lag", WARN)


async def test_a_function_that_is_not_there_is_reported(shop: HealthyShop) -> None:
    shop.providers.function = None

    found = await shop.look("pipeline-function")

    assert told(found, "pipeline-function", FAIL).startswith("there is no function")


async def test_a_function_whose_update_failed_is_reported(shop: HealthyShop) -> None:
    assert shop.providers.function
    failed = {"LastUpdateStatus": "Failed", "LastUpdateStatusReason": "The image is too large."}
    shop.providers.function |= failed

    found = await shop.look("pipeline-function")

    assert "The image is too large." in told(found, "pipeline-function", FAIL)


async def test_a_table_that_rows_do_not_fit_into_is_reported(shop: HealthyShop) -> None:
    shop.warehouse = FaultyWarehouse(shop.warehouse.connection)

    found = await shop.look("warehouse-schema")

    assert told(found, "warehouse-schema", FAIL) == "there is no column items"


async def test_a_warehouse_that_is_away_is_reported(shop: HealthyShop) -> None:
    warehouse = FaultyWarehouse(shop.warehouse.connection)
    warehouse.faults = None
    shop.warehouse = warehouse

    found = await shop.look("warehouse-reachable", "warehouse-schema")

    assert told(found, "warehouse-reachable", FAIL)
    assert told(found, "warehouse-schema", SKIP) == "warehouse-reachable failed"


async def test_a_heartbeat_that_was_lost_is_reported(shop: HealthyShop) -> None:
    shop.shows(
        'cloudmart_pipeline_heartbeats_total{outcome="arrived"} 3.0\n'
        'cloudmart_pipeline_heartbeats_total{outcome="lost"} 1.0\n'
    )

    found = await shop.look("pipeline-heartbeat")

    assert told(found, "pipeline-heartbeat", WARN) == "3 arrived, 1 lost"


async def test_a_pipeline_that_nobody_has_named_is_skipped(shop: HealthyShop) -> None:
    del shop.environ["PIPELINE_FUNCTION"]

    found = await shop.look("pipeline-mapping", "pipeline-function")

    assert told(found, "pipeline-mapping", SKIP) == "PIPELINE_FUNCTION is not set"
