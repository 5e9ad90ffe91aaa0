"""DynamoDB: the tables as they should be, their region, and each permission really used."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from cloudmart.doctor.check import CheckResult, DoctorCheck, passed, skipped, trouble, unknown
from cloudmart.doctor.inputs import RIGHTS, Inputs, NotAskedError, NotKnownError
from cloudmart.dynamodb.codec import encode_item
from cloudmart.dynamodb.expression import Condition, key_query, write_expressions
from cloudmart.dynamodb.refusals import KMS, PartState
from cloudmart.dynamodb.schema import TableIndex, TableSchema
from cloudmart.settings import Environment
from cloudmart.tables.plan import check_tables
from cloudmart.tables.schema import shop_tables
from cloudmart.tables.steps import INDEX_KEYS, TableFinding

_PARTS = {
    "recovery": "table-recovery",
    "expiry": "table-expiry",
    "stream": "table-stream",
    INDEX_KEYS: "index-keys",
}
# Words of what is wrong with a table itself.
_WRONG = {
    "encryption": "table-encryption",
    "capacity": "table-capacity",
    "key": "table-key",
}
_OF_TABLES = (
    *("table-exists", "table-key", "table-encryption", "table-capacity", "table-indexes"),
    *("index-built", "index-keys", "table-stream", "table-expiry", "table-recovery"),
)
_NOBODY = "doctor-looks-for-an-item-that-is-never-there"
# True of no item: DynamoDB checks the permission, then the condition, and writes nothing.
_NEVER = Condition("attribute_exists(id) AND attribute_not_exists(id)")
_DENIED = ("AccessDenied", "AccessDeniedException")
_NOT_MET = "ConditionalCheckFailedException"

Ask = Callable[[Any], Awaitable[Any]]

_SEEN = frozenset({"settings", "aws:dynamodb"})


async def parts(inputs: Inputs) -> AsyncIterator[CheckResult]:
    """Report for each part of each table whether it is as it should be."""
    schemas = list(shop_tables(inputs.settings.dynamodb))
    found = await inputs.guarded("dynamodb", lambda: _with_client(inputs, schemas))
    for each in found:
        for result in _results(each):
            yield result
    names = ", ".join(schema.name for schema in schemas)
    if all(each.part != "table" or each.state is PartState.OK for each in found):
        yield passed("table-exists", names)


async def _with_client(inputs: Inputs, schemas: list[TableSchema]) -> list[TableFinding]:
    async with inputs.session("dynamodb").client("dynamodb") as client:
        found = await asyncio.gather(*(check_tables(client, [schema]) for schema in schemas))
    return [finding for findings in found for finding in findings]


def _results(found: TableFinding) -> list[CheckResult]:
    """Return what a finding about a part of a table stands for here."""
    observed = f"{found.table}: {found.part} {found.state}" + (
        f": {found.remark}" if found.remark else ""
    )
    keys = _keys_of(found)
    match found.state:
        case PartState.OK:
            return []
        case PartState.UNSUPPORTED:
            return [skipped(key, found.remark) for key in keys]
        case PartState.DENIED | PartState.FAILED:
            return [unknown(key, observed, RIGHTS) for key in keys]
    return [trouble(key, observed, table=found.table) for key in keys]


def _keys_of(found: TableFinding) -> tuple[str, ...]:
    if found.part in _PARTS:
        return (_PARTS[found.part],)
    if found.part.startswith("index"):
        return ("index-built" if found.state is PartState.CHANGING else "table-indexes",)
    if found.state in {PartState.DENIED, PartState.FAILED}:
        # Of a table that may not be seen nothing is known.
        return _OF_TABLES
    words = (word for word in _WRONG if found.state is PartState.WRONG and word in found.remark)
    return (_WRONG.get(next(words, ""), "table-exists"),)


async def region(inputs: Inputs) -> AsyncIterator[CheckResult]:
    """Check whether the tables are in another region than the one that is configured."""
    settings = inputs.settings
    name = settings.dynamodb.orders_table
    here = settings.aws.region or ""
    if await _is_there(inputs, name, here):
        yield passed("table-region", here)
        return
    others = await inputs.session("dynamodb").get_available_regions("dynamodb")
    seen = await asyncio.gather(*(_is_there(inputs, name, each) for each in others))
    places = [each for each, there in zip(others, seen, strict=True) if there]
    if not places:
        yield passed("table-region", f"no other region of this account has {name} either")
        return
    observed = f"{name} is in {', '.join(places)}, and AWS_REGION is {here}"
    yield trouble("table-region", observed, region=places[0])


async def _is_there(inputs: Inputs, table: str, place: str) -> bool:
    with suppress(ClientError, NotKnownError, BotoCoreError):
        await inputs.aws("dynamodb", "describe_table", TableName=table, region=place)
        return True
    return False


async def permissions(inputs: Inputs) -> AsyncIterator[CheckResult]:
    """Use each permission of the service's on each table, and write nothing."""
    settings = inputs.settings
    if not (inputs.is_service or settings.environment is Environment.LOCAL):
        raise NotAskedError(
            "this process is not the service, so its permissions say nothing: run `kubectl exec "
            "deploy/cloudmart-backend -- cloudmart doctor`"
        )
    schemas = list(shop_tables(settings.dynamodb))
    session = inputs.session("dynamodb")

    async def use_all() -> list[CheckResult]:
        async with session.client("dynamodb") as client:
            return [
                result
                for schema in schemas
                for key, action, ask in _uses(schema)
                if (result := await _use(key, f"dynamodb:{action}", schema.name, ask(client)))
            ]

    for result in await inputs.guarded("dynamodb", use_all):
        yield result


