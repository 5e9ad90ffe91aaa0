"""What is against what should be: a finding for each part of a table, with the step that mends it.

The findings come in the order their steps are to be carried out. What protects data is first.
Items are mended before the indexes are added: DynamoDB refuses to update an item whose index
attributes are not text (NULL, for one), however little the update has to do with them.
"""

from collections.abc import Iterator

from cloudmart.dynamodb.create import STREAM
from cloudmart.dynamodb.described import Description, deviation, index_named, keys_of, spell
from cloudmart.dynamodb.findings import Finding, Refusal, State
from cloudmart.dynamodb.index_record import fault_of_record
from cloudmart.dynamodb.schema import Index, TableSchema
from cloudmart.dynamodb.steps import (
    INDEX_KEYS,
    AddIndex,
    CreateTable,
    EnableExpiry,
    EnableRecovery,
    EnableStream,
    RunBackfill,
    Step,
)
from cloudmart.dynamodb.survey import Observed

_LET_USE = (
    "look-ups read the whole table until `cloudmart tables use-indexes` has run, after the last "
    "pod of an older release has ended"
)


def compare(schema: TableSchema, observed: Observed) -> list[Finding]:
    """Return how each part of a table is."""
    match observed.table:
        case None:
            return list(_absent(schema))
        case Refusal(state, remark):
            return [Finding(schema.name, "table", state, remark)]
        case description:
            return list(_present(schema, description, observed))


def _absent(schema: TableSchema) -> Iterator[Finding]:
    yield _missing(CreateTable(schema))
    yield _missing(EnableRecovery(schema.name))
    if schema.expires:
        yield _missing(EnableExpiry(schema.name, schema.expires))
    if schema.items:
        # No older release has written anything to it, so that one pass is enough.
        yield _missing(RunBackfill.of(schema, record=True))


def _present(
    schema: TableSchema, description: Description, observed: Observed
) -> Iterator[Finding]:
    name = schema.name
    keys = keys_of(description, description)
    if keys != {"HASH": ("id", "S")}:
        remark = f"has the key {spell(keys)}, not id (S)"
        yield Finding(name, "table", State.WRONG, remark)
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


def _missing(step: Step, remark: str = "") -> Finding:
    return Finding(step.table, step.part, State.MISSING, remark, step)


def _table(name: str, description: Description) -> Finding:
    status = description["TableStatus"]
    if status in {"CREATING", "UPDATING"}:
        return Finding(name, "table", State.CHANGING, f"is {status.lower()}")
    if status != "ACTIVE":
        return Finding(name, "table", State.WRONG, f"is {status.lower()}")
    billing = (description.get("BillingModeSummary") or {}).get("BillingMode", "PROVISIONED")
    if billing != "PAY_PER_REQUEST":
        return Finding(name, "table", State.WRONG, f"its capacity is {billing}, not on demand")
    return Finding(name, "table", State.OK)


def _recovery(name: str, observed: Observed) -> Finding:
    step = EnableRecovery(name)
    if isinstance(observed.recovery, Refusal):
        return Finding(name, step.part, observed.recovery.state, observed.recovery.remark)
    recovery = observed.recovery.get("PointInTimeRecoveryDescription") or {}
    if recovery.get("PointInTimeRecoveryStatus") == "ENABLED":
        return Finding(name, step.part, State.OK)
    return _missing(step)


def _expiry(name: str, attribute: str, observed: Observed) -> Finding:
    step = EnableExpiry(name, attribute)
    if isinstance(observed.expiry, Refusal):
        return Finding(name, step.part, observed.expiry.state, observed.expiry.remark)
    status = observed.expiry.get("TimeToLiveStatus", "DISABLED")
    found = observed.expiry.get("AttributeName")
    if status == "DISABLED":
        return _missing(step)
    if status == "DISABLING":
        return Finding(name, step.part, State.WRONG, "is being turned off; apply again in an hour")
    if found != attribute:
        return Finding(name, step.part, State.WRONG, f"goes by {found}, not by {attribute}")
    return Finding(name, step.part, State.OK)


def _stream(name: str, description: Description) -> Finding:
    step = EnableStream(name)
    stream = description.get("StreamSpecification") or {}
    if not stream.get("StreamEnabled"):
        return _missing(step)
    view = stream.get("StreamViewType")
    if view != STREAM["StreamViewType"]:
        remark = f"shows {view}; {STREAM['StreamViewType']} needs it turned off first"
        return Finding(name, step.part, State.WRONG, remark)
    return Finding(name, step.part, State.OK)


def _index_keys(name: str, observed: Observed) -> Finding:
    record = observed.record
    if isinstance(record, Refusal):
        return Finding(name, INDEX_KEYS, record.state, record.remark)
    if record is None or fault_of_record(record):
        return Finding(name, INDEX_KEYS, State.MISSING, _LET_USE)
    remark = f"all items have them since {record.get('completedAt')}"
    return Finding(name, INDEX_KEYS, State.OK, remark)


def _index(name: str, description: Description, index: Index) -> Finding:
    step = AddIndex(name, index)
    found = index_named(description, index.name)
    if found is None:
        return _missing(step)
    if found["IndexStatus"] in {"CREATING", "DELETING"}:
        status = found["IndexStatus"].lower()
        return Finding(name, step.part, State.CHANGING, f"is {status}", step)
    if other := deviation(description, index):
        return Finding(name, step.part, State.WRONG, other)
    return Finding(name, step.part, State.OK)
