"""The tables against the schema: what DynamoDB says of each, and a finding for each part."""

from collections.abc import Awaitable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from cloudmart.dynamodb.codec import Item, decode_item, encode_item
from cloudmart.dynamodb.refusals import TROUBLE, PartState, TableRefusal, explain_refusal
from cloudmart.dynamodb.schema import (
    Description,
    IndexedItems,
    TableIndex,
    TableSchema,
    deviation,
    fault_of_record,
    format_key,
    index_named,
    keys_of,
)
from cloudmart.dynamodb.session import AwsClient
from cloudmart.tables.backfill import Backfill
from cloudmart.tables.steps import (
    DEFAULT_RATE,
    INDEX_KEYS,
    STREAM,
    AddIndex,
    CreateTable,
    EnableExpiry,
    EnableRecovery,
    EnableStream,
    RunBackfill,
    Step,
    TableFinding,
)

Answer = Mapping[str, Any]

_UNASKED = TableRefusal(PartState.MISSING, "")

_LET_USE = (
    "look-ups read the whole table until `cloudmart tables use-indexes` has run, after the last "
    "pod of an older release has ended"
)


@dataclass(frozen=True, slots=True)
class ObservedTable:
    """A table as DynamoDB describes it; `table` is None where there is none."""

    table: Answer | TableRefusal | None
    recovery: Answer | TableRefusal = _UNASKED
    expiry: Answer | TableRefusal = _UNASKED
    record: Item | TableRefusal | None = None


async def describe_table(client: AwsClient, schema: TableSchema) -> ObservedTable:
    """Ask DynamoDB all there is to know of a table."""
    name = schema.name
    table = await _ask(client.describe_table(TableName=name), "Table")
    if table is None or isinstance(table, TableRefusal):
        return ObservedTable(table)
    recovery = await _ask(
        client.describe_continuous_backups(TableName=name), "ContinuousBackupsDescription"
    )
    expiry = await _ask(client.describe_time_to_live(TableName=name), "TimeToLiveDescription")
    record = await _record(client, schema.items, schema.notes) if schema.items else None
    return ObservedTable(table, recovery or {}, expiry or {}, record)


async def _record(client: AwsClient, items: IndexedItems, notes: str) -> Item | TableRefusal | None:
    key = encode_item({"id": items.record})
    call = client.get_item(TableName=notes, Key=key, ConsistentRead=True)
    stored = await _ask(call, "Item")
    return stored if stored is None or isinstance(stored, TableRefusal) else decode_item(stored)


async def _ask(call: Awaitable[Answer], member: str) -> Answer | TableRefusal | None:
    try:
        answer: Answer | None = (await call).get(member)
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return None
        return explain_refusal(error)
    return answer


def compare_table(schema: TableSchema, observed: ObservedTable) -> list[TableFinding]:
    """Return how each part of a table is."""
    match observed.table:
        case None:
            return list(_absent(schema))
        case TableRefusal(state, remark):
            return [TableFinding(schema.name, "table", state, remark)]
        case description:
            return list(_present(schema, description, observed))


def _absent(schema: TableSchema) -> Iterator[TableFinding]:
    yield _missing(CreateTable(schema))
    yield _missing(EnableRecovery(schema.name))
    if schema.expires:
        yield _missing(EnableExpiry(schema.name, schema.expires))
    if schema.items:
        # No older release has written anything to it, so that one pass is enough.
        yield _missing(RunBackfill.of(schema, record=True))


def _present(
    schema: TableSchema, description: Description, observed: ObservedTable
) -> Iterator[TableFinding]:
    name = schema.name
    keys = keys_of(description, description)
    if keys != {"HASH": ("id", "S")}:
        remark = f"has the key {format_key(keys)}, not id (S)"
        yield TableFinding(name, "table", PartState.WRONG, remark)
        return
    yield _table(name, description)
    yield _recovery(name, observed)
    if schema.expires:
        yield _expiry(name, schema.expires, observed)
    if schema.stream:
        yield _stream(name, description)
    if schema.items:
        yield _index_keys(name, observed)
    for index in schema.indexes:
        yield _index(name, description, index)


def _missing(step: Step, remark: str = "") -> TableFinding:
    return TableFinding(step.table, step.part, PartState.MISSING, remark, step)


def _table(name: str, description: Description) -> TableFinding:
    status = description["TableStatus"]
    if status in {"CREATING", "UPDATING"}:
        return TableFinding(name, "table", PartState.CHANGING, f"is {status.lower()}")
    if status != "ACTIVE":
        return TableFinding(name, "table", PartState.WRONG, f"is {status.lower()}")
    billing = (description.get("BillingModeSummary") or {}).get("BillingMode", "PROVISIONED")
    if billing != "PAY_PER_REQUEST":
        return TableFinding(
            name, "table", PartState.WRONG, f"its capacity is {billing}, not on demand"
        )
    return TableFinding(name, "table", PartState.OK)


