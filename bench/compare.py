"""Compare a run of the benchmarks with the committed one: `make bench-compare`.

Machines differ, so only ratios are compared: CloudMart's value divided by that of a bare server in
the same round. Bare aioboto3 is left out, because the load generator itself calls it.

A ratio is worse if its median moved by more than a tenth, and if three quarters of the new rounds
are worse than three quarters of the old ones.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import Annotated, Any

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from bench.cases import AIOBOTO3
from bench.servers import HERE

BASELINE = HERE / "bench" / "baseline.json"

NOISE = 0.1
"""How far a median may move: runs of the same code on one machine differ this much."""

MEASURES = {"cpu_ms": "CPU", "rate": "requests/s"}
"""The values that are compared. The slowest hundredth of half a second varies too much."""

_GREATER_IS_WORSE = {"cpu_ms"}
_QUARTERS = 4

Rounds = Mapping[str, Mapping[str, Sequence[Mapping[str, float]]]]
"""The rounds by case, then by subject. The first subject of a case is compared with the others."""

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@dataclass(frozen=True, slots=True)
class Comparison:
    """A ratio in the baseline and now, as medians of the rounds."""

    case: str
    against: str
    measure: str
    before: float
    now: float
    change: float
    worse: bool


@app.command()
def compare(
    *,
    baseline: Annotated[Path, typer.Option(help="The run to hold it against.")] = BASELINE,
    result: Annotated[
        Path | None, typer.Option(help="A run to read (`python -m bench --json`), not to make.")
    ] = None,
    rounds: Annotated[int, typer.Option(min=2, help="How often each case is measured.")] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was compared.")] = False,
) -> None:
    """Measure, name what became worse by more than the noise, and fail if anything did."""
    before: Rounds = _findings(baseline.read_text(encoding="utf-8"))
    now: Rounds = _findings(result.read_text(encoding="utf-8") if result else _measured(rounds))
    compared = list(comparisons(before, now))
    missing = sorted(before.keys() ^ now.keys())
    worse = [one for one in compared if one.worse]
    if as_json:
        found = {"compared": [asdict(one) for one in compared], "not_compared": missing}
        typer.echo(json.dumps(found, indent=1))
    else:
        _show(compared, missing)
    if worse or not compared:
        raise typer.Exit(1)


def comparisons(before: Rounds, now: Rounds) -> Iterator[Comparison]:
    """Yield how each ratio that both runs have has changed."""
    for case in before:
        if case not in now:
            continue
        for against in [*before[case]][1:]:
            if against not in now[case] or against == AIOBOTO3:
                continue
            for measure in MEASURES:
                yield _comparison(
                    case,
                    against,
                    measure,
                    _ratios(before[case], against, measure),
                    _ratios(now[case], against, measure),
                )


def _comparison(
    case: str, against: str, measure: str, before: list[float], now: list[float]
) -> Comparison:
    change = median(now) / median(before) - 1
    if measure in _GREATER_IS_WORSE:
        worse = change > NOISE and _quartiles(now)[0] > _quartiles(before)[1]
    else:
        worse = change < -NOISE and _quartiles(now)[1] < _quartiles(before)[0]
    return Comparison(case, against, measure, median(before), median(now), change, worse)


def _ratios(
    subjects: Mapping[str, Sequence[Mapping[str, float]]], against: str, measure: str
) -> list[float]:
    ours = next(iter(subjects.values()))
    pairs = zip(ours, subjects[against], strict=True)
    return [one[measure] / another[measure] for one, another in pairs]


def _quartiles(values: Sequence[float]) -> tuple[float, float]:
    if len(values) == 1:
        return values[0], values[0]
    first, _, third = quantiles(values, n=_QUARTERS, method="inclusive")
    return first, third


def _findings(text: str) -> Any:  # noqa: ANN401 - as it was printed
    return json.loads(text)["findings"]


def _measured(rounds: int) -> str:
    command = [sys.executable, "-m", "bench", "--json", "--rounds", str(rounds)]
    run = subprocess.run(  # noqa: S603 - our own program
        command, cwd=HERE, check=True, stdout=subprocess.PIPE, text=True
    )
    return run.stdout


def _show(compared: Sequence[Comparison], missing: Sequence[str]) -> None:
    console = Console(width=150)
    table = Table("", "divided by", "of", "before", "now", "change", "", box=box.MARKDOWN)
    for one in compared:
        table.add_row(
            one.case,
            one.against,
            MEASURES[one.measure],
            f"{one.before:#.3g}",
            f"{one.now:#.3g}",
            f"{one.change:+.0%}",
            "worse" if one.worse else "",
        )
    console.print(table)
    for case in missing:
        console.print(f"Not compared, because only one of the runs has it: {case}")
    for one in compared:
        if one.worse:
            console.print(
                f"Worse beyond noise: {one.case}, {MEASURES[one.measure]} divided by that of "
                f"{one.against}: {one.before:#.3g} before, {one.now:#.3g} now."
            )


if __name__ == "__main__":
    app()
