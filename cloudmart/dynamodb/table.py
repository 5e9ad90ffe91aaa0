"""A table: the few operations that the shop needs, typed, with refusals as our errors."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

from botocore.exceptions import ClientError

from cloudmart.dynamodb.client import Database, PageTrail, answer_was_lost
from cloudmart.dynamodb.codec import Item, decode_item, encode_item
from cloudmart.dynamodb.expression import (
    Condition,
    key_query,
    read_expressions,
    unchanged,
    write_expressions,
)
from cloudmart.dynamodb.lazy_items import LazyItem, decode_all
from cloudmart.errors import ConflictError, ItemTooLargeError
from cloudmart.values.page import FEW, Page, Pages, let_others_go_first

T = TypeVar("T")
Key = dict[str, Any]
"""Where a page begins, as DynamoDB sends and takes it."""

ReadItems = Callable[[Sequence[LazyItem]], list[T]]
"""Reads some items of a page. It may leave out what is nobody's."""

_CONDITION_FAILED = "ConditionalCheckFailedException"

BATCH = 100
"""Items one BatchGetItem may ask for (DynamoDB's limit)."""

_FREE = write_expressions(when=Condition("attribute_not_exists(id)"))

# A page is sent as one chunk, which is in memory while a slow client reads it. Larger
# pages were no faster, and on AWS each page costs one more round trip.
_PAGE = 250

_BREATHER = 0.05
"""Seconds to wait where DynamoDB gave no further item of those that were asked for."""

VERSION = "version"
"""Counts the changes of an item, so that two in one millisecond differ."""


class RefusedError(Exception):
    """A condition did not hold; `item` is what is stored."""

    def __init__(self, item: Item) -> None:
        super().__init__("the condition of a write did not hold")
        self.item = item


