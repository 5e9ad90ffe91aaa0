"""`cloudmart pipeline reconcile` and `replay`, as an operator runs them."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from typer.testing import CliRunner, Result

from cloudmart.cli.commands import app
from cloudmart.dynamodb.schema import in_shard
from cloudmart.pipeline.ports import Quarantined, RowFault
from cloudmart.pipeline.repair.replay import S3Quarantine
from cloudmart.settings import Settings
from cloudmart.values.timestamp import stamp
from tests.support.aws import aws_client
from tests.support.orders_table import new_table
from tests.support.scripted_server import Reply, loopback
from tests.support.shop_tables import let_use_indexes, put

Cloudmart = Callable[..., Result]

MOMENT = stamp(datetime.now(UTC) - timedelta(hours=2))


def order(key: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return an order of some hours ago."""
    times = {"createdAt": MOMENT, "updatedAt": MOMENT, "dayShard": in_shard(MOMENT[:10], key)}
    return {"id": key, "status": "Pending", "total": 7, "items": [], **times, **more}


@pytest.fixture
def cloudmart(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Cloudmart:
    """Provide a function that runs `cloudmart` with some words."""
    monkeypatch.setenv("DYNAMODB_ORDERS_TABLE", settings.dynamodb.orders_table)
    monkeypatch.setenv("DYNAMODB_CONVERSATIONS_TABLE", settings.dynamodb.conversations_table)
    return lambda *words: CliRunner().invoke(app, words)


@pytest.fixture
def orders(
    dynamodb: Any,  # noqa: ANN401
    settings: Settings,
    bigquery_emulator: str,
    monkeypatch: pytest.MonkeyPatch,
) -> str:
    """Provide the name of a table with two orders. BigQuery answers, and has neither."""
    bigquery = new_table(bigquery_emulator)
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT_ID", str(bigquery.project_id))
    monkeypatch.setenv("BIGQUERY_DATASET_ID", str(bigquery.dataset_id))
    monkeypatch.setenv("BIGQUERY_TABLE_ID", str(bigquery.table_id))
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", bigquery_emulator)
    table = settings.dynamodb.orders_table
    let_use_indexes(dynamodb, settings.dynamodb)
    put(dynamodb, table, order("a"), order("b", status="Shipped"))
    return table


@pytest.mark.usefixtures("orders")
def test_orders_that_were_lost_are_found_sent_once_and_then_there(cloudmart: Cloudmart) -> None:
    since = ("--since", "1d", "--settle", "0", "--json")
    found = cloudmart("pipeline", "reconcile", *since)
    tried = cloudmart("pipeline", "replay", *since, "--dry-run")
    still = cloudmart("pipeline", "reconcile", *since)
    sent = cloudmart("pipeline", "replay", *since)
    again = cloudmart("pipeline", "replay", *since)
    after = cloudmart("pipeline", "reconcile", *since)

    missing = {"kind": "missing", "bigquery": None, "why": None}
    assert json.loads(found.stdout)["differences"] == [
        {"id": "a", "dynamodb": "Pending", **missing},
        {"id": "b", "dynamodb": "Shipped", **missing},
    ]
    assert (found.exit_code, still.exit_code) == (1, 1)
    assert json.loads(tried.stdout) == {"dryRun": True, "sent": ["a", "b"], "failed": []}
    assert json.loads(sent.stdout) == {"dryRun": False, "sent": ["a", "b"], "failed": []}
    assert json.loads(again.stdout)["sent"] == []
    assert json.loads(after.stdout)["differences"] == []
    assert (sent.exit_code, again.exit_code, after.exit_code) == (0, 0, 0)


def test_people_get_a_readable_report(cloudmart: Cloudmart, orders: str) -> None:
    assert orders

    answer = cloudmart("pipeline", "reconcile", "--since", MOMENT, "--settle", "0")

    assert answer.exit_code == 1
    assert "2 orders compared: 2 missing." in answer.stdout
    assert "\x1b" not in answer.stdout


@pytest.fixture
def quarantine(moto: str, monkeypatch: pytest.MonkeyPatch) -> S3Quarantine:
    """Provide a quarantine to the test and to the command line."""
    bucket = f"quarantine-{uuid4().hex}"
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", moto)
    monkeypatch.setenv("PIPELINE_QUARANTINE_BUCKET", bucket)
    aws_client("s3", endpoint_url=moto).create_bucket(Bucket=bucket)
    return S3Quarantine(bucket)


def held(event: str, **keys: Any) -> Quarantined:  # noqa: ANN401
    """Return a record in quarantine."""
    record = {"eventID": event, "dynamodb": {"Keys": keys}}
    return Quarantined(event, RowFault(passing=False, reason="unreadable", column="items"), record)


def test_a_record_leaves_quarantine_once_its_order_is_in_bigquery(
    cloudmart: Cloudmart,
    orders: str,
    dynamodb: Any,  # noqa: ANN401
    quarantine: S3Quarantine,
) -> None:
    put(dynamodb, orders, order("c", items="three lamps"))
    for event, key in {"1": "a", "2": "c", "3": "gone"}.items():
        quarantine.put(held(event, id={"S": key}))
    quarantine.put(held("4"))

    answer = cloudmart("pipeline", "replay", "--quarantined", "--json")

    told = json.loads(answer.stdout)
    assert answer.exit_code == 1
    assert told["sent"] == ["a"]
    assert {each["id"] for each in told["failed"]} == {"c", "4"}
    assert {each.event_id for each in quarantine.held()} == {"2", "4"}


@pytest.mark.usefixtures("orders")
@pytest.mark.parametrize(
    ("code", "status", "told"),
    [
        ("AccessDenied", 403, "S3 cannot be used: the permission s3:ListBucket is missing.\n"),
        ("NoSuchBucket", 404, "S3 cannot be used: ListObjectsV2: NoSuchBucket"),
    ],
)
def test_a_bucket_that_may_not_be_listed_is_reported_by_its_permission(
    code: str, status: int, told: str, cloudmart: Cloudmart, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = f"<Error><Code>{code}</Code><Message>No.</Message></Error>".encode()
    monkeypatch.setenv("PIPELINE_QUARANTINE_BUCKET", "shop-quarantine")
    with loopback() as server:
        server.answer = lambda _: Reply(status, {"content-type": "application/xml"}, [body])
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", server.url)

        answer = cloudmart("pipeline", "replay", "--quarantined")

    assert answer.exit_code == 69
    assert told in answer.stderr


@pytest.mark.parametrize(
    "words",
    [("status",), ("heartbeat",), ("reconcile", "--since", "1d"), ("replay", "--since", "1d")],
)
def test_without_a_region_the_message_asks_for_one(
    words: tuple[str, ...], cloudmart: Cloudmart, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    monkeypatch.delenv("AWS_REGION", raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")

    answer = cloudmart("pipeline", *words)

    assert answer.exit_code == 69
    assert answer.stderr == "No AWS region is set: set AWS_REGION to the region of the tables.\n"


@pytest.mark.parametrize("since", ["tomorrow", "2999-01-01", "99999999d", ""])
def test_an_invalid_or_future_time_is_refused(since: str, cloudmart: Cloudmart) -> None:
    assert cloudmart("pipeline", "reconcile", "--since", since).exit_code == 2


@pytest.mark.parametrize("words", [(), ("--since", "1d", "--quarantined")])
def test_a_replay_wants_one_choice_of_orders(words: tuple[str, ...], cloudmart: Cloudmart) -> None:
    assert cloudmart("pipeline", "replay", *words).exit_code == 2


def test_without_a_bigquery_there_is_nothing_to_compare_with(cloudmart: Cloudmart) -> None:
    answer = cloudmart("pipeline", "reconcile", "--since", "1d")

    assert answer.exit_code == 69
    assert "BIGQUERY_TABLE_ID are not set" in answer.stderr
