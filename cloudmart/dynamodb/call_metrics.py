"""Metrics and spans of DynamoDB calls: time, capacity, retries; never an item."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import Any

from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError
from opentelemetry.trace import Span, SpanKind
from prometheus_client import Counter, Histogram

from cloudmart.dynamodb.refusals import MISCONFIGURED, THROTTLED
from cloudmart.errors import UnavailableError
from cloudmart.observability import semantic_conventions as names
from cloudmart.observability.metrics import DYNAMODB_CALLS, DYNAMODB_CAPACITY, DYNAMODB_RETRIES
from cloudmart.observability.tracing import child_span

_LATE = (TimeoutError, ConnectTimeoutError, ReadTimeoutError)


@dataclass(slots=True)
class ReadUnits:
    """What some calls have consumed so far."""

    units: float = 0.0


_COUNTED: ContextVar[ReadUnits | None] = ContextVar("counted units", default=None)


@contextmanager
def counted_units() -> Iterator[ReadUnits]:
    """Count what the calls within consume, those of tasks that begin here too."""
    counted = ReadUnits()
    token = _COUNTED.set(counted)
    try:
        yield counted
    finally:
        _COUNTED.reset(token)


def table_of(parameters: Mapping[str, Any]) -> str:
    """Return the table of a call: each of our calls is about one."""
    return str(parameters.get("TableName") or next(iter(parameters.get("RequestItems", ())), ""))


def observe_call(
    operation: str, table: str, outcome: str, seconds: float, answer: Mapping[str, Any]
) -> None:
    """Count a call, and what its answer says that it consumed."""
    _timer(operation, table, outcome).observe(seconds)
    consumed = answer.get("ConsumedCapacity")
    if consumed is not None:
        # One call of several tables has a list, of one here.
        parts = consumed if isinstance(consumed, list) else [consumed]
        units = sum(part.get("CapacityUnits", 0) for part in parts)
        _capacity(operation, table).inc(units)
        if (counted := _COUNTED.get()) is not None:
            counted.units += units


def count_retry(operation: str, parameters: Mapping[str, Any]) -> None:
    """Count that a call is made a second time."""
    DYNAMODB_RETRIES.labels(operation, table_of(parameters)).inc()


def call_span(operation: str, parameters: Mapping[str, Any]) -> AbstractContextManager[Span | None]:
    """Record a call, by the Python name of its operation."""
    name, table = operation.title().replace("_", ""), table_of(parameters)
    attributes = {
        names.DB_SYSTEM: names.DYNAMODB,
        names.DB_OPERATION: name,
        names.DB_COLLECTION: table,
    }
    if index := parameters.get("IndexName"):
        attributes[names.DYNAMODB_INDEX] = index
    return child_span(f"{name} {table}", attributes, SpanKind.CLIENT, _error_type)


def outcome_of(error: BaseException, *, late: bool) -> str:
    """Return in a word how a call failed; `late` means that its time was up."""
    match error:
        case asyncio.CancelledError():
            return "timeout" if late else "abandoned"
        case UnavailableError(__cause__=cause) if isinstance(cause, _LATE):
            return "timeout"
        case UnavailableError(__cause__=ClientError(response={"Error": {"Code": code}})):
            return _of_code(code)
        case UnavailableError():
            return "away"
        case ClientError(response={"Error": {"Code": "ConditionalCheckFailedException"}}):
            return "condition_failed"
    return "refused"


def _of_code(code: str) -> str:
    if code in THROTTLED:
        return "throttled"
    return "denied" if code in MISCONFIGURED else "away"


def _error_type(error: BaseException) -> str:
    if isinstance(error, ClientError):
        return str(error.response["Error"]["Code"])
    return type(error).__name__


@cache
def _timer(operation: str, table: str, outcome: str) -> Histogram:
    return DYNAMODB_CALLS.labels(operation, table, outcome)


@cache
def _capacity(operation: str, table: str) -> Counter:
    return DYNAMODB_CAPACITY.labels(operation, table)
