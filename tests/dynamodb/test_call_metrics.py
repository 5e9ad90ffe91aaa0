"""The metrics of DynamoDB calls, with both transports."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
import pytest_asyncio
from botocore.exceptions import ClientError
from prometheus_client import REGISTRY

from cloudmart.dynamodb.client import Database
from cloudmart.dynamodb.session import new_session
from cloudmart.dynamodb.table import Table
from cloudmart.errors import UnavailableError
from tests.support.scripted_server import Fault, LoopbackServer, Reply

ID = {"x-amzn-RequestId": "ABC"}
LAMP = {"id": {"S": "1"}}


@pytest_asyncio.fixture(params=[True, False], ids=["direct", "sdk"])
async def lamps(wire: LoopbackServer, request: pytest.FixtureRequest) -> AsyncIterator[Table]:
    """Provide a table for each of the two transports."""
    assert wire.url
    database = Database(new_session("us-east-1"), within=30, direct=request.param)
    await database.open()
    yield Table(database, "lamps")
    await database.close()


def _answer(document: object) -> Reply:
    return Reply(200, ID, [json.dumps(document).encode()])


def _refusal(code: str, status: int = 400) -> Reply:
    return Reply(status, ID, [json.dumps({"__type": code, "message": "No."}).encode()])


def _calls(outcome: str, operation: str = "get_item") -> float:
    name = "cloudmart_dynamodb_operation_duration_seconds_count"
    labels = {"operation": operation, "table": "lamps", "outcome": outcome}
    return REGISTRY.get_sample_value(name, labels) or 0


def _sample(name: str, operation: str = "get_item") -> float:
    return REGISTRY.get_sample_value(name, {"operation": operation, "table": "lamps"}) or 0


async def test_a_call_is_counted_with_what_it_consumed(wire: LoopbackServer, lamps: Table) -> None:
    consumed = "cloudmart_dynamodb_consumed_capacity_total"
    wire.play(
        _answer({"Item": LAMP, "ConsumedCapacity": {"TableName": "lamps", "CapacityUnits": 1.5}}),
        _answer(
            {
                "Responses": {"lamps": [LAMP]},
                "ConsumedCapacity": [{"TableName": "lamps", "CapacityUnits": 2.0}],
            }
        ),
    )
    calls, units = _calls("ok"), _sample(consumed)
    batches, units_of_batches = _calls("ok", "batch_get_item"), _sample(consumed, "batch_get_item")

    await lamps.get("1")
    await lamps.get_many(["1"])

    assert all(each.json["ReturnConsumedCapacity"] == "TOTAL" for each in wire.requests)
    assert _calls("ok") - calls == 1
    assert _sample(consumed) - units == 1.5
    assert _calls("ok", "batch_get_item") - batches == 1
    assert _sample(consumed, "batch_get_item") - units_of_batches == 2


async def test_an_answer_without_capacity_counts_as_a_call(
    wire: LoopbackServer, lamps: Table
) -> None:
    wire.play(_answer({"Item": LAMP}))
    before = _calls("ok")

    await lamps.get("1")

    assert _calls("ok") - before == 1


@pytest.mark.parametrize(
    ("code", "status", "outcome"),
    [
        ("ProvisionedThroughputExceededException", 400, "throttled"),
        ("ThrottlingException", 400, "throttled"),
        ("InternalServerError", 500, "away"),
        ("TransactionConflictException", 400, "away"),
        ("AccessDeniedException", 400, "denied"),
        ("ExpiredTokenException", 400, "denied"),
        ("ResourceNotFoundException", 400, "denied"),
        ("ConditionalCheckFailedException", 400, "condition_failed"),
        ("ValidationException", 400, "refused"),
    ],
)
async def test_a_refusal_is_counted_by_what_it_says(
    wire: LoopbackServer, lamps: Table, code: str, status: int, outcome: str
) -> None:
    wire.play(*[_refusal(code, status)] * 2)
    before = _calls(outcome)

    with suppress(ClientError, UnavailableError):
        await lamps.get("1")

    assert _calls(outcome) - before == 1


async def test_a_second_try_is_counted(wire: LoopbackServer, lamps: Table) -> None:
    retries = "cloudmart_dynamodb_retries_total"
    wire.play(_refusal("ThrottlingException"), _answer({"Item": LAMP}))
    calls, before = _calls("ok"), _sample(retries)

    await lamps.get("1")

    assert _sample(retries) - before == 1
    assert _calls("ok") - calls == 1


async def test_a_cancelled_call_does_not_count_as_an_outage(
    wire: LoopbackServer, lamps: Table
) -> None:
    wire.play(Reply(200, ID, [b"{", Fault.HANG]))
    before = _calls("abandoned")
    call = asyncio.create_task(lamps.get("1"))
    while not wire.requests:  # noqa: ASYNC110 - another thread's
        await asyncio.sleep(0.01)

    call.cancel()
    with suppress(asyncio.CancelledError):
        await call

    assert _calls("abandoned") - before == 1


async def test_a_call_whose_common_time_is_up_is_late(wire: LoopbackServer, lamps: Table) -> None:
    wire.answer = lambda _: Reply(200, ID, [b"{", Fault.HANG])
    before = _calls("timeout")
    lamps.database.within = 0.2

    with pytest.raises(UnavailableError):
        async with lamps.database.budget():
            await lamps.get("1")

    assert _calls("timeout") - before == 1
