"""What a real Prometheus reads of the scripted traffic, under our names and the old ones."""

import time
from pathlib import Path
from typing import Any

import httpx2
import pytest
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from cloudmart.settings import Settings
from tests.observability.traffic_script import (
    GAUGES,
    Samples,
    counts,
    key,
    play_script,
    prepare,
    scripted_app,
    wait_for_checks,
)
from tests.support.alert_rules import write_rules
from tests.support.prometheus import prometheus
from tests.support.ready_app import serving
from tests.support.scripted_server import Reply, Request, loopback

PATIENCE = 60.0
OURS = '{__name__=~"cloudmart_.+", __name__!~".+_(bucket|sum|created)"}'
OLD_NAMES = {
    'sum(http_requests_total{route="/api/orders/{order_id}"})': 4,
    'sum(http_request_duration_seconds_count{status="201"})': 1,
    'sum(http_request_duration_seconds_bucket{route="/api/ai/message", le="+Inf"})': 2,
    'sum(database_operation_duration_seconds_count{operation="batch_get_item"})': 2,
    'sum(database_operation_duration_seconds_bucket{operation="batch_get_item", le="+Inf"})': 2,
    'sum(ai_requests_total{model="gpt-6-luna"})': 3,
    'sum(ai_request_duration_seconds_count{provider="azure"})': 1,
    'sum(ai_request_duration_seconds_bucket{provider="azure", le="+Inf"})': 1,
    'sum(ai_tokens_used_total{kind=~"input|output"})': 2400,
    "sum(ai_cost_total)": 0.001328,
    "sum(orders_total)": 1,
}
"""By how much each grows."""
SCORE = 'customer_satisfaction_score{source="azure"}'
SUMS = (
    "sum(http_request_duration_seconds_sum)",
    "sum(database_operation_duration_seconds_sum)",
    "sum(ai_request_duration_seconds_sum)",
)
"""Times, of which only the sign is known beforehand."""


class Scraper:
    """A Prometheus that is asked what it has read."""

    def __init__(self, url: str) -> None:
        self._url = url

    def ask(self, expr: str) -> list[Any]:
        """Return the results of an expression now; none while Prometheus is starting."""
        try:
            answer = httpx2.get(
                f"{self._url}/api/v1/query", params={"query": expr}, timeout=PATIENCE
            )
        except httpx2.TransportError:
            return []
        if answer.status_code != httpx2.codes.OK:
            return []
        result: list[Any] = answer.json()["data"]["result"]
        return result

    def number(self, expr: str) -> float:
        """Return the one value of an expression, 0 where there is none yet."""
        return sum(float(each["value"][1]) for each in self.ask(expr))

    def samples(self) -> Samples:
        """Return all samples of ours."""
        added = {"__name__", "namespace", "pod", "job", "instance"}
        return {
            (
                each["metric"]["__name__"],
                frozenset((name, of) for name, of in each["metric"].items() if name not in added),
            ): float(each["value"][1])
            for each in self.ask(OURS)
        }

    def wait_for(self, metrics: str, beyond: float) -> None:
        """Wait until something was read after a moment, and the rules have seen it."""
        deadline = time.monotonic() + PATIENCE
        while self.number(f"min(timestamp({metrics}))") < beyond:
            assert time.monotonic() < deadline
            time.sleep(0.2)


@pytest.mark.prometheus
def test_a_real_prometheus_reads_every_value_of_the_script(
    settings: Settings,
    dynamodb: Any,  # noqa: ANN401 - boto3's
    tmp_path: Path,
) -> None:
    prepared = prepare(settings, dynamodb)
    names = prepared.dynamodb
    expected = counts(names.products_table, names.orders_table)
    # It was read before anybody asks.
    del expected[key("catalogue_reads_total", outcome="changed")]

    def show(_: Request) -> Reply:
        return Reply(200, {"content-type": CONTENT_TYPE_LATEST}, [generate_latest()])

    with serving(scripted_app(prepared)) as client, loopback() as metrics:
        metrics.answer = show
        with prometheus(metrics.url, write_rules(tmp_path), tmp_path) as url:
            wait_for_checks(names)
            scraper = Scraper(url)
            scraper.wait_for("cloudmart_ready", time.time())
            scraper.wait_for("ALERTS or http_requests_total or cloudmart_ready", time.time() + 2)
            before, old = scraper.samples(), {each: scraper.number(each) for each in OLD_NAMES}
            play_script(client)
            scraper.wait_for("cloudmart_ready", time.time() + 0.1)
            scraper.wait_for("http_requests_total", time.time() + 1.5)
            after, new = scraper.samples(), {each: scraper.number(each) for each in OLD_NAMES}
            score, sums = scraper.number(SCORE), {each: scraper.number(each) for each in SUMS}

    assert {each: after[each] - before.get(each, 0) for each in expected} == pytest.approx(expected)
    assert {each: after[each] for each in GAUGES} == pytest.approx(GAUGES)
    assert {each: new[each] - old[each] for each in OLD_NAMES} == pytest.approx(OLD_NAMES)
    assert score == pytest.approx(GAUGES[key("customer_satisfaction_score", source="azure")])
    assert all(value > 0 for value in sums.values()), sums
