"""`cloudmart pipeline reconcile`: which orders BigQuery lacks, or has in another state."""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from cloudmart.cli.command_settings import EXIT_FAILED, settings_for_pipeline
from cloudmart.cli.pipeline.opening import (
    Since,
    UnreachableError,
    console,
    open_pipeline_for_command,
    print_json,
    run_pipeline_command,
)
from cloudmart.pipeline.opening import Pipeline
from cloudmart.pipeline.repair.reconcile import Comparison, Difference, Reconciler
from cloudmart.settings import Settings
from cloudmart.values.timestamp import stamp

Json = Annotated[bool, typer.Option("--json", help="Print JSON, for a program.")]
Settle = Annotated[
    float,
    typer.Option(min=0, max=600, help="Seconds that a difference must last before it counts."),
]

_MOST_SHOWN = 50


def reconcile(since: Since, *, settle: Settle = 5, as_json: Json = False) -> None:
    """Compare DynamoDB with BigQuery, by id and state; nothing is written.

    Exit code 1 if an order differs, 69 if one of them does not answer.
    """
    settings = settings_for_pipeline(os.environ)
    comparison = run_pipeline_command(lambda: _compare(settings, since, settle))
    if as_json:
        print_json(comparison_document(since, comparison))
    else:
        show_comparison(comparison)
    if comparison.differences:
        raise typer.Exit(EXIT_FAILED)


async def _compare(settings: Settings, since: datetime, settle: float) -> Comparison:
    async with open_pipeline_for_command(settings) as pipeline:
        return await compare_with_progress(pipeline, since, settle)


async def compare_with_progress(pipeline: Pipeline, since: datetime, settle: float) -> Comparison:
    """Return how the two sides compare, and show how far it has come."""
    with show_count("Comparing") as tell:
        comparison = await build_reconciler(pipeline, settle).since(since, tell)
    if comparison.scanned:
        typer.echo(f"The whole table was read. {comparison.scanned}", err=True)
    if comparison.unreadable:
        typer.echo(
            f"Rows of BigQuery that were left out: {comparison.unreadable:,}. The pipeline writes "
            "no such eventType.",
            err=True,
        )
    return comparison


def build_reconciler(pipeline: Pipeline, settle: float) -> Reconciler:
    """Return what compares, or raise AwayError where there is no BigQuery."""
    if isinstance(pipeline.questions, str):
        raise UnreachableError(f"There is no BigQuery to compare with. {pipeline.questions}")
    return Reconciler(pipeline.orders, pipeline.questions, settle=settle)


@contextmanager
def show_count(title: str) -> Iterator[Callable[[int, int], None]]:
    """Show how far something has come, on a terminal and nowhere else."""
    out = console(stderr=True)
    with Progress(console=out, disable=not out.is_terminal, transient=True) as progress:
        task = progress.add_task(title, total=None)
        yield lambda done, of: progress.update(task, completed=done, total=of)


def comparison_document(since: datetime, comparison: Comparison) -> dict[str, Any]:
    """Return a comparison for programs."""
    return {
        "since": stamp(since),
        "compared": comparison.compared,
        "unreadableRows": comparison.unreadable,
        "differences": [
            {
                "id": each.id,
                "kind": each.kind,
                "dynamodb": each.here,
                "bigquery": each.there,
                "why": each.why or None,
            }
            for each in comparison.differences
        ],
    }


def show_comparison(comparison: Comparison) -> None:
    """Show a comparison to a person."""
    out, differences = console(), comparison.differences
    if differences:
        out.print(_table(differences[:_MOST_SHOWN]))
    if len(differences) > _MOST_SHOWN:
        out.print(f"… and {len(differences) - _MOST_SHOWN:,} more; --json has all.")
    kinds = Counter(each.kind for each in differences)
    found = ", ".join(f"{number:,} {kind}" for kind, number in sorted(kinds.items()))
    colour = "red" if differences else "green"
    out.print(f"{comparison.compared:,} orders compared: [{colour}]{found or 'all alike'}[/].")


def _table(differences: Sequence[Difference]) -> Table:
    table = Table("Order", "What", "DynamoDB", "BigQuery", "Why", box=None, pad_edge=False)
    for each in differences:
        cells = (each.id, each.kind, each.here or "", each.there or "", each.why)
        table.add_row(*(Text(cell, overflow="fold") for cell in cells))
    return table
