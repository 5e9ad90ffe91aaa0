"""The backfill: one pass over a table that gives its items what the indexes are made of."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from typing import Any

from botocore.exceptions import ClientError

from cloudmart.dynamodb.amendment import Amendment, amendment
from cloudmart.dynamodb.codec import Item, decode
from cloudmart.dynamodb.internal import is_order
from cloudmart.dynamodb.operator import patiently
from cloudmart.dynamodb.pace import Pace
from cloudmart.dynamodb.schema import IndexedItems
from cloudmart.dynamodb.tally import Tally
from cloudmart.errors import UnavailableError

PAGE = 500
"""Items read at once."""

_AT_ONCE = 32
_ATTEMPTS = 10
_CONDITION_FAILED = "ConditionalCheckFailedException"
# An item that cannot be changed (it is as large as one may be, say) does not stop the others.
_CANNOT_CHANGE = "ValidationException"


class Backfill:
    """Mends items while the shop goes on: each write holds only for what was read.

    A pass can be broken off at any time. The next one reads again, and writes what is left.
    """

    def __init__(
        self,
        client: Any,  # noqa: ANN401 - botocore makes its clients at run time
        table: str,
        items: IndexedItems,
        *,
        rate: float,
        page_size: int = PAGE,
    ) -> None:
        self._client = client
        self._table = table
        self._items = items
        self._page_size = page_size
        self._pace = Pace(rate)
        self._at_once = asyncio.Semaphore(_AT_ONCE)

    async def count(self, tell: Callable[[Tally], None] = lambda _: None) -> Tally:
        """Count what there is to do, and write nothing."""
        tally = Tally(self._items.noun, expected=await self._expected())
        async for page in self._pages():
            tally.mended += sum(map(bool, self._seen(page, tally)))
            tell(tally)
        return tally

    async def run(self, tell: Callable[[Tally], None]) -> Tally:
        """Mend the items, and return what was met."""
        tally = Tally(self._items.noun, expected=await self._expected())
        async for page in self._pages():
            await self._mend_all(self._seen(page, tally), tally)
            tell(tally)
        return tally

    def _seen(self, page: list[Item], tally: Tally) -> list[Amendment]:
        for item in page:
            tally.see(item, self._items)
        return [amendment(item, self._items) for item in page]

    async def _expected(self) -> int:
        # It is for show: a pass needs no permission to describe the table.
        with suppress(ClientError):
            answer = await self._client.describe_table(TableName=self._table)
            return int(answer["Table"].get("ItemCount", 0))
        return 0

    async def _pages(self) -> AsyncIterator[list[Item]]:
        after: Mapping[str, Any] | None = None
        while True:
            page, after = await self._page(after)
            yield page
            if after is None:
                return

    @patiently
    async def _page(self, after: Mapping[str, Any] | None) -> tuple[list[Item], Any]:
        names = {f"#{name}": name for name in ("id", *self._items.sources)}
        start = {"ExclusiveStartKey": after} if after else {}
        answer = await self._client.scan(
            TableName=self._table,
            Limit=self._page_size,
            ConsistentRead=True,
            ProjectionExpression=", ".join(names),
            ExpressionAttributeNames=names,
            **start,
        )
        items = [item for item in map(decode, answer["Items"]) if is_order(item["id"])]
        return items, answer.get("LastEvaluatedKey")

    async def _mend_all(self, amendments: list[Amendment], tally: Tally) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for needed in filter(None, amendments):
                    group.create_task(self._mend(needed, tally))
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None

    async def _mend(self, needed: Amendment, tally: Tally) -> None:
        async with self._at_once:
            for _ in range(_ATTEMPTS):
                await self._pace.turn()
                refusal = await self._write(needed)
                if refusal is None:
                    tally.mended += 1
                    return
                if refusal["Error"]["Code"] == _CANNOT_CHANGE:
                    tally.refuse(needed.item)
                    return
                # Somebody else wrote it, or took it away. What it needs may be something else now.
                stored = refusal.get("Item")
                if not stored:
                    return
                needed = amendment(decode(stored), self._items)
                if not needed:
                    return
        raise UnavailableError(f"Item {needed.item['id']!r} keeps changing while it is mended.")

    @patiently
    async def _write(self, needed: Amendment) -> dict[str, Any] | None:
        try:
            await self._client.update_item(TableName=self._table, **needed.parameters())
        except ClientError as error:
            refusal: dict[str, Any] = error.response
            if refusal["Error"]["Code"] not in {_CONDITION_FAILED, _CANNOT_CHANGE}:
                raise
            return refusal
        return None
