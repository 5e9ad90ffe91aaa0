"""`cloudmart dev --pipeline`: an order is a row of a warehouse some seconds later."""

import json
import re
import signal
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx2

from tests.support.command import Ended, running


def query(port: str, runtime: str, sql: str) -> Ended:
    """Run `cloudmart pipeline query`."""
    words = ("-m", "cloudmart", "pipeline", "query", "--port", port, "--json", sql)
    with running(*words, XDG_RUNTIME_DIR=runtime) as command:
        return command.ended()


def rows(ended: Ended) -> list[dict[str, object]]:
    """Return what was answered."""
    assert ended.code == 0, ended.err
    found: list[dict[str, object]] = json.loads(ended.out)
    return found


def test_an_order_placed_by_http_is_a_row_to_another_process() -> None:
    with (
        TemporaryDirectory() as runtime,
        running(
            *("-m", "cloudmart", "dev", "--pipeline", "--empty", "--port", "0"),
            XDG_RUNTIME_DIR=runtime,
        ) as shop,
    ):
        banner = shop.read_until("Data lives in memory")
        (port,) = re.findall(r"http://127\.0\.0\.1:(\d+)/api", banner)
        home = f"http://127.0.0.1:{port}/api"
        lamp = httpx2.post(
            f"{home}/products", json={"name": "Lamp", "price": 19.5}, timeout=60
        ).json()
        order = httpx2.post(
            f"{home}/orders", json={"productId": lamp["id"], "quantity": 2}, timeout=60
        ).json()

        give_up = time.monotonic() + 60
        sql = "select id, status, totalAmount, eventType from orders"
        while not (found := rows(query(port, runtime, sql))):
            assert time.monotonic() < give_up

        status = httpx2.get(f"{home}/pipeline/status", timeout=60).json()
        wrong = query(port, runtime, "drop table orders")
        shop.send(signal.SIGTERM)
        ended = shop.ended()
        after = query(port, runtime, sql)
        left = list(Path(runtime).rglob("*.sock"))

    assert found == [
        {"id": order["id"], "status": "Pending", "totalAmount": 39.0, "eventType": "INSERT"}
    ]
    assert status["mapping"]["state"] == "Enabled"
    assert status["newest"]["bigquery"]["id"] == order["id"]
    assert status["unknown"] == []
    assert (wrong.code, wrong.err) == (1, "What can be asked is one SELECT.\n")
    assert ended.code == 0
    assert (after.code, left) == (69, [])


def test_a_shop_without_a_pipeline_says_how_to_have_one() -> None:
    environ = {"GOOGLE_CLOUD_PROJECT_ID": "prod-1", "BIGQUERY_DATASET_ID": "a"}
    with running(
        "-m", "cloudmart", "dev", "--empty", "--port", "0", BIGQUERY_TABLE_ID="b", **environ
    ) as shop:
        banner = shop.read_until("Data lives in memory")
        (home,) = re.findall(r"http://\S+/api", banner)
        told = httpx2.get(f"{home}/pipeline/status", timeout=60).json()

    reasons = {each["what"]: each["why"] for each in told["unknown"]}
    expected = "No pipeline runs here; `cloudmart dev --pipeline` runs one."
    assert reasons["mapping"] == reasons["newest.bigquery"] == expected
