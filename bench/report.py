"""The results as tables: the median of the rounds, the smallest and the largest value."""

from collections.abc import Callable, Iterable, Mapping
from statistics import median

from rich import box
from rich.console import Console
from rich.table import Table

from bench.cases import CEILINGS
from bench.load_generator import Sample

Findings = dict[str, dict[str, list[Sample]]]
"""A sample a round, by case, then by subject. The first subject is compared with the others."""

_WHOLE = 1000.0
"""Numbers from this size on are shown without decimals."""

_COLUMNS: dict[str, Callable[[Sample], float]] = {
    "requests/s": lambda sample: sample.rate,
    "p50 ms": lambda sample: sample.p50_ms,
    "p99 ms": lambda sample: sample.p99_ms,
    "CPU ms": lambda sample: sample.cpu_ms,
}


def show(conditions: Mapping[str, str], findings: Findings, console: Console) -> None:
    """Print the results, and compare each case's first subject with the others."""
    for name, value in conditions.items():
        console.print(f"{name}: {value}", highlight=False)
    console.print(_measured(findings))
    console.print("Ratios, round by round:")
    console.print(_compared(findings))


def _measured(findings: Findings) -> Table:
    table = _table(*_COLUMNS)
    for case, subjects in findings.items():
        for subject, samples in subjects.items():
            cells = [_spread(map(value, samples)) for value in _COLUMNS.values()]
            table.add_row(case, subject, *cells)
    return table


def _compared(findings: Findings) -> Table:
    table = _table("requests/s", "p99", "CPU")
    for case, subjects in findings.items():
        first, *others = subjects
        ours = subjects[first]
        for other in others:
            pairs = list(zip(ours, subjects[other], strict=True))
            rates = _spread(one.rate / another.rate for one, another in pairs)
            p99 = _spread(one.p99_ms / another.p99_ms for one, another in pairs)
            cpu = _spread(one.cpu_ms / another.cpu_ms for one, another in pairs)
            table.add_row(case, other, rates, p99, cpu)
        if subjects.keys() >= CEILINGS:
            ceilings = zip(ours, *(subjects[name] for name in CEILINGS), strict=True)
            both = (one.cpu_ms / sum(each.cpu_ms for each in rest) for one, *rest in ceilings)
            table.add_row(case, "both ceilings, added", "", "", _spread(both))
    return table


def _table(*columns: str) -> Table:
    table = Table("", "", box=box.MARKDOWN)
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    return table


def _spread(values: Iterable[float]) -> str:
    found = sorted(values)
    low, middle, high = (_rounded(value) for value in (found[0], median(found), found[-1]))
    return middle if low == high else f"{middle} ({low}–{high})"  # noqa: RUF001 - a span


def _rounded(value: float) -> str:
    return f"{value:#.3g}".removesuffix(".") if value < _WHOLE else f"{value:.0f}"
