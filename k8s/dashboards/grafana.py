"""Dashboards in the form that Grafana 10 and newer import: rows of panels with queries."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

_SCHEMA = 38
"""The schema version of Grafana 10.0. Newer ones migrate it when they import it."""
_WIDTH, _HEIGHT = 24, 8
_SOURCE = {"type": "prometheus", "uid": "${datasource}"}


@dataclass(frozen=True, slots=True)
class Query:
    """A query to Prometheus, and the name of its lines."""

    expr: str
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """A chart of some queries. `unit` is one of Grafana's."""

    title: str
    unit: str
    queries: Sequence[Query]
    words: str = ""
    kind: str = "timeseries"
    width: int = 12


@dataclass(frozen=True, slots=True)
class Row:
    """Panels under a title."""

    title: str
    panels: Sequence[Panel]


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A dashboard of rows. `uid` is part of its address, and the name of its file."""

    uid: str
    title: str
    words: str
    rows: Sequence[Row]

    def document(self) -> dict[str, Any]:
        """Return the JSON that Grafana imports."""
        return {
            "uid": self.uid,
            "title": self.title,
            "description": self.words,
            "tags": ["cloudmart"],
            "schemaVersion": _SCHEMA,
            "version": 1,
            "editable": False,
            "refresh": "30s",
            "time": {"from": "now-3h", "to": "now"},
            "timezone": "browser",
            "links": [
                {
                    "type": "dashboards",
                    "tags": ["cloudmart"],
                    "title": "CloudMart",
                    "asDropdown": True,
                    "keepTime": True,
                    "includeVars": True,
                }
            ],
            "templating": {"list": [_datasource(), _namespace()]},
            "annotations": {"list": []},
            "panels": self._panels(),
        }

    def _panels(self) -> list[dict[str, Any]]:
        made: list[dict[str, Any]] = []
        y = 0
        for row in self.rows:
            place = {"x": 0, "y": y, "w": _WIDTH, "h": 1}
            made.append(_numbered(made, type="row", title=row.title, gridPos=place, panels=[]))
            y += 1
            x = 0
            for panel in row.panels:
                if x + panel.width > _WIDTH:
                    x, y = 0, y + _HEIGHT
                place = {"x": x, "y": y, "w": panel.width, "h": _HEIGHT}
                made.append(_numbered(made, **_panel(panel), gridPos=place))
                x += panel.width
            y += _HEIGHT
        return made


def _numbered(before: Sequence[Any], **members: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    return {"id": len(before) + 1, **members}


def _panel(panel: Panel) -> dict[str, Any]:
    return {
        "type": panel.kind,
        "title": panel.title,
        "description": panel.words,
        "datasource": _SOURCE,
        "targets": [
            {
                "refId": chr(ord("A") + number),
                "datasource": _SOURCE,
                "expr": query.expr,
                "legendFormat": query.legend or "__auto",
                "range": panel.kind == "timeseries",
                "instant": panel.kind != "timeseries",
            }
            for number, query in enumerate(panel.queries)
        ],
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "options": _OPTIONS[panel.kind],
    }


_OPTIONS: dict[str, dict[str, Any]] = {
    "timeseries": {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
        "tooltip": {"mode": "multi", "sort": "desc"},
    },
    "stat": {
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "colorMode": "value",
        "graphMode": "none",
        "textMode": "auto",
    },
}


def _datasource() -> dict[str, Any]:
    return {
        "name": "datasource",
        "label": "Prometheus",
        "type": "datasource",
        "query": "prometheus",
    }


def _namespace() -> dict[str, Any]:
    return {
        "name": "namespace",
        "label": "Environment",
        "type": "query",
        "datasource": _SOURCE,
        "query": {"query": "label_values(cloudmart_build_info, namespace)", "refId": "namespace"},
        "refresh": 2,
        "sort": 1,
        "current": {"text": "default", "value": "default"},
    }
