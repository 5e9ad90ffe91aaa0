"""The backfill: one pass over a table that gives its items the attributes of the indexes."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from cloudmart.dynamodb.codec import Item, decode_item
from cloudmart.dynamodb.expression import read_expressions
from cloudmart.dynamodb.schema import Amendment, IndexedItems, amendment
from cloudmart.dynamodb.session import AwsClient
from cloudmart.errors import UnavailableError
from cloudmart.orders.indexes import DAY_SHARD
from cloudmart.orders.internal_items import is_order
from cloudmart.tables.operator_client import retry_table_call

_EXAMPLES = 10

PAGE = 500
"""Items read at once."""

_AT_ONCE = 32
_ATTEMPTS = 10
_CONDITION_FAILED = "ConditionalCheckFailedException"
# An item that cannot be changed (it is as large as one may be, say) does not stop the others.
_CANNOT_CHANGE = "ValidationException"


@dataclass(slots=True)
class BackfillTally:
    """Counts of items, and the ids of some that a person should look at.

    `expected` is about how many there are.
    """

    noun: str
    seen: int = 0
    updated: int = 0
    undated: int = 0
    refused: int = 0
    examples: list[str] = field(default_factory=list)
    expected: int = 0

    def see(self, item: Item, items: IndexedItems) -> None:
        """Count an item that was read."""
        self.seen += 1
        if DAY_SHARD in items.sources and DAY_SHARD not in items.keys(item):
            self.undated += 1
            self._point_at(item["id"])

    def refuse(self, item: Item) -> None:
        """Count an item that DynamoDB would not change."""
        self.refused += 1
        self._point_at(item["id"])

    @property
    def is_complete(self) -> bool:
        """Return whether the indexes find every item that they should."""
        return not self.refused

    def sentence(self, *, dry_run: bool = False) -> str:
        """Return the tally as a person reads it."""
        parts = [
            f"{self.seen:,} {self.noun} read",
            f"{self.updated:,} {'to update' if dry_run else 'updated'}",
        ]
        parts += _some(self.undated, "without a day: createdAt is not in the shop's form")
        parts += _some(self.refused, "refused by DynamoDB")
        examples = f" ({', '.join(self.examples)})" if self.examples else ""
        return "; ".join(parts) + examples

    def _point_at(self, key: str) -> None:
        if key not in self.examples and len(self.examples) < _EXAMPLES:
            self.examples.append(key)


def _some(count: int, what: str) -> Iterable[str]:
    return [f"{count:,} {what}"] if count else []


class RateLimiter:
    """Hands out turns, one after the other, to however many tasks ask for them."""

    def __init__(self, rate: float) -> None:
        self._gap = 1 / rate
        self._next = 0.0

    async def turn(self) -> None:
        """Wait for the next turn."""
        await asyncio.sleep(self.reserve(asyncio.get_running_loop().time()))

    def reserve(self, now: float) -> float:
        """Take the next turn and return the seconds until then.

        Turns that nobody took are lost, not saved up.
        """
        mine = max(self._next, now)
        self._next = mine + self._gap
        return mine - now


class Backfill:
    """Updates items while the shop runs: each write applies only to an item as it was read.

    A pass can stop at any time. The next one reads again, and writes the rest.
    """

    def __init__(
        self,
        client: AwsClient,
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
        self._pace = RateLimiter(rate)
        self._at_once = asyncio.Semaphore(_AT_ONCE)

    async def count(self, tell: Callable[[BackfillTally], None] = lambda _: None) -> BackfillTally:
        """Count what there is to do, and write nothing."""
        tally = BackfillTally(self._items.noun, expected=await self._expected())
        async for page in self._pages():
            tally.updated += sum(map(bool, self._seen(page, tally)))
            tell(tally)
        return tally

    async def run(self, tell: Callable[[BackfillTally], None]) -> BackfillTally:
        """Update the items, and return the counts."""
        tally = BackfillTally(self._items.noun, expected=await self._expected())
        async for page in self._pages():
            await self._update_all(self._seen(page, tally), tally)
            tell(tally)
        return tally

    def _seen(self, page: list[Item], tally: BackfillTally) -> list[Amendment]:
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

    @retry_table_call
    async def _page(self, after: Mapping[str, Any] | None) -> tuple[list[Item], Any]:
        start = {"ExclusiveStartKey": after} if after else {}
        answer = await self._client.scan(
            TableName=self._table,
            Limit=self._page_size,
            ConsistentRead=True,
            **read_expressions(attributes=self._items.sources),
            **start,
        )
        items = [item for item in map(decode_item, answer["Items"]) if is_order(item["id"])]
        return items, answer.get("LastEvaluatedKey")

    async def _update_all(self, amendments: list[Amendment], tally: BackfillTally) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for needed in filter(None, amendments):
                    group.create_task(self._update(needed, tally))
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None

    async def _update(self, needed: Amendment, tally: BackfillTally) -> None:
        async with self._at_once:
            for _ in range(_ATTEMPTS):
                await self._pace.turn()
                refusal = await self._write(needed)
                if refusal is None:
                    tally.updated += 1
                    return
                if refusal["Error"]["Code"] == _CANNOT_CHANGE:
                    tally.refuse(needed.item)
                    return
                # Somebody else wrote it, or took it away. What it needs may be something else now.
                stored = refusal.get("Item")
                if not stored:
                    return
                needed = amendment(decode_item(stored), self._items)
                if not needed:
                    return
        raise UnavailableError(f"Item {needed.item['id']!r} keeps changing during the backfill.")

    @retry_table_call
    async def _write(self, needed: Amendment) -> dict[str, Any] | None:
        try:
            await self._client.update_item(TableName=self._table, **needed.parameters())
        except ClientError as error:
            refusal: dict[str, Any] = error.response
            if refusal["Error"]["Code"] not in {_CONDITION_FAILED, _CANNOT_CHANGE}:
                raise
            return refusal
        return None
