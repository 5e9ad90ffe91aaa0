"""The backfill: one pass over the orders that gives old shapes what the indexes need."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from botocore.exceptions import ClientError

from cloudmart.dynamodb.backfill_note import BackfillNote
from cloudmart.dynamodb.codec import Item, decode
from cloudmart.dynamodb.internal import is_order
from cloudmart.dynamodb.old_orders import ATTRIBUTES, Amendment, amendment
from cloudmart.dynamodb.operator import patiently
from cloudmart.dynamodb.pace import Pace
from cloudmart.dynamodb.tally import Tally
from cloudmart.errors import UnavailableError

PAGE = 500
"""Items read at once, so that an interrupted pass repeats little."""

_AT_ONCE = 32
_ATTEMPTS = 10
_CONDITION_FAILED = "ConditionalCheckFailedException"
# An order that cannot be changed (an index attribute is a number, say) does not stop the others.
_CANNOT_CHANGE = "ValidationException"


class Backfill:
    """Mends old-shape orders while the shop goes on: each write holds only for what was read.

    A pass can be broken off at any time; the next one goes on at the page it had reached.
    """

    def __init__(
        self,
        client: Any,  # noqa: ANN401 - botocore makes its clients at run time
        table: str,
        *,
        rate: float,
        page_size: int = PAGE,
    ) -> None:
        self._client = client
        self._table = table
        self._page_size = page_size
        self._pace = Pace(rate)
        self._at_once = asyncio.Semaphore(_AT_ONCE)
        self._note = BackfillNote(client, table)

    async def count(self, tell: Callable[[Tally], None]) -> Tally:
        """Count what there is to do, and write nothing."""
        tally, after = Tally(), None
        tally.expected = await self._expected()
        while True:
            orders, after = await self._page(after)
            for order in orders:
                tally.see(order)
                tally.mended += bool(amendment(order))
            tell(tally)
            if after is None:
                return tally

    async def run(self, tell: Callable[[Tally], None], *, from_start: bool = False) -> Tally:
        """Mend the orders, from where an earlier pass was broken off unless told otherwise.

        That the pass is complete is recorded only if every order with an e-mail can be found by
        it from now on.
        """
        tally, after = await self._note.begin(from_start=from_start)
        tally.expected = await self._expected()
        while True:
            orders, after = await self._page(after)
            for order in orders:
                tally.see(order)
            await self._mend_all(orders, tally)
            tell(tally)
            if after is None:
                await self._note.finish(tally)
                return tally
            await self._note.reach(after, tally)

    async def _expected(self) -> int:
        # It is for show: a pass needs no permission to describe the table.
        with suppress(ClientError):
            answer = await self._client.describe_table(TableName=self._table)
            return int(answer["Table"].get("ItemCount", 0))
        return 0

    @patiently
    async def _page(self, after: Mapping[str, Any] | None) -> tuple[list[Item], Any]:
        names = {f"#{name}": name for name in ATTRIBUTES}
        start = {"ExclusiveStartKey": after} if after else {}
        answer = await self._client.scan(
            TableName=self._table,
            Limit=self._page_size,
            ConsistentRead=True,
            ProjectionExpression=", ".join(names),
            ExpressionAttributeNames=names,
            **start,
        )
        items = map(decode, answer["Items"])
        orders = [item for item in items if is_order(item["id"])]
        return orders, answer.get("LastEvaluatedKey")

    async def _mend_all(self, orders: list[Item], tally: Tally) -> None:
        wanted = [needed for order in orders if (needed := amendment(order))]
        try:
            async with asyncio.TaskGroup() as group:
                for needed in wanted:
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
                    tally.refuse(needed.order)
                    return
                # Somebody else wrote it, or took it away. What it needs may be something else now.
                needed = amendment(decode(refusal.get("Item", {})))
                if not needed:
                    return
        raise UnavailableError(f"Order {needed.order['id']!r} keeps changing while it is mended.")

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
