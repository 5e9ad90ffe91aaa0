"""Orders by address from the table itself, for as long as the index may not be used."""

import asyncio
from collections import defaultdict
from collections.abc import Collection

from cloudmart.dynamodb.index_keys import CREATED_AT, address_of, created_at
from cloudmart.dynamodb.internal import is_order
from cloudmart.dynamodb.table import Table
from cloudmart.values.email import email_key

_ATTRIBUTES = ("userEmail", "customerEmail", CREATED_AT, "updatedAt")

_Ids = list[str]


class AddressScan:
    """Reads the whole table for an address, once at a time.

    Whoever asks while it is read waits for the next reading, which is for all who wait.
    """

    def __init__(self, table: Table) -> None:
        self._table = table
        self._waiting: dict[str, asyncio.Future[_Ids]] = {}
        self._reading: asyncio.Task[None] | None = None

    async def find(self, key: str) -> _Ids:
        """Return the ids of the orders whose address has a key, newest first."""
        if key not in self._waiting:
            self._waiting[key] = asyncio.get_running_loop().create_future()
        answer = self._waiting[key]
        if self._reading is None:
            self._reading = asyncio.create_task(self._read_for_all())
        # One who leaves does not take the answer from the others.
        return await asyncio.shield(answer)

    async def _read_for_all(self) -> None:
        try:
            while self._waiting:
                asked, self._waiting = self._waiting, {}
                await self._read_for(asked)
        finally:
            self._reading = None

    async def _read_for(self, asked: dict[str, asyncio.Future[_Ids]]) -> None:
        try:
            found = await self._ids(asked)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is for those who asked
            for answer in asked.values():
                answer.set_exception(error)
                answer.exception()  # they may all have left
        else:
            for key, answer in asked.items():
                answer.set_result(found[key])

    async def _ids(self, keys: Collection[str]) -> dict[str, _Ids]:
        found: dict[str, list[tuple[str, str]]] = defaultdict(list)
        async for page in self._table.scan(attributes=_ATTRIBUTES):
            for item in page.items:
                key = email_key(address_of(item))
                if key and key in keys and is_order(item["id"]):
                    found[key].append((created_at(item), item["id"]))
        return {key: [id_ for _, id_ in sorted(found[key], reverse=True)] for key in keys}
