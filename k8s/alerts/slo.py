"""Write the rules that watch the promises to customers; `make alerts` runs it.

python -m k8s.alerts.slo k8s/monitoring/slo.yaml
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from k8s.alerts.objective import GaugeShare, Objective, objectives
from k8s.alerts.runbook import runbook

RATIO = "namespace:cloudmart_slo_errors:ratio"
BUDGET = "cloudmart_slo_budget:ratio"
_HEAD = """\
# Written by `make alerts` from slos.toml: change that file, not this one.
"""


@dataclass(frozen=True, slots=True)
class Burn:
    """How fast the budget of 30 days is spent, over a long window and over a short one."""

    times: float
    long: str
    short: str
    left: str
    """How long the budget lasts at that pace."""


BURNS = {
    # Wakes a person: 2 % of the budget within an hour, or 5 % within six.
    "critical": (Burn(14.4, "1h", "5m", "two days"), Burn(6, "6h", "30m", "five days")),
    # For the next day: 10 % of the budget within a day, or within three.
    "warning": (Burn(3, "1d", "2h", "ten days"), Burn(1, "3d", "6h", "thirty days")),
}
WINDOWS = sorted(
    {window for burns in BURNS.values() for burn in burns for window in (burn.long, burn.short)},
    key=lambda window: (("m", "h", "d").index(window[-1]), int(window[:-1])),
)


def rules() -> dict[str, Any]:
    """Return the whole PrometheusRule."""
    every = list(objectives())
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "cloudmart-backend-slo"},
        "spec": {
            "groups": [
                {
                    "name": "cloudmart-slo-shares",
                    "rules": [rule for each in every for rule in _shares(each)],
                },
                {
                    "name": "cloudmart-slo",
                    "rules": [rule for each in every for rule in _alerts(each)],
                },
            ]
        },
    }


def _shares(objective: Objective) -> Iterator[dict[str, Any]]:
    labels = {"slo": objective.name}
    yield {"record": BUDGET, "expr": f"vector({objective.budget:g})", "labels": labels}
    for window in WINDOWS:
        yield {"record": f"{RATIO}_{window}", "expr": _share(objective, window), "labels": labels}


def _share(objective: Objective, window: str) -> str:
    measure = objective.measure
    if isinstance(measure, GaugeShare):
        return measure.share(window)
    counted = measure.all(window)
    # A kind of failure that has never happened has no series. That means zero, not unknown.
    return f"({measure.bad(window)} or 0 * {counted}) / ({counted} > 0)"


def _alerts(objective: Objective) -> Iterator[dict[str, Any]]:
    for severity, burns in BURNS.items():
        yield {
            "alert": objective.alert,
            "expr": "\nor\n".join(_burning(objective, burn) for burn in burns),
            "for": "2m" if severity == "critical" else "15m",
            "labels": {
                "severity": severity,
                "kind": "symptom",
                "hits": objective.hits,
                "slo": objective.name,
            },
            "annotations": {
                "summary": f"{objective.words} in {{{{ $labels.namespace }}}}: "
                f"{{{{ $value | humanizePercentage }}}} of {objective.measure.unit}, where "
                f"{objective.budget * 100:g}% are allowed. At this pace the month's allowance is "
                f"gone within {burns[-1].left}.",
                "runbook_url": f"{runbook()}#{objective.alert.lower()}",
            },
        }


def _burning(objective: Objective, burn: Burn) -> str:
    limit = f"{burn.times:g} * {objective.budget:g}"
    conditions = [
        f'{RATIO}_{burn.long}{{slo="{objective.name}"}} > {limit}',
        f'{RATIO}_{burn.short}{{slo="{objective.name}"}} > {limit}',
    ]
    if not isinstance(objective.measure, GaugeShare):
        conditions.append(
            f"on (namespace) {objective.measure.bad(burn.long)} >= {objective.failures}"
        )
    return "(\n  " + "\n  and ".join(conditions) + "\n)"


def page() -> str:
    """Return the text of the file."""
    return _HEAD + yaml.dump(rules(), Dumper=_Dumper, sort_keys=False, width=10_000)


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as blocks, and repeats a repeated value instead of an alias."""

    def ignore_aliases(self, _: object) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def main(file: Path) -> None:
    """Write the file."""
    file.write_text(page(), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
