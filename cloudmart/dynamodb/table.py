"""A table: the few operations the shop needs, typed, with DynamoDB's refusals in our words."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from cloudmart.dynamodb.client import Database, answer_was_lost
from cloudmart.dynamodb.codec import Item, decode_item, encode_item
from cloudmart.dynamodb.expression import (
    Expression,
    changing,
    parameters,
    projection,
    setting,
    unchanged,
)
from cloudmart.errors import ConflictError, ItemTooLargeError
from cloudmart.values.page import Page, Pages

Key = dict[str, Any]
"""Where a page begins, as DynamoDB sends and takes it."""

_CONDITION_FAILED = "ConditionalCheckFailedException"

BATCH = 100
"""Items one BatchGetItem may ask for (DynamoDB's limit)."""

_FREE = {
    "ConditionExpression": "attribute_not_exists(id)",
    "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
}

# While a page is turned from one JSON into another nobody else is served. A megabyte of small
# items takes longer than anybody should wait; these take some milliseconds.
_PAGE = 500

_BREATHER = 0.05
"""Seconds to wait where DynamoDB gave none of the items that were asked for."""


class RefusedError(Exception):
    """A condition did not hold; `item` is what is stored, or None where nothing is.

    `again` tells that the answer of an earlier try was lost, which may have made the change.
    """

    def __init__(self, item: Item | None, *, again: bool = False) -> None:
        super().__init__("the condition of a write did not hold")
        self.item = item
        self.again = again


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
                **projection(attributes),
            }
        }
        found: dict[str, Item] = {}
        async with self.database.budget():
            while wanted:
                answer = await self.database.call("batch_get_item", RequestItems=wanted)
                came = answer["Responses"].get(self.name, ())
                found |= {item["id"]: item for item in map(decode_item, came)}
                wanted = answer.get("UnprocessedKeys")
                if wanted and not came:
                    await asyncio.sleep(_BREATHER)
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

    async def update(self, key: str, changes: Mapping[str, Any]) -> Item | None:
        """Set attributes of an item that exists and return all of it; None where it does not.

        Attributes that are not named keep their values, whoever wrote them.
        """
        try:
            answer = await self._call(
                "update_item",
                Key=encode_item({"id": key}),
                ConditionExpression="attribute_exists(id)",
                ReturnValues="ALL_NEW",
                **setting(changes),
            )
        except ClientError as error:
            if _code(error) != _CONDITION_FAILED:
                raise
            return None
        return decode_item(answer["Attributes"])

    async def upsert(
        self, key: str, changes: Mapping[str, Any], *, first: Mapping[str, Any]
    ) -> None:
        """Set attributes of an item, which is made where there is none.

        Those of `first` are only set where the item has none of their name.
        """
        await self._call("update_item", Key=encode_item({"id": key}), **setting(changes, first))

    async def change(
        self,
        key: str,
        update: Expression,
        when: Expression | None = None,
        *,
        done: Callable[[Item], bool] = lambda _: False,
    ) -> None:
        """Change an item; where there was none, one is made.

        `done` knows an item that this very change has been made of, by something only this
        change writes: where its answer was lost, the next try meets what it wrote itself.

        Raises:
            RefusedError: the condition does not hold.
        """
        try:
            await self._write_when("update_item", key, **parameters(update=update, when=when))
        except RefusedError as error:
            if error.item is None or not done(error.item):
                raise

    async def amend(
        self,
        key: str,
        update: Expression,
        when: Expression | None = None,
        *,
        done: Callable[[Item], bool] = lambda _: False,
    ) -> Item:
        """Change an item as `change` does, and return all of it as it is now.

        `done` is asked only where an answer was lost. Otherwise the change that it meets is
        another's, however alike the two are.
        """
        try:
            answer = await self._write_when(
                "update_item", key, **parameters(update=update, when=when), ReturnValues="ALL_NEW"
            )
        except RefusedError as error:
            if not error.again or error.item is None or not done(error.item):
                raise
            return error.item
        return decode_item(answer["Attributes"])

    async def remove_when(self, key: str, when: Expression) -> None:
        """Delete an item, or raise RefusedError where the condition does not hold."""
        await self._write_when("delete_item", key, **parameters(when=when))

    async def remove(self, key: str) -> bool:
        """Delete an item; False where there was none."""
        try:
            await self._call(
                "delete_item",
                Key=encode_item({"id": key}),
                ConditionExpression="attribute_exists(id)",
            )
        except ClientError as error:
            if _code(error) != _CONDITION_FAILED:
                raise
            # Where the answer of a first try was lost, the second meets what that one did.
            return answer_was_lost(error)
        return True

    async def scan(
        self,
        *,
        after: str | None = None,
        page_size: int | None = None,
        attributes: Sequence[str] | None = None,
    ) -> Pages[Item]:
        """Walk through the whole table, a page of at most 1 MB and 500 items at a time.

        Where attributes are named, DynamoDB leaves out the others but the id. The walk is as long.
        """
        options: dict[str, Any] = {"Limit": min(page_size or _PAGE, _PAGE)}
        options |= projection(attributes)
        if after:
            options["ExclusiveStartKey"] = encode_item({"id": after})
        async for page in self._walk("scan", **options):
            yield page

    async def query(self, index: str, name: str, value: str) -> Pages[Item]:
        """Walk through an index's items of one key, greatest sort key first, page by page."""
        async for page in self._walk("query", **key_query(index, name, value), Limit=_PAGE):
            yield page

    async def read_page(self, operation: str, **parameters: Any) -> tuple[Page[Item], Key | None]:  # noqa: ANN401
        """Read a page of a scan or a query; return it, and where the next one begins.

        Pages are large, so few are read at once, whoever asks for them.
        """
        async with self.database.pages:
            answer = await self._call(operation, **parameters)
            after = answer.get("LastEvaluatedKey")
            return Page([decode_item(item) for item in answer["Items"]], last=after is None), after

    async def describe(self) -> dict[str, Any]:
        """Return DynamoDB's description of the table."""
        description: dict[str, Any] = (await self._call("describe_table"))["Table"]
        return description

    async def _walk(self, operation: str, **parameters: Any) -> Pages[Item]:  # noqa: ANN401
        # A list that has begun waits for its turn; one that has not is refused in time.
        async with self.database.budget():
            page, after = await self.read_page(operation, **parameters)
        yield page
        while after is not None:
            page, after = await self.read_page(operation, **parameters, ExclusiveStartKey=after)
            yield page

    async def _write_when(self, operation: str, key: str, **options: Any) -> dict[str, Any]:  # noqa: ANN401
        try:
            return await self._call(operation, Key=encode_item({"id": key}), **options)
        except ClientError as error:
            if _code(error) != _CONDITION_FAILED:
                raise
            stored = error.response.get("Item")
            item = decode_item(stored) if stored else None
            raise RefusedError(item, again=answer_was_lost(error)) from error

    async def _call(self, operation: str, **parameters: Any) -> dict[str, Any]:  # noqa: ANN401
        try:
            return await self.database.call(operation, TableName=self.name, **parameters)
        except ClientError as error:
            # It has no code of its own, only a sentence.
            if "exceeded the maximum allowed size" not in str(error):
                raise
            raise ItemTooLargeError("There is no room for that in what is stored.") from error


