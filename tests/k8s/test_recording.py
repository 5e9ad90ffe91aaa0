"""The old dashboards' names, recorded by Prometheus' own promtool of written series."""

import shutil
from pathlib import Path

import yaml

from k8s.kustomize import ROOT
from tests.k8s.conftest import once
from tests.k8s.test_alerts import needs_promtool, promtool

SERIES = Path(__file__).with_name("recording.yaml")


@needs_promtool
def test_each_old_name_has_its_value(tmp_path: Path) -> None:
    shutil.copy(SERIES, tmp_path / "tests.yaml")

    ended = promtool(tmp_path, "test", "rules", "tests.yaml")

    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_every_recorded_name_is_tried_and_is_on_the_page() -> None:
    recorded = {
        rule["record"]: rule["expr"]
        for manifest in once(ROOT / "monitoring").of_kind("PrometheusRule")
        for group in manifest["spec"]["groups"]
        for rule in group["rules"]
        if group["name"] == "cloudmart-backend-old-names"
    }
    tried = {
        each["expr"]
        for test in yaml.safe_load(SERIES.read_text("utf-8"))["tests"]
        for each in test["promql_expr_test"]
    }
    page = (ROOT.parent / "docs" / "metrics.md").read_text("utf-8")

    assert set(recorded) == tried
    for name in recorded:
        stem = name.removesuffix("_bucket").removesuffix("_sum").removesuffix("_count")
        assert f"`{name}`" in page or f"`{stem}_bucket`" in page, name
