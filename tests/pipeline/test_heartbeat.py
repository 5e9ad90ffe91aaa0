"""Heartbeats: the pipeline carries them, and nothing else shows them."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import pytest_asyncio
from fastapi.testclient import TestClient
from typer.testing import CliRunner, Result

from cloudmart.app import create_app
from cloudmart.cli.commands import app as commands
from cloudmart.composition.clients import open_database
from cloudmart.dynamodb.session import new_session
from cloudmart.errors import ConflictError, UnavailableError
from cloudmart.local.duckdb_warehouse import DuckDBWarehouse
from cloudmart.orders.internal_items import note_item
from cloudmart.pipeline.opening import Pipeline
from cloudmart.pipeline.ports import OrderState
from cloudmart.pipeline.rows import OrderEvent, Row
from cloudmart.pipeline.watch.heartbeat import Heartbeat, HeartbeatSchedule
from cloudmart.settings import PipelineSettings, Settings
from tests.support.bigquery_api import DATASET, PROJECT, TABLE, Failure
from tests.support.metric_samples import sample
from tests.support.ready_app import serving, still
from tests.support.scripted_server import LoopbackServer, Reply, loopback
from tests.support.shop_tables import get, put
from tests.support.watched_pipeline import ending_in

NOON = datetime(2026, 11, 23, 12, 0, 1, tzinfo=UTC)


class SlowWarehouse(DuckDBWarehouse):
    """A warehouse that does not answer some queries, and then has the row."""

    away = 0
    late = 0

    def find(self, order_id: str, created: datetime) -> OrderState | None:
        if self.away:
            self.away -= 1
            raise UnavailableError("BigQuery failed: backendError.")
        if not self.late:
            item = note_item(order_id)
            self.insert({order_id: Row.of_item(item, OrderEvent.INSERT)})
        self.late -= 1
        return super().find(order_id, created)


@pytest.fixture
def slow(warehouse: DuckDBWarehouse) -> SlowWarehouse:
    """Provide a slow warehouse."""
    return SlowWarehouse(warehouse.connection)


@pytest_asyncio.fixture
async def pipeline(settings: Settings, engine: str, slow: SlowWarehouse) -> AsyncIterator[Pipeline]:
    """Provide a pipeline that ends in the slow warehouse."""
    assert engine
    async with (
        open_database(settings) as database,
        ending_in(slow)(settings, new_session(), database) as pipeline,
    ):
        yield pipeline


def heart_of(pipeline: Pipeline) -> Heartbeat:
    """Return the schedule that sends heartbeats."""
    assert pipeline.heartbeat
    return pipeline.heartbeat


def test_no_route_shows_a_heartbeat_as_an_order(
    client: TestClient,
    dynamodb: Any,  # noqa: ANN401
    settings: Settings,
) -> None:
    heartbeat = note_item("heartbeat-1", userEmail="ann@example.org", dayShard="2026-11-23#0")
    put(dynamodb, settings.dynamodb.orders_table, heartbeat)

    assert client.get("/api/orders").json() == []
    assert client.get("/api/orders/user", params={"email": "ann@example.org"}).json() == []
    for method in ("GET", "DELETE"):
        assert client.request(method, "/api/orders/heartbeat-1").status_code == 404
    change = client.put("/api/orders/heartbeat-1", json={"status": "Shipped"})
    assert change.status_code == 404
    assert get(dynamodb, settings.dynamodb.orders_table, "heartbeat-1") == heartbeat


async def test_a_heartbeat_is_worth_nothing_and_is_gone_after_a_day(
    pipeline: Pipeline,
    dynamodb: Any,  # noqa: ANN401
    settings: Settings,
) -> None:
    beat = await heart_of(pipeline).write("1")

    item = get(dynamodb, settings.dynamodb.orders_table, beat.id)
    assert item
    assert beat.id == "heartbeat-1"
    assert (item["items"], item["total"], item["status"]) == ([], Decimal(), "Canceled")
    expires = datetime.fromtimestamp(int(item["expiresAt"]), UTC)
    assert timedelta(hours=23) < expires - datetime.now(UTC) < timedelta(hours=25)
    assert item.keys().isdisjoint({"dayShard", "emailKey", "userEmail"})


async def test_the_command_prints_the_time_of_a_heartbeat(
    pipeline: Pipeline, slow: SlowWarehouse
) -> None:
    slow.away, slow.late = 1, 1
    beat = await heart_of(pipeline).write("1")

    took = await heart_of(pipeline).arrival(beat, within=60)

    assert took is not None
    assert 0.5 < took < 60


async def test_a_heartbeat_that_does_not_arrive_is_lost(
    pipeline: Pipeline, slow: SlowWarehouse
) -> None:
    slow.late = 1000
    beat = await heart_of(pipeline).write("1")

    assert await heart_of(pipeline).arrival(beat, within=0.5) is None


async def test_a_warehouse_that_is_away_to_the_end_loses_nothing(
    pipeline: Pipeline, slow: SlowWarehouse
) -> None:
    slow.away = 1000
    beat = await heart_of(pipeline).write("1")

    with pytest.raises(UnavailableError):
        await heart_of(pipeline).arrival(beat, within=0.5)


async def test_one_name_is_one_heartbeat(pipeline: Pipeline) -> None:
    await heart_of(pipeline).write("1")

    with pytest.raises(ConflictError):
        await heart_of(pipeline).write("1")


async def test_of_all_pods_one_sends_the_heartbeat_of_a_time(
    pipeline: Pipeline,
    dynamodb: Any,  # noqa: ANN401
    settings: Settings,
) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) > 3:
            await asyncio.Event().wait()

    pulses = [
        HeartbeatSchedule(
            heart_of(pipeline), pipeline.monitor, 300, sleep=sleep, clock=lambda: NOON
        )
        for _ in range(3)
    ]
    tasks = [asyncio.create_task(pulse.run()) for pulse in pulses]
    while len(slept) < 6:  # noqa: ASYNC110 - each has been at it once, and sleeps again
        await asyncio.sleep(0.01)
    for task in tasks:
        task.cancel()

    found = dynamodb.scan(TableName=settings.dynamodb.orders_table)["Items"]
    assert [item["id"]["S"] for item in found] == ["heartbeat-20261123T120500Z"]
    assert all(299 <= each <= 300 for each in slept)


async def test_a_heartbeat_that_arrives_is_in_the_metrics(pipeline: Pipeline) -> None:
    slept = asyncio.Event()
    before = sample("pipeline_heartbeats_total", outcome="arrived")

    async def sleep(_: float) -> None:
        if sample("pipeline_heartbeats_total", outcome="arrived") > before:
            slept.set()
            await asyncio.Event().wait()

    pulse = HeartbeatSchedule(
        heart_of(pipeline), pipeline.monitor, 60, sleep=sleep, clock=lambda: NOON
    )
    task = asyncio.create_task(pulse.run())
    async with asyncio.timeout(60):
        await slept.wait()
    task.cancel()

    assert sample("pipeline_heartbeats_total", outcome="arrived") == before + 1
    assert sample("pipeline_heartbeat_seconds") > 0


def test_the_service_sends_heartbeats_if_a_setting_says_so(
    dynamodb: Any,  # noqa: ANN401
    settings: Settings,
    slow: SlowWarehouse,
) -> None:
    told = settings.model_copy(update={"pipeline": PipelineSettings(heartbeat=1)})
    app = create_app(told, process=still(told), open_pipeline=ending_in(slow))

    with serving(app):
        give_up = time.monotonic() + 60
        while not (found := _heartbeats(dynamodb, settings)) and time.monotonic() < give_up:
            time.sleep(0.1)

    assert found


def _heartbeats(dynamodb: Any, settings: Settings) -> list[str]:  # noqa: ANN401
    items = dynamodb.scan(TableName=settings.dynamodb.orders_table)["Items"]
    return [item["id"]["S"] for item in items if item["id"]["S"].startswith("heartbeat-")]


def heartbeat(*words: str) -> Result:
    """Run `cloudmart pipeline heartbeat`."""
    return CliRunner().invoke(commands, ["pipeline", "heartbeat", *words])


@pytest.fixture
def google(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackServer]:
    """Provide a fake of BigQuery to the command line."""
    with loopback() as server:
        monkeypatch.setenv("DYNAMODB_ORDERS_TABLE", settings.dynamodb.orders_table)
        monkeypatch.setenv("GOOGLE_CLOUD_PROJECT_ID", PROJECT)
        monkeypatch.setenv("BIGQUERY_DATASET_ID", DATASET)
        monkeypatch.setenv("BIGQUERY_TABLE_ID", TABLE)
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", server.url)
        yield server


def test_the_command_reports_a_lost_heartbeat(google: LoopbackServer) -> None:
    job = {"projectId": PROJECT, "jobId": "1", "location": "EU"}
    empty = {"jobComplete": True, "jobReference": job, "totalRows": "0", "schema": {"fields": []}}
    google.answer = lambda _: Reply.json(200, empty)

    answer = heartbeat("--timeout", "1", "--json")

    assert answer.exit_code == 1
    told = json.loads(answer.stdout)
    assert told["id"].startswith("heartbeat-")
    assert told["seconds"] is None
    assert "id = @id" in google.requests[0].json["query"]


def test_the_command_ends_with_69_where_bigquery_is_away(google: LoopbackServer) -> None:
    google.answer = lambda _: Failure(403, "accessDenied").reply

    answer = heartbeat("--timeout", "1")

    assert answer.exit_code == 69
    assert answer.stderr.endswith("BigQuery failed: accessDenied.\n")


def test_the_command_ends_with_69_without_bigquery(
    google: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GOOGLE_CLOUD_PROJECT_ID", "BIGQUERY_DATASET_ID", "BIGQUERY_TABLE_ID"):
        monkeypatch.delenv(name)

    answer = heartbeat()

    assert answer.exit_code == 69
    assert "BIGQUERY_TABLE_ID are not set" in answer.stderr
    assert google.requests == []
