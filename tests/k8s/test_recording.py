"""The old dashboards' names, recorded with promtool from written series."""

import shutil
from pathlib import Path

import yaml

from k8s.kustomize import ROOT
from tests.k8s.test_alerts import needs_prometheus
from tests.support.alert_rules import groups, write_rules
from tests.support.prometheus import ran

SERIES = Path(__file__).with_name("recording.yaml")


@needs_prometheus
def test_each_old_name_has_its_value(tmp_path: Path) -> None:
    write_rules(tmp_path)
    shutil.copy(SERIES, tmp_path / "tests.yaml")

    ended = ran("promtool", "test", "rules", "tests.yaml", within=tmp_path)

    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_every_recorded_name_is_tried_and_is_on_the_page() -> None:
    recorded = {
        rule["record"]: rule["expr"]
        for group in groups()
        for rule in group["rules"]
        if group["name"].endswith("cloudmart-backend-old-names")
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
