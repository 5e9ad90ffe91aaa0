"""`cloudmart dev --pipeline`: within seconds an order is a row of a warehouse."""

import re
import time

import httpx2

from tests.support.cli_process import running


def test_an_order_placed_by_http_is_a_row_of_the_warehouse() -> None:
    with running("-m", "cloudmart", "dev", "--pipeline", "--empty", "--port", "0") as shop:
        banner = shop.read_until("The data is in memory")
        (home,) = re.findall(r"http://127\.0\.0\.1:\d+/api(?=\s)", banner)
        lamp = httpx2.post(
            f"{home}/products", json={"name": "Lamp", "price": 19.5}, timeout=60
        ).json()
        order = httpx2.post(
            f"{home}/orders", json={"productId": lamp["id"], "quantity": 2}, timeout=60
        ).json()

        give_up = time.monotonic() + 60
        while True:
            status = httpx2.get(f"{home}/pipeline/status", timeout=60).json()
            if status["newest"]["bigquery"]:
                break
            assert time.monotonic() < give_up
            time.sleep(0.5)

    assert f"{home}/pipeline/status" in banner
    assert status["newest"]["bigquery"]["id"] == order["id"]
    assert status["mapping"]["state"] == "Enabled"
    assert status["unknown"] == []


def test_a_shop_without_a_pipeline_says_how_to_have_one() -> None:
    environ = {"GOOGLE_CLOUD_PROJECT_ID": "prod-1", "BIGQUERY_DATASET_ID": "a"}
    with running(
        "-m", "cloudmart", "dev", "--empty", "--port", "0", BIGQUERY_TABLE_ID="b", **environ
    ) as shop:
        banner = shop.read_until("The data is in memory")
        (home,) = re.findall(r"http://\S+/api", banner)
        told = httpx2.get(f"{home}/pipeline/status", timeout=60).json()

    reasons = {each["what"]: each["why"] for each in told["unknown"]}
    expected = "No pipeline runs here; `cloudmart dev --pipeline` runs one."
    assert reasons["mapping"] == reasons["newest.bigquery"] == expected