def _recovery(name: str, observed: ObservedTable) -> TableFinding:
    step = EnableRecovery(name)
    if isinstance(observed.recovery, TableRefusal):
        return TableFinding(name, step.part, observed.recovery.state, observed.recovery.remark)
    recovery = observed.recovery.get("PointInTimeRecoveryDescription") or {}
    if recovery.get("PointInTimeRecoveryStatus") == "ENABLED":
        return TableFinding(name, step.part, PartState.OK)
    return _missing(step)


def _expiry(name: str, attribute: str, observed: ObservedTable) -> TableFinding:
    step = EnableExpiry(name, attribute)
    if isinstance(observed.expiry, TableRefusal):
        return TableFinding(name, step.part, observed.expiry.state, observed.expiry.remark)
    status = observed.expiry.get("TimeToLiveStatus", "DISABLED")
    found = observed.expiry.get("AttributeName")
    if status == "DISABLED":
        return _missing(step)
    if status == "DISABLING":
        return TableFinding(
            name, step.part, PartState.WRONG, "is being turned off; apply again in an hour"
        )
    if found != attribute:
        return TableFinding(name, step.part, PartState.WRONG, f"uses {found}, not {attribute}")
    return TableFinding(name, step.part, PartState.OK)


def _stream(name: str, description: Description) -> TableFinding:
    step = EnableStream(name)
    stream = description.get("StreamSpecification") or {}
    if not stream.get("StreamEnabled"):
        return _missing(step)
    view = stream.get("StreamViewType")
    if view != STREAM["StreamViewType"]:
        remark = f"shows {view}; {STREAM['StreamViewType']} needs it turned off first"
        return TableFinding(name, step.part, PartState.WRONG, remark)
    return TableFinding(name, step.part, PartState.OK)


def _index_keys(name: str, observed: ObservedTable) -> TableFinding:
    record = observed.record
    if isinstance(record, TableRefusal):
        return TableFinding(name, INDEX_KEYS, record.state, record.remark)
    if record is None or fault_of_record(record):
        return TableFinding(name, INDEX_KEYS, PartState.MISSING, _LET_USE)
    remark = f"all items have them since {record.get('completedAt')}"
    return TableFinding(name, INDEX_KEYS, PartState.OK, remark)


def _index(name: str, description: Description, index: TableIndex) -> TableFinding:
    step = AddIndex(name, index)
    found = index_named(description, index.name)
    if found is None:
        return _missing(step)
    if found["IndexStatus"] in {"CREATING", "DELETING"}:
        status = found["IndexStatus"].lower()
        return TableFinding(name, step.part, PartState.CHANGING, f"is {status}", step)
    if other := deviation(description, index):
        return TableFinding(name, step.part, PartState.WRONG, other)
    return TableFinding(name, step.part, PartState.OK)


async def check_tables(client: AwsClient, schemas: Iterable[TableSchema]) -> list[TableFinding]:
    """Return a finding for each part of each table, in the order of the steps they ask for."""
    return [
        finding
        for schema in schemas
        for finding in compare_table(schema, await describe_table(client, schema))
    ]


async def check_tables_and_items(
    client: AwsClient, schemas: Iterable[TableSchema]
) -> list[TableFinding]:
    """Return the same, but count the items that lack attributes of the indexes.

    A record says nothing of an item that an older release, or a person, has written since.
    """
    findings: list[TableFinding] = []
    for schema in schemas:
        observed = await describe_table(client, schema)
        for finding in compare_table(schema, observed):
            known = observed.table is None or isinstance(observed.table, TableRefusal)
            counted = finding.part == INDEX_KEYS and not known
            findings.append(await _count(client, schema) if counted else finding)
    return findings


async def _count(client: AwsClient, schema: TableSchema) -> TableFinding:
    step = RunBackfill.of(schema)
    try:
        tally = await Backfill(client, step.table, step.items, rate=DEFAULT_RATE).count()
    except TROUBLE as error:
        refusal = explain_refusal(error)
        return TableFinding(step.table, step.part, refusal.state, refusal.remark)
    if not tally.updated:
        return TableFinding(step.table, step.part, PartState.OK, tally.sentence(dry_run=True))
    return TableFinding(
        step.table, step.part, PartState.MISSING, tally.sentence(dry_run=True), step
    )
