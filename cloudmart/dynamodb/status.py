"""How the tables are: all of them asked, all of their parts compared with what they should be."""

from collections.abc import Iterable
from typing import Any

from cloudmart.dynamodb.backfill import Backfill
from cloudmart.dynamodb.findings import TROUBLE, Finding, Refusal, State, explain
from cloudmart.dynamodb.plan import compare
from cloudmart.dynamodb.schema import TableSchema
from cloudmart.dynamodb.steps import DEFAULT_RATE, INDEX_KEYS, RunBackfill
from cloudmart.dynamodb.survey import survey


async def look_at(client: Any, schemas: Iterable[TableSchema]) -> list[Finding]:  # noqa: ANN401
    """Return a finding for each part of each table, in the order of the steps they ask for."""
    return [
        finding for schema in schemas for finding in compare(schema, await survey(client, schema))
    ]


async def look_through(client: Any, schemas: Iterable[TableSchema]) -> list[Finding]:  # noqa: ANN401
    """Return the same, but count the items that lack what the indexes are made of.

    A record says nothing of an item that an older release, or a person, has written since.
    """
    findings: list[Finding] = []
    for schema in schemas:
        observed = await survey(client, schema)
        for finding in compare(schema, observed):
            known = observed.table is None or isinstance(observed.table, Refusal)
            counted = finding.part == INDEX_KEYS and not known
            findings.append(await _count(client, schema) if counted else finding)
    return findings


async def _count(client: Any, schema: TableSchema) -> Finding:  # noqa: ANN401
    step = RunBackfill.of(schema)
    try:
        tally = await Backfill(client, step.table, step.items, rate=DEFAULT_RATE).count()
    except TROUBLE as error:
        refusal = explain(error)
        return Finding(step.table, step.part, refusal.state, refusal.remark)
    if not tally.mended:
        return Finding(step.table, step.part, State.OK, tally.sentence(dry_run=True))
    return Finding(step.table, step.part, State.MISSING, tally.sentence(dry_run=True), step)
