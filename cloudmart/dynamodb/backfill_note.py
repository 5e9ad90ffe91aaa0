"""How far the backfill is: kept in a note in the table it is about."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from cloudmart.dynamodb.codec import decode, encode
from cloudmart.dynamodb.internal import BACKFILL, note
from cloudmart.dynamodb.tally import Tally
from cloudmart.values.timestamp import now, stamp


class BackfillNote:
    """The record of the pass that runs, and of whether one has completed.

    `completedAt` is what look-ups go by. It stays while a later pass runs, and goes if that pass
    finds orders that the index cannot hold.
    """

    def __init__(self, client: Any, table: str) -> None:  # noqa: ANN401 - botocore's
        self._client = client
        self._table = table
        self._where = {"TableName": table, "Key": encode({"id": BACKFILL})}

    async def begin(self, *, from_start: bool) -> tuple[Tally, Mapping[str, Any] | None]:
        """Return what the pass that was broken off had met, and where; else note a new one."""
        answer = await self._client.get_item(**self._where, ConsistentRead=True)
        stored = decode(answer.get("Item", {}))
        if not from_start and "lastKey" in stored:
            return Tally.stored(stored), encode({"id": stored["lastKey"]})
        if not stored:
            await self._create()
        await self._write({"startedAt": stamp(now())}, remove=("lastKey", "tally"))
        return Tally(), None

    async def reach(self, after: Mapping[str, Any], tally: Tally) -> None:
        """Note how far the pass is."""
        await self._write({"lastKey": decode(after)["id"], "tally": tally.to_store()})

    async def finish(self, tally: Tally) -> None:
        """Note that the pass has seen every order, and whether that makes the index complete."""
        if tally.is_complete:
            done = {"tally": tally.to_store(), "completedAt": stamp(now())}
            await self._write(done, remove=("lastKey",))
        else:
            await self._write({"tally": tally.to_store()}, remove=("lastKey", "completedAt"))

    async def _create(self) -> None:
        # Where another pass is first, its note is as good.
        with suppress(self._client.exceptions.ConditionalCheckFailedException):
            await self._client.put_item(
                TableName=self._table,
                Item=encode(note(BACKFILL)),
                ConditionExpression="attribute_not_exists(id)",
            )

    async def _write(self, attributes: Mapping[str, Any], remove: Sequence[str] = ()) -> None:
        values = {**attributes, "updatedAt": stamp(now())}
        change = "SET " + ", ".join(f"#{name} = :{name}" for name in values)
        if remove:
            change += " REMOVE " + ", ".join(f"#{name}" for name in remove)
        await self._client.update_item(
            **self._where,
            UpdateExpression=change,
            ExpressionAttributeNames={f"#{name}": name for name in [*values, *remove]},
            ExpressionAttributeValues=encode({f":{name}": v for name, v in values.items()}),
        )
