"""The status of a pipeline as tests read it, and data that produces it."""

from collections.abc import Callable
from typing import Any

from fastapi.testclient import TestClient

from cloudmart.local.duckdb_warehouse import DuckDBWarehouse
from cloudmart.pipeline.rows import OrderEvent, Row
from cloudmart.settings import Settings

Status = dict[str, Any]
Orders = Callable[..., dict[str, Any]]


def stream_of(dynamodb: Any, settings: Settings) -> str:  # noqa: ANN401
    """Return the ARN of the orders' stream."""
    table = dynamodb.describe_table(TableName=settings.dynamodb.orders_table)["Table"]
    arn: str = table["LatestStreamArn"]
    return arn


def insert(warehouse: DuckDBWarehouse, *items: dict[str, Any], event: str = "INSERT") -> None:
    """Insert rows of some orders."""
    kind = OrderEvent(event)
    warehouse.insert({f"{each['id']}-{event}": Row.of_item(each, kind) for each in items})


def status(client: TestClient) -> Status:
    """Return the status, and check that it names no host and no account."""
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
    """Return the unknown values with their reasons."""
    return {each["what"]: each["why"] for each in told["unknown"]}
