"""The page of the metrics."""

from pathlib import Path

from prometheus_client.metrics import MetricWrapperBase

from cloudmart.observability import metrics
from cloudmart.observability.metrics_page import MARK, metrics_table

PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"


def test_the_page_is_current() -> None:
    assert PAGE.read_text("utf-8").partition(MARK)[2] == f"\n{metrics_table()}", "run `make docs`"


def test_every_metric_has_its_unit() -> None:
    declared = [each for each in vars(metrics).values() if isinstance(each, MetricWrapperBase)]

    assert declared == list(metrics.UNITS)


def test_a_counter_has_the_name_that_prometheus_sees_its_labels_and_its_unit() -> None:
    (row,) = (line for line in metrics_table().splitlines() if "cloudmart_startup_waits" in line)

    assert row.split(" | ")[:4] == [
        "| `cloudmart_startup_waits_total`",
        "counter",
        "`waits_for`, `cause`",
        "attempts",
    ]
