"""What there is: everything DynamoDB says of a table, or its refusal to say it."""

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from cloudmart.dynamodb.codec import Item, decode, encode
from cloudmart.dynamodb.findings import Refusal, State, explain
from cloudmart.dynamodb.schema import IndexedItems, TableSchema

Answer = Mapping[str, Any]

_UNASKED = Refusal(State.MISSING, "")


@dataclass(frozen=True, slots=True)
class Observed:
    """A table as DynamoDB describes it; `table` is None where there is none."""

    table: Answer | Refusal | None
    recovery: Answer | Refusal = _UNASKED
    expiry: Answer | Refusal = _UNASKED
    record: Item | Refusal | None = None


async def survey(client: Any, schema: TableSchema) -> Observed:  # noqa: ANN401 - botocore's
    """Ask DynamoDB all there is to know of a table."""
    name = schema.name
    table = await _ask(client.describe_table(TableName=name), "Table")
    if table is None or isinstance(table, Refusal):
        return Observed(table)
    recovery = await _ask(
        client.describe_continuous_backups(TableName=name), "ContinuousBackupsDescription"
    )
    expiry = await _ask(client.describe_time_to_live(TableName=name), "TimeToLiveDescription")
    record = await _record(client, schema.items, schema.notes) if schema.items else None
    return Observed(table, recovery or {}, expiry or {}, record)


async def _record(client: Any, items: IndexedItems, notes: str) -> Item | Refusal | None:  # noqa: ANN401
    key = encode({"id": items.record})
    call = client.get_item(TableName=notes, Key=key, ConsistentRead=True)
    stored = await _ask(call, "Item")
    return stored if stored is None or isinstance(stored, Refusal) else decode(stored)


async def _ask(call: Awaitable[Answer], member: str) -> Answer | Refusal | None:
    try:
        answer: Answer | None = (await call).get(member)
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return None
        return explain(error)
    return answer
