"""`cloudmart pipeline status`: the state of the order pipeline."""

import os
from collections.abc import Iterator
from typing import Annotated

import typer
from rich.table import Table

from cloudmart.cli.command_settings import EXIT_FAILED, settings_for_pipeline
from cloudmart.cli.pipeline.opening import (
    UnreachableError,
    console,
    open_pipeline_for_command,
    print_json,
    run_pipeline_command,
)
from cloudmart.pipeline.models import NewestOrder, PipelineStatus
from cloudmart.pipeline.watch.heartbeat import SentHeartbeat
from cloudmart.pipeline.watch.status import troubles_of
from cloudmart.settings import Settings
from cloudmart.values.ids import new_id
from cloudmart.values.timestamp import stamp

Json = Annotated[bool, typer.Option("--json", help="Print JSON, for a program.")]


def status(*, as_json: Json = False) -> None:
    """Show the state of the order pipeline; exit code 1 if something is wrong or unknown."""
    settings = settings_for_pipeline(os.environ)
    found = run_pipeline_command(lambda: _look(settings))
    troubles = [sentence for _, sentence in troubles_of(found)]
    if as_json:
        print_json(found.model_dump(mode="json"))
    else:
        _show(found, troubles)
    if troubles or found.unknown:
        raise typer.Exit(1)


async def _look(settings: Settings) -> PipelineStatus:
    async with open_pipeline_for_command(settings, patience=4) as pipeline:
        return await pipeline.monitor.status()


def _show(found: PipelineStatus, troubles: list[str]) -> None:
    out = console()
    table = Table(show_header=False, box=None, pad_edge=False)
    for name, value in _rows(found):
        table.add_row(name, "[dim]unknown[/]" if value is None else value)
    out.print(table)
    for trouble in troubles:
        out.print(f"[red]{trouble}[/]")
    for each in found.unknown:
        out.print(f"{each.what} is not known: {each.why}", markup=False)


def _rows(found: PipelineStatus) -> Iterator[tuple[str, str | None]]:
    mapping = found.mapping
    yield "Stream", found.stream
    yield "Mapping", mapping.state if mapping else None
    yield "Last result", mapping.last_result if mapping else None
    yield "Iterator age", _seconds(mapping.iterator_age_seconds if mapping else None)
    yield "Failed batches", _number(found.failures.queued)
    yield "Quarantined records", _number(found.failures.quarantined)
    yield "Newest in DynamoDB", _order(found.newest.dynamodb)
    yield "Newest in BigQuery", _order(found.newest.bigquery)
    yield "Lag", _seconds(found.lag_seconds)
    yield "Today in DynamoDB", _number(found.today.dynamodb)
    yield "Today in BigQuery", _number(found.today.bigquery)


def _order(order: NewestOrder | None) -> str | None:
    return f"{order.id} of {stamp(order.at)}" if order else None


def _seconds(value: float | None) -> str | None:
    return None if value is None else f"{value:.1f} s"


def _number(value: int | None) -> str | None:
    return None if value is None else f"{value:,}"


JsonToo = Annotated[bool, typer.Option("--json", help="Print JSON, for a program.")]
Timeout = Annotated[
    float,
    typer.Option(
        min=1, max=3600, help="Seconds that a heartbeat may take before it counts as lost."
    ),
]


def heartbeat(*, timeout: Timeout = 60, as_json: JsonToo = False) -> None:
    """Send a heartbeat order, without a customer, through the pipeline, and print how long it took.

    It is hidden from every list and report, and is deleted after a day. Exit code 1 if it did not
    arrive in time, 69 if DynamoDB or BigQuery does not answer.
    """
    settings = settings_for_pipeline(os.environ)
    beat, took = run_pipeline_command(lambda: _send(settings, timeout))
    if as_json:
        print_json({"id": beat.id, "at": stamp(beat.at), "seconds": took and round(took, 2)})
    elif took is None:
        console().print(f"[red]{beat.id} did not arrive in BigQuery within {timeout:g} s.[/]")
    else:
        console().print(f"{beat.id} was in BigQuery after [green]{took:.1f} s[/].")
    if took is None:
        raise typer.Exit(EXIT_FAILED)


async def _send(settings: Settings, timeout: float) -> tuple[SentHeartbeat, float | None]:  # noqa: ASYNC109 - it is not a deadline of ours alone
    async with open_pipeline_for_command(settings, patience=10) as pipeline:
        if pipeline.heartbeat is None:
            raise UnreachableError(f"There is no BigQuery to look into. {pipeline.questions}")
        beat = await pipeline.heartbeat.write(new_id())
        waiting = console(stderr=True)
        with waiting.status(f"{beat.id} is on its way …"):
            return beat, await pipeline.heartbeat.arrival(beat, timeout)
