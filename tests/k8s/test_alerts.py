"""The alerts, tested with promtool on written series."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from cloudmart.observability import metrics
from k8s.alerts.runbook import runbook
from k8s.alerts.slo import page
from tests.support.alert_rules import MONITORING, alert_rules, groups, write_rules
from tests.support.prometheus import ran

SERIES = [Path(__file__).with_name(name) for name in ("alerts.yaml", "alerts-of-a-week.yaml")]
DOCS = Path(__file__).parents[2] / "docs" / "operations" / "runbook.md"
RULES = list(alert_rules())
needs_prometheus = pytest.mark.prometheus


def scenarios(file: Path) -> Any:  # noqa: ANN401 - YAML
    """Return the written tests, with the rule's labels and annotations added to each alert."""
    written = yaml.safe_load(file.read_text("utf-8"))
    for test in written["tests"]:
        for alert in test.get("alert_rule_test", []):
            for expected in alert["exp_alerts"]:
                rule = rule_of(alert["alertname"], expected["exp_labels"]["severity"])
                expected["exp_labels"] = rule["labels"] | expected["exp_labels"]
                expected["exp_annotations"]["runbook_url"] = rule["annotations"]["runbook_url"]
    return written


def rule_of(name: str, severity: str) -> dict[str, Any]:
    """Return the rule of an alert, from either environment."""
    return next(
        rule for rule in RULES if rule["alert"] == name and rule["labels"]["severity"] == severity
    )


@needs_prometheus
def test_every_rule_is_one_that_prometheus_takes(tmp_path: Path) -> None:
    write_rules(tmp_path)

    ended = ran("promtool", "check", "rules", "--lint-fatal", "rules.yaml", within=tmp_path)

    assert ended.returncode == 0, ended.stderr


@needs_prometheus
@pytest.mark.parametrize("file", SERIES, ids=lambda file: str(file.stem))
def test_each_alert_fires_in_its_environment_and_is_silent_in_the_other(
    file: Path, tmp_path: Path
) -> None:
    write_rules(tmp_path)
    (tmp_path / "tests.yaml").write_text(yaml.safe_dump(scenarios(file)), "utf-8")

    ended = ran("promtool", "test", "rules", "tests.yaml", within=tmp_path)

    assert ended.returncode == 0, ended.stdout + ended.stderr


@needs_prometheus
def test_a_wrong_expectation_would_be_noticed(tmp_path: Path) -> None:
    write_rules(tmp_path)
    text = yaml.safe_dump(scenarios(SERIES[0])).replace(
        "namespace: default", "namespace: elsewhere"
    )
    (tmp_path / "tests.yaml").write_text(text, "utf-8")

    assert ran("promtool", "test", "rules", "tests.yaml", within=tmp_path).returncode == 1


def test_every_alert_is_tried_and_every_severity() -> None:
    tried = {
        (alert["alertname"], expected["exp_labels"]["severity"])
        for file in SERIES
        for test in yaml.safe_load(file.read_text("utf-8"))["tests"]
        for alert in test.get("alert_rule_test", [])
        for expected in alert["exp_alerts"]
    }

    # test_slo.py tests those of slo.yaml.
    assert {
        (rule["alert"], rule["labels"]["severity"]) for rule in RULES if "slo" not in rule["labels"]
    } == tried


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule["alert"]))
def test_an_alert_has_what_a_person_and_a_pager_need(rule: dict[str, Any]) -> None:
    labels, told = rule["labels"], rule["annotations"]

    assert labels["severity"] in {"critical", "warning"}
    assert labels["kind"] in {"cause", "symptom"}
    assert labels["hits"] in {"shop", "chats", "pipeline"}
    assert "{{ $labels.namespace }}" in told["summary"]
    assert len(told["summary"].split()) < 45
    assert told["runbook_url"] == f"{runbook()}#{rule['alert'].lower()}"


def test_the_runbook_has_a_heading_for_each_alert_and_none_that_is_left_over() -> None:
    headings = re.findall(r"^#### `(CloudMart\w+)`$", DOCS.read_text("utf-8"), re.MULTILINE)

    assert sorted(headings) == sorted({rule["alert"] for rule in RULES})


def test_no_alert_goes_by_a_rate_a_second() -> None:
    assert [rule["alert"] for rule in RULES if "rate(" in rule["expr"]] == []


def test_rules_name_only_metrics_that_the_service_has() -> None:
    known = {name for metric in metrics.UNITS for name in _samples(metric)}
    named = {
        name
        for group in groups()
        for rule in group["rules"]
        for name in re.findall(r"(?<![:\w])cloudmart_\w+(?!:)\b", rule["expr"])
    }

    assert named - known == set()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule["alert"]))
def test_an_alert_has_the_labels_that_its_summary_names(rule: dict[str, Any]) -> None:
    told = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]))
    kept = {label for by in re.findall(r"by \(([^)]*)\)", rule["expr"]) for label in by.split(", ")}
    known = {label for each in metrics.UNITS for label in each._labelnames}  # noqa: SLF001
    made = set(re.findall(r'label_replace\([^"]*"(\w+)"', rule["expr"]))

    assert "slo" in rule["labels"] or "absent" in rule["expr"] or told <= kept
    # Prometheus adds the pod, and for a probe from outside its target.
    assert kept - {"namespace", "pod", "instance"} - made <= known


def _samples(metric: Any) -> list[str]:  # noqa: ANN401 - prometheus_client's
    suffixes = {"histogram": ["_count", "_sum", "_bucket"], "counter": ["_total"]}
    kind, name = metric._type, metric._name  # noqa: SLF001 - no public way
    return [f"{name}{suffix}" for suffix in suffixes.get(kind, [""])]


def test_the_rules_of_the_promises_are_current() -> None:
    written = (MONITORING / "slo.yaml").read_text("utf-8")

    assert written == page(), "run `make alerts`"
