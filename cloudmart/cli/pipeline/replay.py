"""`cloudmart pipeline replay`: orders that BigQuery lacks, sent again."""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

import typer

from cloudmart.cli.command_settings import EXIT_FAILED, settings_for_pipeline
from cloudmart.cli.pipeline.opening import (
    PerhapsSince,
    UnreachableError,
    console,
    open_pipeline_for_command,
    print_json,
    run_pipeline_command,
)
from cloudmart.cli.pipeline.reconcile import (
    Json,
    Settle,
    build_reconciler,
    compare_with_progress,
    show_count,
)
from cloudmart.pipeline.opening import Pipeline
from cloudmart.pipeline.ports import Quarantined
from cloudmart.pipeline.repair.reconcile import Difference
from cloudmart.pipeline.repair.replay import Replay, ReplayResult, S3Quarantine, order_of
from cloudmart.settings import Settings

DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Show what would be sent, and send nothing.")
]
FromQuarantine = Annotated[
    bool,
    typer.Option("--quarantined", help="Send the orders of the records in quarantine instead."),
]


@dataclass(frozen=True, slots=True)
class _Wish:
    since: datetime | None
    settle: float
    dry_run: bool


def replay(
    since: PerhapsSince = None,
    *,
    quarantined: FromQuarantine = False,
    settle: Settle = 5,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Send BigQuery the orders that it lacks or has in another state; a second run sends nothing.

    Exit code 1 if some could not be sent, 69 if DynamoDB or BigQuery does not answer.
    """
    if (since is None) != quarantined:
        raise typer.BadParameter("give either --since or --quarantined")
    settings = settings_for_pipeline(os.environ)
    wish = _Wish(since, settle, dry_run)
    replayed = run_pipeline_command(lambda: _replay(settings, wish))
    failed = [{"id": key, "why": why} for key, why in replayed.failed.items()]
    if as_json:
        print_json({"dryRun": dry_run, "sent": replayed.sent, "failed": failed})
    else:
        _show(replayed, dry_run=dry_run)
    if failed:
        raise typer.Exit(EXIT_FAILED)


async def _replay(settings: Settings, wish: _Wish) -> ReplayResult:
    async with open_pipeline_for_command(settings) as pipeline:
        if wish.since is None:
            return await _from_quarantine(settings, pipeline, wish)
        comparison = await compare_with_progress(pipeline, wish.since, wish.settle)
        return await _send(pipeline, comparison.differences, dry_run=wish.dry_run)


async def _from_quarantine(settings: Settings, pipeline: Pipeline, wish: _Wish) -> ReplayResult:
    bucket = settings.pipeline.quarantine_bucket
    if bucket is None:
        raise UnreachableError("PIPELINE_QUARANTINE_BUCKET is not set.")
    quarantine = S3Quarantine(bucket)
    found = await asyncio.to_thread(lambda: list(quarantine.held()))
    orders: dict[str, list[Quarantined]] = {}
    for held in found:
        orders.setdefault(order_of(held) or "", []).append(held)
    nameless = orders.pop("", [])
    differences = await build_reconciler(pipeline, wish.settle).of(list(orders))
    replayed = await _send(pipeline, differences, dry_run=wish.dry_run)
    for held in nameless:
        replayed.failed[held.event_id] = "the record names no order"
    if not wish.dry_run:
        for key in orders.keys() - replayed.failed.keys():
            for held in orders[key]:
                await asyncio.to_thread(quarantine.release, held)
    return replayed


async def _send(
    pipeline: Pipeline, differences: Sequence[Difference], *, dry_run: bool
) -> ReplayResult:
    if dry_run:
        return ReplayResult(
            [each.id for each in differences if each.row],
            {each.id: each.why for each in differences if not each.row},
        )
    if isinstance(pipeline.questions, str):
        raise UnreachableError(f"There is no BigQuery to send to. {pipeline.questions}")
    with show_count("Sending") as tell:
        return await Replay(pipeline.questions).send(
            differences, lambda done: tell(done, len(differences))
        )


def _show(replayed: ReplayResult, *, dry_run: bool) -> None:
    out = console()
    verb = "would be sent" if dry_run else "sent"
    out.print(f"{len(replayed.sent):,} orders {verb}.")
    for key, why in replayed.failed.items():
        out.print(f"{key} cannot be sent: {why}.", markup=False)