def key_query(index: str, name: str, value: str) -> dict[str, Any]:
    """Return a query of an index's items of one key, greatest sort key first."""
    return {
        "IndexName": index,
        "KeyConditionExpression": "#key = :key",
        "ExpressionAttributeNames": {"#key": name},
        "ExpressionAttributeValues": encode_item({":key": value}),
        "ScanIndexForward": False,
    }


def _came_through(error: ClientError, item: Item) -> bool:
    # The SDK tries again when an answer is lost. Its second try then meets what the first wrote.
    again = error.response["ResponseMetadata"].get("RetryAttempts", 0) > 0
    return again and decode_item(error.response.get("Item", {})) == item


def _code(error: ClientError) -> str:
    code: str = error.response["Error"]["Code"]
    return code


VERSION = "version"
"""Counts the changes of an item, so that two in one millisecond differ."""


async def revise(
    table: Table, key: str, basis: Sequence[str], change: Callable[[Item], Mapping[str, Any]]
) -> Item | None:
    """Set the attributes that `change` makes of an item, and return all of it; None without one.

    An attribute that is to be None is taken away.
    The change is made only while the attributes of `basis` are as they were read. Where somebody
    was faster, `change` is asked again.

    Raises:
        UnavailableError: others were faster for as long as an operation may take.
    """
    async with table.database.budget():
        item = await table.get(key)
        while item is not None:
            changes = change(item)

            def is_done(found: Item, wanted: Mapping[str, Any] = changes) -> bool:
                return all(found.get(name) == value for name, value in wanted.items())

            try:
                return await table.amend(
                    key, changing(changes), unchanged(item, basis), done=is_done
                )
            except RefusedError as error:
                item = error.item
    return None


async def remove_seen(
    table: Table, key: str, basis: Sequence[str], check: Callable[[Item], None]
) -> bool:
    """Delete an item that `check` does not refuse by raising; False where there is none.

    It is deleted only while the attributes of `basis` are as `check` saw them.
    """
    async with table.database.budget():
        item = await table.get(key)
        while item is not None:
            check(item)
            try:
                await table.remove_when(key, unchanged(item, basis))
            except RefusedError as error:
                if error.item is None:
                    return error.again  # by this very request, whose first answer was lost
                item = error.item
            else:
                return True
    return False
