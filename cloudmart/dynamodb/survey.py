"""What there is: everything DynamoDB says of a table, or its refusal to say it."""

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from cloudmart.dynamodb.codec import Item, decode, encode
from cloudmart.dynamodb.findings import Refusal, State, explain
from cloudmart.dynamodb.schema import TableSchema

Answer = Mapping[str, Any]

_UNASKED = Refusal(State.MISSING, "")


@dataclass(frozen=True, slots=True)
class Observed:
    """A table as DynamoDB describes it; `table` is None where there is none."""

    table: Answer | Refusal | None
    recovery: Answer | Refusal = _UNASKED
    expiry: Answer | Refusal = _UNASKED
    backfill: Item | Refusal | None = None


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
    note: Item | Refusal | None = None
    if schema.backfill:
        key = encode({"id": schema.backfill})
        stored = await _ask(client.get_item(TableName=name, Key=key, ConsistentRead=True), "Item")
        note = stored if stored is None or isinstance(stored, Refusal) else decode(stored)
    return Observed(table, recovery or {}, expiry or {}, note)


async def _ask(call: Awaitable[Answer], member: str) -> Answer | Refusal | None:
    try:
        answer: Answer | None = (await call).get(member)
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return None
        return explain(error)
    return answer
