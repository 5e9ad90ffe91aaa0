"""The client of an operator's commands: it waits longer, and shows DynamoDB's own errors."""

from contextlib import AbstractAsyncContextManager

import aioboto3
from botocore.exceptions import ClientError
from tenacity import AsyncRetrying

from cloudmart.aws_redirects import DirectConfig
from cloudmart.dynamodb.codec import encode_item
from cloudmart.dynamodb.refusals import BUSY
from cloudmart.dynamodb.schema import KEYS_VERSION, IndexedItems
from cloudmart.dynamodb.session import AwsClient
from cloudmart.retry import operator_retry
from cloudmart.values.timestamp import now, stamp

_CONFIG = DirectConfig(
    connect_timeout=5,
    read_timeout=30,
    retries={"mode": "standard", "total_max_attempts": 4},
)


# Also an error of new tables: they cannot have backups yet.
_NOT_NOW = BUSY | {
    "ContinuousBackupsUnavailableException",
    "InternalServerError",
    "TableInUseException",
}

CALL_PATIENCE = 120.0
"""Seconds for which one call is made again while DynamoDB says "not now": no request could wait."""


def is_passing(error: BaseException) -> bool:
    """Return whether DynamoDB says "not now"."""
    return isinstance(error, ClientError) and error.response["Error"]["Code"] in _NOT_NOW


def table_retry(seconds: float = CALL_PATIENCE) -> AsyncRetrying:
    """Return what makes one call again for some time while DynamoDB says "not now"."""
    return operator_retry(is_passing, seconds)


retry_table_call = table_retry().wraps
"""Make one call again in the same way."""


def open_client(session: aioboto3.Session) -> AbstractAsyncContextManager[AwsClient]:
    """Open a DynamoDB client while the context lasts."""
    client: AbstractAsyncContextManager[AwsClient] = session.client("dynamodb", config=_CONFIG)
    return client


@retry_table_call
async def write_record(client: AwsClient, notes: str, items: IndexedItems, started: str) -> None:
    """Record that a pass which began at a time has found or made all items complete."""
    times = {"startedAt": started, "completedAt": stamp(now())}
    record = {"id": items.record, "keys": KEYS_VERSION, **times}
    await client.put_item(TableName=notes, Item=encode_item(record))


@retry_table_call
async def remove_record(client: AwsClient, notes: str, items: IndexedItems) -> None:
    """Remove the record, so that look-ups read the table."""
    await client.delete_item(TableName=notes, Key=encode_item({"id": items.record}))
