"""Write the metrics into `docs/metrics.md`; `make docs` runs it."""

import sys
from collections.abc import Iterator
from pathlib import Path

from cloudmart.observability.metrics import UNITS

MARK = "<!-- What follows is written by `make docs`. -->\n"


def metrics_table() -> str:
    """Return a row for each metric: the name that Prometheus sees, its labels, unit, meaning."""
    return "\n".join(_rows()) + "\n"


def write_metrics(page: Path) -> None:
    """Renew the end of a page."""
    text = page.read_text(encoding="utf-8").partition(MARK)[0]
    page.write_text(f"{text}{MARK}\n{metrics_table()}", encoding="utf-8")


def _rows() -> Iterator[str]:
    yield "| metric | type | labels | unit | meaning |\n|---|---|---|---|---|"
    for metric, unit in UNITS.items():
        labels = ", ".join(f"`{label}`" for label in metric._labelnames)  # noqa: SLF001 - told nowhere else
        for family in metric.describe():
            name = f"{family.name}{'_total' if family.type == 'counter' else ''}"
            yield f"| `{name}` | {family.type} | {labels} | {unit} | {family.documentation} |"


if __name__ == "__main__":
    write_metrics(Path(sys.argv[1]))
