"""The Lambda in its own process: what it imports, what stops it, and what a kill leaves."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping

import pytest

from tests.support.bigquery_api import DATASET, PROJECT, TABLE, BigQueryApi, LostAnswer
from tests.support.order_stream import Event, OrderStream, doubles, latest, order
from tests.support.scripted_server import Fault

LAMBDA = """
import json, sys
from cloudmart.pipeline.handler import handler
event = json.load(sys.stdin)
told = handler(event, None)
json.dump({"answer": told, "modules": sorted(sys.modules)}, sys.stdout)
"""

# The packages of the service that the Lambda does not need, and boto3 until a record is refused.
NOT_LOADED = {
    *("fastapi", "starlette", "uvicorn", "openai", "aioboto3", "aiobotocore", "aiohttp", "httpx2"),
    *("boto3", "botocore.session", "botocore.client", "typer", "pandas", "pyarrow", "moto"),
}

_PATIENCE = 60


@pytest.fixture
def environ(api: BigQueryApi, bucket: str) -> dict[str, str]:
    """Provide the environment of a correctly configured Lambda."""
    return {
        **{name: value for name, value in os.environ.items() if name.startswith(("AWS_", "PATH"))},
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "AWS_REGION": "eu-central-1",
        "GOOGLE_CLOUD_PROJECT_ID": PROJECT,
        "BIGQUERY_DATASET_ID": DATASET,
        "BIGQUERY_TABLE_ID": TABLE,
        "BIGQUERY_EMULATOR_HOST": api.server.url,
        "PIPELINE_QUARANTINE_BUCKET": bucket,
    }


@pytest.fixture
def processes() -> Iterator[list[subprocess.Popen[str]]]:
    """Provide a list of processes that end with the test."""
    started: list[subprocess.Popen[str]] = []
    yield started
    for process in started:
        process.kill()
        process.communicate()


def start(event: Event, environ: Mapping[str, str]) -> subprocess.Popen[str]:
    """Start the process of a Lambda with an event."""
    process = subprocess.Popen(  # noqa: S603 - Python, with our own program
        [sys.executable, "-c", LAMBDA],
        env=environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin
    process.stdin.write(json.dumps(event))
    process.stdin.close()
    process.stdin = None
    return process


def finished(process: subprocess.Popen[str]) -> tuple[str, str]:
    """Return the output and the log of a process."""
    return process.communicate(timeout=_PATIENCE)


def test_the_lambda_loads_nothing_of_the_service_and_logs_one_line(
    orders: OrderStream, api: BigQueryApi, environ: dict[str, str]
) -> None:
    orders.put(order(1))

    out, log = finished(start({"Records": orders.events()}, environ))

    told = json.loads(out)
    assert told["answer"] == {"batchItemFailures": []}
    assert set(told["modules"]) & NOT_LOADED == set()
    assert latest(api.rows) == orders.state()
    (line,) = map(json.loads, log.splitlines())
    assert (line["event"], line["inserted"], line["waiting"]) == ("batch_carried", 1, 0)
    assert "example.org" not in log


def test_a_fault_in_what_only_the_service_reads_does_not_stop_the_lambda(
    orders: OrderStream, api: BigQueryApi, environ: dict[str, str]
) -> None:
    orders.put(order(1))

    out, _ = finished(start({"Records": orders.events()}, environ | {"OPENAI_API_KEY": "todo"}))

    assert json.loads(out)["answer"] == {"batchItemFailures": []}
    assert latest(api.rows) == orders.state()


def test_a_lambda_that_is_killed_after_its_rows_went_in_leaves_no_double(
    orders: OrderStream,
    api: BigQueryApi,
    environ: dict[str, str],
    processes: list[subprocess.Popen[str]],
) -> None:
    orders.put(*(order(number) for number in range(20)))
    api.fail(LostAnswer(Fault.HANG))

    def function(event: Event) -> object:
        process = start(event, environ)
        processes.append(process)
        if len(processes) == 1:
            give_up = time.monotonic() + _PATIENCE
            while not api.rows and time.monotonic() < give_up:
                time.sleep(0.01)
            process.kill()
            raise RuntimeError("The runtime exited: signal: killed")
        return json.loads(finished(process)[0])["answer"]

    orders.poller(function).drain()

    # It is killed with the whole batch, and then with each half.
    assert len(processes) == 3
    assert latest(api.rows) == orders.state()
    assert (doubles(api.rows), orders.given_up) == (0, [])


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("BIGQUERY_TABLE_ID", "<your-table>", "BIGQUERY_TABLE_ID"),
        ("BIGQUERY_DATASET_ID", "", "BIGQUERY_DATASET_ID is not set"),
        ("PIPELINE_QUARANTINE_BUCKET", "", "PIPELINE_QUARANTINE_BUCKET is not set"),
        ("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere/key.json", "GOOGLE_APPLICATION_CREDENTIALS"),
    ],
)
def test_a_wrong_setting_stops_every_batch_with_a_message(  # noqa: PLR0913, PLR0917 - the case and the line
    name: str,
    value: str,
    sentence: str,
    orders: OrderStream,
    api: BigQueryApi,
    environ: dict[str, str],
) -> None:
    orders.put(order(1))
    if name == "GOOGLE_APPLICATION_CREDENTIALS":
        del environ["BIGQUERY_EMULATOR_HOST"]

    process = start({"Records": orders.events()}, environ | {name: value})
    out, log = finished(process)

    assert (process.returncode, out) == (1, "")
    assert sentence in log
    assert api.rows == []
