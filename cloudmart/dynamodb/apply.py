"""Carrying out a plan: one step after the other, each until DynamoDB is done with it."""

import asyncio
from collections.abc import Sequence
from typing import Any, Protocol

from cloudmart.dynamodb.backfill import Backfill
from cloudmart.dynamodb.change import Change
from cloudmart.dynamodb.findings import TROUBLE, Finding, State, explain
from cloudmart.dynamodb.index_record import remove_record, write_record
from cloudmart.dynamodb.operator import PATIENCE as CALL_PATIENCE
from cloudmart.dynamodb.steps import CreateTable, RunBackfill, Step
from cloudmart.dynamodb.tally import Tally
from cloudmart.values.timestamp import now, stamp

PATIENCE = 6 * 60 * 60.0
"""Seconds a step may take: an index over many items takes DynamoDB hours."""


class Watcher(Protocol):
    """Is told how the steps get on."""

    def begins(self, step: Step) -> None:
        """A step is about to be taken."""

    def waits(self, step: Step, seconds: float) -> None:
        """DynamoDB has been at it for so long."""

    def reads(self, step: RunBackfill, tally: Tally) -> None:
        """The backfill has got this far."""

    def ends(self, finding: Finding) -> None:
        """A step was taken, or could not be."""


async def apply(
    client: Any,  # noqa: ANN401 - botocore makes its clients at run time
    steps: Sequence[Step],
    watcher: Watcher,
    *,
    patience: float = PATIENCE,
    call_patience: float = CALL_PATIENCE,
) -> list[Finding]:
    """Take steps in their order and return how their parts are then.

    What fails does not keep the others from being tried, unless they need the table it was to
    create.
    """
    findings: list[Finding] = []
    absent: set[str] = set()
    for step in steps:
        if step.table in absent:
            continue
        watcher.begins(step)
        finding = await _take(client, step, watcher, (patience, call_patience))
        watcher.ends(finding)
        findings.append(finding)
        if isinstance(step, CreateTable) and finding.state is not State.OK:
            absent.add(step.table)
    return findings


async def _take(
    client: Any,  # noqa: ANN401 - as above
    step: Step,
    watcher: Watcher,
    patience: tuple[float, float],
) -> Finding:
    of_step, of_call = patience
    change = Change(client, lambda seconds: watcher.waits(step, seconds), patience=of_call)
    try:
        async with asyncio.timeout(of_step) as limit:
            if isinstance(step, RunBackfill):
                return await _backfill(client, step, watcher)
            await change.make(step)
    except TROUBLE as error:
        if limit.expired():
            remark = "DynamoDB is still at it; apply again to go on waiting"
            return Finding(step.table, step.part, State.CHANGING, remark)
        refusal = explain(error)
        return Finding(step.table, step.part, refusal.state, refusal.remark)
    return Finding(step.table, step.part, State.OK)


async def _backfill(client: Any, step: RunBackfill, watcher: Watcher) -> Finding:  # noqa: ANN401
    backfill = Backfill(client, step.table, step.items, rate=step.rate)
    started = stamp(now())

    def tell(tally: Tally) -> None:
        watcher.reads(step, tally)

    tally = await (backfill.count(tell) if step.dry_run else backfill.run(tell))
    if not tally.is_complete:
        await remove_record(client, step.notes, step.items)
    elif step.record:
        await write_record(client, step.notes, step.items, started)
    state = State.OK if tally.is_complete else State.WRONG
    return Finding(step.table, step.part, state, tally.sentence(dry_run=step.dry_run))
