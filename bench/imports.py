"""What the pipeline's Lambda imports before it can work: python -m bench.imports.

The comparison is Google's client alone, which every program that calls BigQuery needs.
"""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table

GOOGLE = "Google's client"
HANDLER = "the handler"
FIRST_BATCH = "the handler and what its first batch loads"
PROGRAMS = {
    GOOGLE: "import google.cloud.bigquery",
    HANDLER: "import cloudmart.pipeline.handler",
    FIRST_BATCH: "import cloudmart.pipeline.handler, cloudmart.pipeline.carry.carrier",
}

MOST = 1.25
"""How much more CPU time than Google's client alone the handler may take."""

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def compare(
    rounds: Annotated[int, typer.Option(min=1, help="How often to load each.")] = 15,
) -> None:
    """Print the CPU time of each program, and fail if the handler takes too much."""
    measured = measure(rounds)
    Console(width=120).print(_shown(measured))
    if ratio(measured, HANDLER) > MOST:
        sys.exit(f"The handler takes more than {MOST} times what Google's client takes.")


def measure(rounds: int) -> dict[str, list[float]]:
    """Return the CPU seconds of each program, one for each round."""
    # The first round fills the caches and does not count.
    samples = [
        {name: _cpu_seconds(code) for name, code in PROGRAMS.items()} for _ in range(rounds + 1)
    ]
    return {name: [sample[name] for sample in samples[1:]] for name in PROGRAMS}


def ratio(measured: Mapping[str, Sequence[float]], name: str) -> float:
    """Return a program's time as a multiple of Google's, from the fastest round of each.

    A disturbance can only make a process slower.
    """
    return min(measured[name]) / min(measured[GOOGLE])


def _cpu_seconds(code: str) -> float:
    process = subprocess.Popen([sys.executable, "-c", code])  # noqa: S603 - one of ours
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, code)
    return used.ru_utime + used.ru_stime


def _shown(measured: Mapping[str, Sequence[float]]) -> Table:
    table = Table("loading", "CPU ms, least", "median", "ratio", box=box.MARKDOWN)
    for name, seconds in measured.items():
        least, middle = (f"{each * 1000:.0f}" for each in (min(seconds), median(seconds)))
        table.add_row(name, least, middle, f"{ratio(measured, name):.2f}")
    return table


if __name__ == "__main__":
    app()
