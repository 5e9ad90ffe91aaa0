"""Changing a table: DynamoDB is asked, asked again while it is busy, and waited for."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from cloudmart.dynamodb.create import STREAM, definition, index_definition
from cloudmart.dynamodb.described import Description, has_stream, index_named, is_settled
from cloudmart.dynamodb.operator import patiently
from cloudmart.dynamodb.schema import Index, TableSchema
from cloudmart.dynamodb.steps import (
    AddIndex,
    CreateTable,
    EnableExpiry,
    EnableRecovery,
    EnableStream,
    RunBackfill,
    Step,
)

_LONGEST_PAUSE = 10.0


class Change:
    """Makes one change to a table and waits until it is made; the caller bounds the time.

    Each first looks whether the change is there already: somebody else may have made it, or an
    answer was lost and the request repeated.
    """

    def __init__(self, client: Any, tell: Callable[[float], None]) -> None:  # noqa: ANN401
        self._client = client
        self._tell = tell

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

    @patiently
    async def _create(self, schema: TableSchema) -> None:
        # Where it exists since a moment ago, or is being created, it only has to be waited for.
        with suppress(self._client.exceptions.ResourceInUseException):
            await self._client.create_table(**definition(schema))
        await self._settled(schema.name, new=True)

    @patiently
    async def _enable_recovery(self, table: str) -> None:
        await self._client.update_continuous_backups(
            TableName=table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
        )

    @patiently
    async def _enable_expiry(self, table: str, attribute: str) -> None:
        await self._settled(table)
        expiry = await self._client.describe_time_to_live(TableName=table)
        if expiry["TimeToLiveDescription"].get("AttributeName") != attribute:
            wanted = {"Enabled": True, "AttributeName": attribute}
            await self._client.update_time_to_live(TableName=table, TimeToLiveSpecification=wanted)

    @patiently
    async def _enable_stream(self, table: str) -> None:
        if not has_stream(await self._settled(table)):
            await self._client.update_table(TableName=table, StreamSpecification=STREAM)
            await self._settled(table, having=has_stream)

    @patiently
    async def _add_index(self, table: str, index: Index) -> None:
        def is_there(description: Description) -> bool:
            return index_named(description, index.name) is not None

        description = await self._settled(table)
        if not is_there(description):
            known = {one["AttributeName"]: one for one in description["AttributeDefinitions"]}
            wanted = {
                name: {"AttributeName": name, "AttributeType": "S"}
                for name in (index.partition, index.sort)
            }
            await self._client.update_table(
                TableName=table,
                AttributeDefinitions=list((wanted | known).values()),
                GlobalSecondaryIndexUpdates=[{"Create": index_definition(index)}],
            )
            await self._settled(table, having=is_there)

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
            description: Description = (await self._client.describe_table(TableName=table))["Table"]
        except self._client.exceptions.ResourceNotFoundException:
            if not new:  # a table just created is not known everywhere at once
                raise
            return None
        return description
