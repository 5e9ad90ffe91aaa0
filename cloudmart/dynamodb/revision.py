"""Changing or deleting an item by what it holds, however many do so at once."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cloudmart.dynamodb.codec import Item
from cloudmart.dynamodb.expression import changing, unchanged
from cloudmart.dynamodb.table import RefusedError, Table

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
