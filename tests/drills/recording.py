"""Scrapes, a second apart, and the series for promtool, a minute apart."""

import math
import re
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.support.alert_rules import alert_rules, groups
from tests.support.prometheus import ran

STRETCH = 60
"""How many seconds one second stands for."""
_AGES = (
    "cloudmart_catalogue_age_seconds",
    "cloudmart_pipeline_iterator_age_seconds",
    "cloudmart_pipeline_lag_seconds",
)
"""Gauges that grow by a second each second. They are stretched like the time."""
_OURS = 'namespace="default", pod="drill"'
_STAGING = {"series": 'cloudmart_ready{namespace="cloudmart-staging"}'}


@dataclass(slots=True)
class Recording:
    """The samples that a Prometheus would have recorded."""

    url: str
    began: float = field(default_factory=time.time)
    text: str = ""
    """The last scrape."""
    _series: dict[str, dict[int, float]] = field(default_factory=dict)
    _scrapes: int = 0
    _wanted: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self._wanted = _names()

    def scrape(self, times: int) -> None:
        """Scrape a number of times, a second apart."""
        for _ in range(times):
            due = time.monotonic() + 1
            # Like Prometheus, it records nothing while the target does not answer.
            with suppress(httpx2.TransportError):
                self._read(httpx2.get(f"{self.url}/metrics", timeout=30).raise_for_status().text)
            self._scrapes += 1
            time.sleep(max(0.0, due - time.monotonic()))

    def _read(self, text: str) -> None:
        self.text = text
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if sample.name in self._wanted:
                    self._keep(sample.name, sample.labels, sample.value)

    def _keep(self, name: str, labels: dict[str, str], value: float) -> None:
        told = ", ".join([_OURS, *(f'{key}="{value}"' for key, value in labels.items())])
        if name in _AGES:
            value *= STRETCH
        elif name.endswith("_timestamp_seconds") and value > 0:
            value = (value - self.began) * STRETCH
        self._series.setdefault(f"{name}{{{told}}}", {})[self._scrapes] = value

    def fired(self, directory: Path, within: range) -> list[str]:
        """Return the alerts that promtool sees firing in a part of the scrapes."""
        rules = [group for group in groups() if not group["name"].endswith("old-names")]
        (directory / "rules.yaml").write_text(yaml.safe_dump({"groups": rules}), "utf-8")
        fired = f'max_over_time(ALERTS{{alertstate="firing"}}[{len(within)}m])'
        asked = {
            "expr": f"max by (alertname) ({fired})",
            "eval_time": f"{within.stop - 1}m",
            "exp_samples": [],
        }
        given = [{"series": name, "values": self._values(of)} for name, of in self._series.items()]
        test = {
            "interval": "1m",
            "input_series": [_STAGING | {"values": f"1x{self._scrapes}"}, *given],
            "promql_expr_test": [asked],
        }
        tests = {"rule_files": ["rules.yaml"], "evaluation_interval": "1m", "tests": [test]}
        (directory / "tests.yaml").write_text(yaml.safe_dump(tests, width=10_000), "utf-8")
        ended = ran("promtool", "test", "rules", "tests.yaml", within=directory)
        said = ended.stdout + ended.stderr
        assert ended.returncode == 0 or "got:" in said, said
        return sorted(set(re.findall(r'alertname="(\w+)"', said)))

    def _values(self, of: dict[int, float]) -> str:
        return " ".join(_written(of.get(each)) for each in range(self._scrapes))


def _written(value: float | None) -> str:
    if value is None:
        return "_"
    return "NaN" if math.isnan(value) else f"{value:.6f}"


def _names() -> frozenset[str]:
    return frozenset(
        name
        for group in groups()
        for rule in group["rules"]
        for name in re.findall(r"\b[a-z]\w+_\w+", rule["expr"])
    )


def severity_of(name: str) -> str:
    """Return the severities of an alert, for people."""
    return " or ".join(
        sorted({rule["labels"]["severity"] for rule in alert_rules() if rule["alert"] == name})
    )
