"""`cloudmart tables`: the tables of the shop, shown, created and changed."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from typing import Annotated, Any, TypeVar

import typer

from cloudmart.cli import tables_output
from cloudmart.cli.command_settings import EXIT_FAILED, settings_for_tables
from cloudmart.cli.data_store_errors import explain_misconfiguration, told
from cloudmart.dynamodb.refusals import TROUBLE, PartState, explain_refusal
from cloudmart.dynamodb.schema import LOOK_AGAIN, TableSchema
from cloudmart.dynamodb.session import AwsClient, operators_session
from cloudmart.health.aws_environment import open_for_command
from cloudmart.health.causes import DependencyError
from cloudmart.orders.internal_items import remove_notes_from_orders
from cloudmart.settings import Settings
from cloudmart.tables.apply import apply_steps
from cloudmart.tables.operator_client import open_client, remove_record
from cloudmart.tables.plan import check_tables, check_tables_and_items
from cloudmart.tables.schema import shop_tables, terraform_configuration
from cloudmart.tables.steps import DEFAULT_RATE, RunBackfill, Step, TableFinding

T = TypeVar("T")

app = typer.Typer(
    help=(
        "The tables: compare them with what the shop needs, create and change them. They ask no "
        "questions, "
        "and delete no order, product or ticket."
    ),
    no_args_is_help=True,
)
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for a program.")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Show what would be done, and change nothing.")
]
CountOnly = Annotated[bool, typer.Option("--dry-run", help="Count, and write nothing.")]
Rate = Annotated[int, typer.Option(min=1, max=10_000, help="Writes a second of the backfill.")]
Wait = Annotated[
    float,
    typer.Option(min=0, help="Seconds to wait until every process has noticed.", show_default=True),
]

_NOTICED = LOOK_AGAIN + 10
"""Seconds after which no process uses an index by what it knew of the record before."""


@app.command()
def status(*, as_json: Json = False) -> None:
    """Show each part of each table; exit code 1 if one is not as it should be."""
    settings = settings_for_tables(os.environ)
    findings = _run(settings, lambda client: check_tables(client, shop_tables(settings.dynamodb)))
    tables_output.show_table_findings(findings, as_json=as_json)
    _end(findings)


@app.command()
def apply(*, dry_run: DryRun = False, rate: Rate = DEFAULT_RATE) -> None:
    """Create and update the tables; exit code 1 if a part is still not as it should be.

    It creates missing tables and indexes (one at a time), and turns on streams, expiry and
    recovery. It reads all orders and tickets, and adds or corrects index attributes. It changes
    nothing else. A second run finds nothing to do.
    """
    settings = settings_for_tables(os.environ)
    schemas = list(shop_tables(settings.dynamodb))
    _end(_run(settings, lambda client: _apply(client, schemas, dry_run=dry_run, rate=rate)))


@app.command()
def backfill(*, dry_run: CountOnly = False, rate: Rate = DEFAULT_RATE) -> None:
    """Give orders and tickets the attributes of the indexes; exit code 1 if an item fails."""
    _pass(rate=rate, dry_run=dry_run)


@app.command()
def use_indexes(*, rate: Rate = DEFAULT_RATE) -> None:
    """Add missing index attributes, as `backfill` does. Then let look-ups use the indexes.

    Run it when the last older pod has ended. An older release writes orders and tickets without
    these attributes. So this is the last step of a roll-out, and reads all items from the start.
    """
    _pass(rate=rate, record=True)


@app.command()
def leave_indexes(*, wait: Wait = _NOTICED) -> None:
    """Let look-ups read the tables again. Run it before an older release comes back.

    Ends when every process has noticed, so that the older pods may start.
    """
    settings = settings_for_tables(os.environ)
    schemas = _with_indexes(settings)
    _run(settings, lambda client: _leave(client, schemas))
    typer.echo(f"Look-ups read the tables. Waiting {wait:.0f} s until every process knows.")
    time.sleep(wait)


@app.command()
def remove_old_notes() -> None:
    """Remove the notes that older releases kept among the orders. Run it when none can come back.

    Exit code 1 if the secret that makes ids of idempotency keys has not been copied yet.
    """
    settings = settings_for_tables(os.environ)
    done, remark = _run(
        settings, lambda client: remove_notes_from_orders(client, settings.dynamodb)
    )
    state = PartState.OK if done else PartState.WRONG
    finding = TableFinding(settings.dynamodb.orders_table, "old notes", state, remark)
    tables_output.show_table_findings([finding], as_json=False)
    _end([finding])


@app.command()
def terraform() -> None:
    """Print the tables as Terraform should have them, for a file `tables.tf.json`."""
    settings = settings_for_tables(os.environ)
    typer.echo(terraform_configuration(shop_tables(settings.dynamodb)), nl=False)


def _pass(*, rate: int, dry_run: bool = False, record: bool = False) -> None:
    settings = settings_for_tables(os.environ)
    steps: list[Step] = [
        replace(RunBackfill.of(schema, record=record), rate=rate, dry_run=dry_run)
        for schema in _with_indexes(settings)
    ]
    _end(_run(settings, lambda client: _take(client, steps)))


def _with_indexes(settings: Settings) -> list[TableSchema]:
    return [schema for schema in shop_tables(settings.dynamodb) if schema.items]


async def _leave(client: AwsClient, schemas: Iterable[TableSchema]) -> None:
    for schema in schemas:
        if schema.items:
            await remove_record(client, schema.notes, schema.items)


async def _apply(
    client: AwsClient,
    schemas: Iterable[TableSchema],
    *,
    dry_run: bool,
    rate: int,
) -> list[TableFinding]:
    findings = await check_tables_and_items(client, schemas)
    tables_output.show_plan(findings)
    remaining = [finding for finding in findings if not finding.step]
    if dry_run:
        return remaining
    steps = [_paced(finding.step, rate) for finding in findings if finding.step]
    return remaining + await _take(client, steps)


def _paced(step: Step, rate: int) -> Step:
    return replace(step, rate=rate) if isinstance(step, RunBackfill) else step


async def _take(client: AwsClient, steps: list[Step]) -> list[TableFinding]:
    with tables_output.watch_steps() as watcher:
        return await apply_steps(client, steps, watcher)


def _run(settings: Settings, work: Callable[[Any], Awaitable[T]]) -> T:
    async def opened() -> T:
        session = await open_for_command(settings.aws.region, os.environ, operators_session)
        async with open_client(session) as client:
            return await work(client)

    try:
        return asyncio.run(opened())
    except DependencyError as error:
        typer.echo(told(error), err=True)
        raise typer.Exit(EXIT_FAILED) from None
    except TROUBLE as error:
        if said := explain_misconfiguration(error):
            typer.echo(said, err=True)
            raise typer.Exit(EXIT_FAILED) from None
        typer.echo(f"DynamoDB cannot be reached: {explain_refusal(error).remark}", err=True)
        raise typer.Exit(EXIT_FAILED) from None


def _end(findings: Iterable[TableFinding]) -> None:
    if not all(finding.state.is_fine for finding in findings):
        raise typer.Exit(EXIT_FAILED)