def _uses(schema: TableSchema) -> list[tuple[str, str, Ask]]:
    name, key = schema.name, encode_item({"id": _NOBODY})
    never = {"TableName": name, **write_expressions(when=_NEVER)}
    update = {"TableName": name, **write_expressions({"doctor": "never"}, _NEVER)}
    batch = {name: {"Keys": [key]}}
    return [
        ("may-read", "GetItem", lambda each: each.get_item(TableName=name, Key=key)),
        ("may-read", "BatchGetItem", lambda each: each.batch_get_item(RequestItems=batch)),
        (
            *("may-read", "Scan"),
            lambda each: each.scan(TableName=name, Limit=1, Select="COUNT"),
        ),
        ("may-write", "PutItem", lambda each: each.put_item(**never, Item=key)),
        ("may-write", "UpdateItem", lambda each: each.update_item(**update, Key=key)),
        ("may-write", "DeleteItem", lambda each: each.delete_item(**never, Key=key)),
        *(("may-query", "Query", _querying(name, index)) for index in schema.indexes),
    ]


def _querying(table: str, index: TableIndex) -> Ask:
    query = key_query(index.name, index.partition, _NOBODY)
    return lambda client: client.query(TableName=table, **query, Limit=1)


async def _use(key: str, action: str, table: str, call: Awaitable[Any]) -> CheckResult | None:
    try:
        await call
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in _DENIED:
            return trouble(key, f"{action} on {table} is denied", action=action)
        if code in KMS:
            return trouble(key, f"{action} on {table}: its key of KMS cannot be used ({code})")
        if code != _NOT_MET:
            return unknown(key, f"{action} on {table}: {code}")
    return None


CHECKS = (
    # In a wrong region all tables are missing, and to create them there would make it worse.
    DoctorCheck(_OF_TABLES, parts, _SEEN, ("table-region",), settles=3600),
    DoctorCheck(("table-region",), region, _SEEN, ("credentials-found", "region-set")),
    DoctorCheck(
        ("may-read", "may-write", "may-query"),
        permissions,
        _SEEN | {"environment"},
        ("table-exists", "table-key"),
    ),
)