class Table:
    """A table whose items are known by their `id`."""

    def __init__(self, database: Database, name: str) -> None:
        self.database = database
        self.name = name

    async def get(self, key: str) -> Item | None:
        """Return the item as last written, or None."""
        answer = await self._call("get_item", Key=encode_item({"id": key}), ConsistentRead=True)
        return decode_item(answer["Item"]) if "Item" in answer else None

    async def get_large(self, key: str) -> Item | None:
        """Return an item as `get` does, where it may be large: few of these are read at once."""
        async with self.database.budget(), self.database.pages:
            return await self.get(key)

    async def get_many(
        self, keys: Sequence[str], attributes: Sequence[str] | None = None
    ) -> dict[str, Item]:
        """Return the items there are, or the named attributes of them, by id; at most 100 keys."""
        wanted: Any = {
            self.name: {
                "Keys": [encode_item({"id": key}) for key in dict.fromkeys(keys)],
                "ConsistentRead": True,
                **read_expressions(attributes=attributes),
            }
        }
        found: dict[str, Item] = {}
        async with self.database.budget():
            while wanted:
                answer = await self.database.call("batch_get_item", RequestItems=wanted)
                came = answer["Responses"].get(self.name, ())
                items = {item["id"]: item for item in map(decode_item, came)}
                wanted = answer.get("UnprocessedKeys")
                if wanted and items.keys() <= found.keys():
                    await asyncio.sleep(_BREATHER)
                found |= items
        return found

    async def put(self, item: Item, *, new: bool) -> None:
        """Write a whole item; with `new`, raise ConflictError where its id is taken."""
        try:
            await self._call("put_item", Item=encode_item(item), **(_FREE if new else {}))
        except ClientError as error:
            if _code(error) != _CONDITION_FAILED:
                raise
            if not _came_through(error, item):
                raise ConflictError(f"{item['id']!r} is already taken.") from error

    async def update(
        self,
        key: str,
        *,
        set: Mapping[str, Any],  # noqa: A002 - DynamoDB's word
        when: Condition | None = None,
        create: bool = False,
        returning: bool = False,
    ) -> Item | None:
        """Set attributes of an item; None where there is none, unless it may `create` one.

        An attribute set to None is removed, `Increment` adds to one, and `Default` is for one that
        is missing. All other attributes keep their values.
        Where it is `returning`, all of the item as it is now is returned, else an empty one.

        Raises:
            RefusedError: there is an item, and the condition does not hold for it.
        """
        options = write_expressions(set, when, exists=not create)
        if returning:
            options["ReturnValues"] = "ALL_NEW"
        try:
            answer = await self._call("update_item", Key=encode_item({"id": key}), **options)
        except ClientError as error:
            stored = _refused_for(error)
            if stored is None:
                return None
            # Where the answer of a first try was lost, the second meets what that one did. What
            # it set is all there then; a number that was added to may be anybody's.
            if answer_was_lost(error) and _has(stored, set):
                return stored
            raise RefusedError(stored) from error
        return decode_item(answer.get("Attributes", {}))

    async def remove(self, key: str, *, when: Condition | None = None) -> bool:
        """Delete an item; False where there was none.

        Raises:
            RefusedError: there is an item, and the condition does not hold for it.
        """
        options = write_expressions(when=when, exists=True)
        try:
            await self._call("delete_item", Key=encode_item({"id": key}), **options)
        except ClientError as error:
            stored = _refused_for(error)
            if stored is None:
                # Where the answer of a first try was lost, the second meets what that one did.
                return answer_was_lost(error)
            raise RefusedError(stored) from error
        return True

    async def optimistic_write(
        self, key: str, basis: Sequence[str], write: Callable[[Item, Condition], Awaitable[T]]
    ) -> T | None:
        """Return what `write` makes of an item, or None where there is none.

        `write` gets the item, and the condition that the attributes of `basis` have not changed. If
        another writer was faster, its write is refused, and it is called again.

        Raises:
            UnavailableError: other writers were faster until the time of an operation was over.
        """
        async with self.database.budget():
            item = await self.get(key)
            while item is not None:
                try:
                    return await write(item, unchanged(item, basis))
                except RefusedError as error:
                    item = error.item
        return None

    def scan(
        self,
        *,
        after: str | None = None,
        page_size: int | None = None,
        attributes: Sequence[str] | None = None,
        consistent: bool = False,
    ) -> Pages[Item]:
        """Walk through the whole table, a page of at most 1 MB and 250 items at a time.

        Where attributes are named, DynamoDB leaves out the others but the id. The walk is as long.
        A consistent walk, which costs twice as much, sees all that was written before it began.
        """
        options = read_expressions(attributes=attributes)
        if consistent:
            options["ConsistentRead"] = True
        return self.scan_as(decode_all, after=after, page_size=page_size, **options)

    async def scan_as(
        self,
        read: ReadItems[T],
        *,
        after: str | None = None,
        page_size: int | None = None,
        **options: Any,  # noqa: ANN401 - DynamoDB's
    ) -> Pages[T]:
        """Walk through the whole table as `scan` does, and let `read` read the items."""
        options["Limit"] = min(page_size or _PAGE, _PAGE)
        if after:
            options["ExclusiveStartKey"] = encode_item({"id": after})
        async for page in self._walk("scan", read, **options):
            yield page

    def query(self, index: str, name: str, value: str) -> Pages[Item]:
        """Walk through an index's items of one key, greatest sort key first, page by page."""
        return self.query_as(decode_all, index, name, value)

    async def query_as(self, read: ReadItems[T], index: str, name: str, value: str) -> Pages[T]:
        """Walk through an index's items as `query` does, and let `read` read them."""
        query = key_query(index, name, value)
        async for page in self._walk("query", read, **query, Limit=_PAGE):
            yield page

    async def read_page(
        self,
        operation: str,
        read: ReadItems[T],
        **parameters: Any,  # noqa: ANN401 - DynamoDB's
    ) -> tuple[Page[T], Key | None]:
        """Read a page of a scan or a query; return it, and where the next one begins.

        Pages are large, so few are read at once, for all requests together. A few items are read in
        one go, and then other requests have their turn.
        """
        async with self.database.pages:
            answer = await self._call(operation, self.database.call_for_page, **parameters)
            after, sent = answer.get("LastEvaluatedKey"), answer.pop("Items")
            found: list[T] = []
            for first in range(0, len(sent), FEW):
                found += read(sent[first : first + FEW])
                await let_others_go_first(len(sent))
            return Page(found, last=after is None), after

    async def describe(self) -> dict[str, Any]:
        """Return DynamoDB's description of the table."""
        description: dict[str, Any] = (await self._call("describe_table"))["Table"]
        return description

    async def _walk(
        self,
        operation: str,
        read: ReadItems[T],
        **parameters: Any,  # noqa: ANN401 - DynamoDB's
    ) -> Pages[T]:
        # A list that has begun waits for its turn; one that has not is refused in time.
        async with self.database.budget():
            page, after = await self.read_page(operation, read, **parameters)
        yield page
        trail = PageTrail()
        while after is not None:
            trail.follow(after)
            parameters["ExclusiveStartKey"] = after
            page, after = await self.read_page(operation, read, **parameters)
            yield page

    async def _call(
        self,
        operation: str,
        call: Callable[..., Awaitable[dict[str, Any]]] | None = None,
        **parameters: Any,  # noqa: ANN401 - DynamoDB's
    ) -> dict[str, Any]:
        call = call or self.database.call
        try:
            return await call(operation, TableName=self.name, **parameters)
        except ClientError as error:
            # This error has only a sentence, and no code.
            if "exceeded the maximum allowed size" not in str(error):
                raise
            raise ItemTooLargeError("The stored item would become too large.") from error


def _refused_for(error: ClientError) -> Item | None:
    """Return what is stored where a condition did not hold; raise any other error again."""
    if _code(error) != _CONDITION_FAILED:
        raise error
    stored = error.response.get("Item")
    return decode_item(stored) if stored else None


def _has(item: Item, changes: Mapping[str, Any]) -> bool:
    return all(item.get(name) == value for name, value in changes.items())


def _came_through(error: ClientError, item: Item) -> bool:
    # The SDK tries again when an answer is lost. Its second try then meets what the first wrote.
    again = error.response["ResponseMetadata"].get("RetryAttempts", 0) > 0
    return again and decode_item(error.response.get("Item", {})) == item


def _code(error: ClientError) -> str:
    code: str = error.response["Error"]["Code"]
    return code
