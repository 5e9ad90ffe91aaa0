"""`cloudmart tables`: the tables the shop needs, shown and brought about."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from typing import Annotated, Any, TypeVar

import typer

from cloudmart.cli import report
from cloudmart.cli.configured import EXIT_FAILED, configured_for_tables
from cloudmart.dynamodb.apply import apply as take_steps
from cloudmart.dynamodb.findings import TROUBLE, Finding, explain
from cloudmart.dynamodb.operator import open_client
from cloudmart.dynamodb.schema import TableSchema
from cloudmart.dynamodb.schema import tables as wanted_tables
from cloudmart.dynamodb.status import look_at
from cloudmart.dynamodb.steps import DEFAULT_RATE, RunBackfill, Step
from cloudmart.dynamodb.terraform import configuration
from cloudmart.settings import Settings

T = TypeVar("T")

app = typer.Typer(
    help="The tables: how they are, how they should be, and the way there. Nothing is ever asked "
    "of you, and nothing deleted.",
    no_args_is_help=True,
)
Json = Annotated[bool, typer.Option("--json", help="For a program to read.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and end.")]
CountOnly = Annotated[bool, typer.Option("--dry-run", help="Count, and write nothing.")]
Rate = Annotated[int, typer.Option(min=1, max=10_000, help="Writes a second of the backfill.")]
FromStart = Annotated[
    bool, typer.Option("--from-start", help="Do not go on where an earlier pass was broken off.")
]


@app.command()
def status(*, as_json: Json = False) -> None:
    """Show each part of each table; exit code 1 if one is not as it should be."""
    settings = configured_for_tables(os.environ)
    findings = _run(settings, lambda client: look_at(client, wanted_tables(settings.dynamodb)))
    report.show(findings, as_json=as_json)
    _end(findings)


@app.command()
def apply(*, dry_run: DryRun = False, rate: Rate = DEFAULT_RATE) -> None:
    """Bring about what is missing; exit code 1 if something is not as it should be then.

    Tables, indexes (one at a time, each waited for), the stream, expiry, recovery and the
    backfill. What is there is never changed otherwise. A second run finds nothing to do.
    """
    settings = configured_for_tables(os.environ)
    schemas = wanted_tables(settings.dynamodb)
    _end(_run(settings, lambda client: _apply(client, schemas, dry_run=dry_run, rate=rate)))


@app.command()
def backfill(
    *, dry_run: CountOnly = False, rate: Rate = DEFAULT_RATE, from_start: FromStart = False
) -> None:
    """Give old-shape orders what the indexes need; exit code 1 if it could not be completed."""
    settings = configured_for_tables(os.environ)
    table = settings.dynamodb.orders_table
    step = RunBackfill(table, rate=rate, from_start=from_start, dry_run=dry_run)
    _end(_run(settings, lambda client: _take(client, [step])))


@app.command()
def terraform() -> None:
    """Print the tables as Terraform should have them."""
    settings = configured_for_tables(os.environ)
    typer.echo(configuration(wanted_tables(settings.dynamodb)), nl=False)


async def _apply(
    client: Any,  # noqa: ANN401 - botocore makes its clients at run time
    schemas: Iterable[TableSchema],
    *,
    dry_run: bool,
    rate: int,
) -> list[Finding]:
    findings = await look_at(client, schemas)
    report.show_plan(findings)
    remaining = [finding for finding in findings if not finding.step]
    if dry_run:
        return remaining
    steps = [_paced(finding.step, rate) for finding in findings if finding.step]
    return remaining + await _take(client, steps)


def _paced(step: Step, rate: int) -> Step:
    return replace(step, rate=rate) if isinstance(step, RunBackfill) else step


async def _take(client: Any, steps: list[Step]) -> list[Finding]:  # noqa: ANN401
    with report.watching() as watcher:
        return await take_steps(client, steps, watcher)


def _run(settings: Settings, work: Callable[[Any], Awaitable[T]]) -> T:
    async def opened() -> T:
        async with open_client(settings.aws.region) as client:
            return await work(client)

    try:
        return asyncio.run(opened())
    except TROUBLE as error:
        typer.echo(f"DynamoDB cannot be reached: {explain(error).remark}", err=True)
        raise typer.Exit(EXIT_FAILED) from None


def _end(findings: Iterable[Finding]) -> None:
    if not all(finding.state.is_fine for finding in findings):
        raise typer.Exit(EXIT_FAILED)
