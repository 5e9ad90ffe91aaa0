"""Carrying out a plan: one step after the other, each until DynamoDB is done with it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Protocol

from botocore.exceptions import ClientError

from cloudmart.dynamodb.refusals import TROUBLE, PartState, explain_refusal
from cloudmart.dynamodb.schema import (
    Description,
    TableIndex,
    TableSchema,
    has_stream,
    index_named,
    is_settled,
)
from cloudmart.dynamodb.session import AwsClient
from cloudmart.tables.backfill import Backfill, BackfillTally
from cloudmart.tables.operator_client import (
    CALL_PATIENCE,
    is_passing,
    remove_record,
    table_retry,
    write_record,
)
from cloudmart.tables.steps import (
    STREAM,
    AddIndex,
    CreateTable,
    EnableExpiry,
    EnableRecovery,
    EnableStream,
    RunBackfill,
    Step,
    TableFinding,
    index_definition,
    table_definition,
)
from cloudmart.values.timestamp import now, stamp

_LONGEST_PAUSE = 10.0

PATIENCE = 6 * 60 * 60.0
"""Seconds a step may take: an index over many items takes DynamoDB hours."""


class TableChange:
    """Makes one change to a table and waits until it is made; the caller bounds the time.

    Each first looks whether the change is there already: somebody else may have made it, or an
    answer was lost and the request repeated.
    """

    def __init__(
        self,
        client: AwsClient,
        tell: Callable[[float], None],
        *,
        patience: float = CALL_PATIENCE,
    ) -> None:
        self._client = client
        self._tell = tell
        self._patience = patience

    async def make(self, step: Step) -> None:
        """Take a step."""
        match step:
            case CreateTable(schema=schema):
                await self._create(schema)
            case EnableRecovery(table=table):
                await self._enable_recovery(table)
            case EnableExpiry(table=table, attribute=attribute):
                await self._enable_expiry(table, attribute)
            case EnableStream(table=table):
                await self._enable_stream(table)
            case AddIndex(table=table, index=index):
                await self._add_index(table, index)
            case RunBackfill():
                raise TypeError(step)

    async def _create(self, schema: TableSchema) -> None:
        async for attempt in table_retry(self._patience):
            # Where it exists since a moment ago, or is being created, it only has to be waited for.
            with attempt, suppress(self._client.exceptions.ResourceInUseException):
                await self._client.create_table(**table_definition(schema))
        await self._settled(schema.name, new=True)

    async def _enable_recovery(self, table: str) -> None:
        await self._call(
            "update_continuous_backups",
            TableName=table,
            PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
        )

    async def _enable_expiry(self, table: str, attribute: str) -> None:
        async def is_there(_: Description) -> bool:
            answer = await self._call("describe_time_to_live", TableName=table)
            expiry: Mapping[str, Any] = answer["TimeToLiveDescription"]
            return expiry.get("AttributeName") == attribute

        wanted = {"Enabled": True, "AttributeName": attribute}
        await self._request_change(
            table,
            is_there,
            lambda _: self._client.update_time_to_live(
                TableName=table, TimeToLiveSpecification=wanted
            ),
        )

    async def _enable_stream(self, table: str) -> None:
        async def is_there(description: Description) -> bool:
            return has_stream(description)

        await self._request_change(
            table,
            is_there,
            lambda _: self._client.update_table(TableName=table, StreamSpecification=STREAM),
        )
        await self._settled(table, having=has_stream)

    async def _add_index(self, table: str, index: TableIndex) -> None:
        def shows(description: Description) -> bool:
            return index_named(description, index.name) is not None

        async def is_there(description: Description) -> bool:
            return shows(description)

        def add(description: Description) -> Awaitable[object]:
            known = {one["AttributeName"]: one for one in description["AttributeDefinitions"]}
            wanted = {
                name: {"AttributeName": name, "AttributeType": "S"}
                for name in (index.partition, index.sort)
            }
            asked: Awaitable[object] = self._client.update_table(
                TableName=table,
                AttributeDefinitions=list((wanted | known).values()),
                GlobalSecondaryIndexUpdates=[{"Create": index_definition(index)}],
            )
            return asked

        await self._request_change(table, is_there, add)
        await self._settled(table, having=shows)

    async def _request_change(
        self,
        table: str,
        is_there: Callable[[Description], Awaitable[bool]],
        ask: Callable[[Description], Awaitable[object]],
    ) -> None:
        """Ask for a change unless it is there, again after each "not now".

        What the table takes to settle in between, which may be hours, is no part of our patience.
        """
        pause, waited = 0.2, 0.0
        while not await is_there(description := await self._settled(table)):
            try:
                await ask(description)
            except ClientError as error:
                if not is_passing(error) or waited >= self._patience:
                    raise
            else:
                return
            await asyncio.sleep(pause)
            waited += pause
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def _call(self, operation: str, **parameters: Any) -> dict[str, Any]:  # noqa: ANN401
        async def call() -> dict[str, Any]:
            answer: dict[str, Any] = await getattr(self._client, operation)(**parameters)
            return answer

        return await table_retry(self._patience)(call)

    async def _settled(
        self,
        table: str,
        *,
        new: bool = False,
        having: Callable[[Description], bool] = is_settled,
    ) -> Description:
        loop = asyncio.get_running_loop()
        started, pause = loop.time(), 0.1
        while True:
            description = await self._described(table, new=new)
            # A description may be some moments old and not show yet what was asked for.
            if description and is_settled(description) and having(description):
                return description
            self._tell(loop.time() - started)
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE)

    async def _described(self, table: str, *, new: bool) -> Description | None:
        try:
            description: Description = (await self._call("describe_table", TableName=table))[
                "Table"
            ]
        except self._client.exceptions.ResourceNotFoundException:
            if not new:  # a table just created is not known everywhere at once
                raise
            return None
        return description


class Watcher(Protocol):
    """Hears the progress of the steps."""

    def begins(self, step: Step) -> None:
        """A step is about to be taken."""

    def waits(self, step: Step, seconds: float) -> None:
        """DynamoDB has been working on it for so long."""

    def reads(self, step: RunBackfill, tally: BackfillTally) -> None:
        """The backfill has got this far."""

    def ends(self, finding: TableFinding) -> None:
        """A step was taken, or could not be."""


async def apply_steps(
    client: AwsClient,
    steps: Sequence[Step],
    watcher: Watcher,
    *,
    patience: float = PATIENCE,
    call_patience: float = CALL_PATIENCE,
) -> list[TableFinding]:
    """Take steps in their order and return how their parts are then.

    What fails does not keep the others from being tried, unless they need the table it was to
    create.
    """
    findings: list[TableFinding] = []
    absent: set[str] = set()
    for step in steps:
        if step.table in absent:
            continue
        watcher.begins(step)
        finding = await _take(client, step, watcher, (patience, call_patience))
        watcher.ends(finding)
        findings.append(finding)
        if isinstance(step, CreateTable) and finding.state is not PartState.OK:
            absent.add(step.table)
    return findings


async def _take(
    client: AwsClient,
    step: Step,
    watcher: Watcher,
    patience: tuple[float, float],
) -> TableFinding:
    of_step, of_call = patience
    change = TableChange(client, lambda seconds: watcher.waits(step, seconds), patience=of_call)
    try:
        async with asyncio.timeout(of_step) as limit:
            if isinstance(step, RunBackfill):
                return await _backfill(client, step, watcher)
            await change.make(step)
    except TROUBLE as error:
        if limit.expired():
            remark = "DynamoDB is still working; apply again to continue waiting"
            return TableFinding(step.table, step.part, PartState.CHANGING, remark)
        refusal = explain_refusal(error)
        return TableFinding(step.table, step.part, refusal.state, refusal.remark)
    return TableFinding(step.table, step.part, PartState.OK)


async def _backfill(client: AwsClient, step: RunBackfill, watcher: Watcher) -> TableFinding:
    backfill = Backfill(client, step.table, step.items, rate=step.rate)
    started = stamp(now())

    def tell(tally: BackfillTally) -> None:
        watcher.reads(step, tally)

    tally = await (backfill.count(tell) if step.dry_run else backfill.run(tell))
    if not tally.is_complete:
        await remove_record(client, step.notes, step.items)
    elif step.record:
        await write_record(client, step.notes, step.items, started)
    state = PartState.OK if tally.is_complete else PartState.WRONG
    return TableFinding(step.table, step.part, state, tally.sentence(dry_run=step.dry_run))
