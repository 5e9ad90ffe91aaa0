"""The alerts, tried by Prometheus' own promtool on series that are written down."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from k8s.kustomize import ROOT
from tests.k8s.conftest import once

SERIES = Path(__file__).with_name("alerts.yaml")
PROMTOOL = shutil.which("promtool") or shutil.which(
    Path(__file__).parents[2] / ".cache" / "prometheus" / "promtool"
)
needs_promtool = pytest.mark.skipif(
    PROMTOOL is None, reason="promtool is not installed: `make promtool` brings one"
)


def promtool(directory: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run promtool beside the rules of all environments."""
    rules = [*once(ROOT / "monitoring").of_kind("PrometheusRule")]
    rules += once(ROOT / "monitoring" / "staging").of_kind("PrometheusRule")
    groups = [
        {**group, "name": f"{rule['metadata']['namespace']}/{group['name']}"}
        for rule in rules
        for group in rule["spec"]["groups"]
    ]
    (directory / "rules.yaml").write_text(yaml.safe_dump({"groups": groups}), "utf-8")
    return subprocess.run(  # noqa: S603 - promtool, on our own files
        [str(PROMTOOL), *words], cwd=directory, capture_output=True, check=False, text=True
    )


@needs_promtool
def test_every_rule_is_one_that_prometheus_takes(tmp_path: Path) -> None:
    ended = promtool(tmp_path, "check", "rules", "--lint-fatal", "rules.yaml")

    assert ended.returncode == 0, ended.stderr


@needs_promtool
def test_each_environment_is_judged_by_itself(tmp_path: Path) -> None:
    shutil.copy(SERIES, tmp_path / "tests.yaml")

    ended = promtool(tmp_path, "test", "rules", "tests.yaml")

    assert ended.returncode == 0, ended.stdout + ended.stderr


@needs_promtool
def test_a_wrong_expectation_would_be_noticed(tmp_path: Path) -> None:
    text = SERIES.read_text("utf-8").replace("namespace: default", "namespace: elsewhere")
    (tmp_path / "tests.yaml").write_text(text, "utf-8")

    assert promtool(tmp_path, "test", "rules", "tests.yaml").returncode == 1


def test_every_alert_is_tried() -> None:
    rules = [
        rule["alert"]
        for manifest in once(ROOT / "monitoring").of_kind("PrometheusRule")
        for group in manifest["spec"]["groups"]
        for rule in group["rules"]
        if "alert" in rule
    ]
    tried = {
        alert["alertname"]
        for test in yaml.safe_load(SERIES.read_text("utf-8"))["tests"]
        for alert in test["alert_rule_test"]
    }

    assert set(rules) == tried
