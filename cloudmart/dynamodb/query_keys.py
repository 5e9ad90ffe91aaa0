"""An index's items of several keys as one list: of a status, which is spread over shards."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from cloudmart.dynamodb.codec import Item, encode_item
from cloudmart.dynamodb.schema import TableIndex
from cloudmart.dynamodb.table import Key, Table, key_query
from cloudmart.values.page import Page, Pages

AT_ONCE = 500
"""Items of all keys that are read at once."""


@dataclass
class _Walk:
    """How far the items of one key have been told."""

    query: Key
    start: Key | None = None
    ended: bool = False


async def query_keys(
    table: Table, index: TableIndex, values: Sequence[str], *, at_once: int = AT_ONCE
) -> Pages[Item]:
    """Yield the items of several keys of an index, greatest sort key first, page by page.

    Nothing is kept while the list's reader takes its time: what was read of one key and comes after
    items of another that were not read yet is read again for the next page.
    """
    walks = [_Walk(key_query(index.name, index.partition, value)) for value in values]
    size = max(1, at_once // len(walks))
    while walks:
        async with table.database.merges:
            found = await asyncio.gather(*(_read(table, walk, size) for walk in walks))
            items = _known(index, walks, found)
        walks = [walk for walk in walks if not walk.ended]
        del found
        yield Page(items, last=not walks)


async def _read(table: Table, walk: _Walk, size: int) -> tuple[Page[Item], Key | None]:
    start = {"ExclusiveStartKey": walk.start} if walk.start else {}
    return await table.read_page("query", **walk.query, **start, Limit=size)


def _known(
    index: TableIndex, walks: Sequence[_Walk], found: Sequence[tuple[Page[Item], Key | None]]
) -> list[Item]:
    """Return the items that nothing unread comes before, and note how far they go."""
    # A page without items leads on all the same.
    blank = any(after and not page.items for page, after in found)
    lasts = [page.items[-1][index.sort] for page, after in found if after and page.items]
    least = max(lasts, default="")
    known: list[Item] = []
    for walk, (page, after) in zip(walks, found, strict=True):
        told = [] if blank else [item for item in page.items if item[index.sort] >= least]
        if len(told) == len(page.items):
            walk.start, walk.ended = after, after is None
        elif told:
            names = ("id", index.partition, index.sort)
            walk.start = encode_item({name: told[-1][name] for name in names})
        known += told
    return sorted(known, key=lambda item: item[index.sort], reverse=True)
