"""The backfill, on a table that is in use."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest
from boto3.dynamodb.types import TypeDeserializer
from botocore.exceptions import ClientError

from cloudmart.dynamodb.backfill import Backfill
from cloudmart.dynamodb.internal import BACKFILL, ORDER_SECRET, note
from cloudmart.dynamodb.tally import Tally
from cloudmart.settings import DynamoDBSettings
from tests.support.shop_tables import put
from tests.support.through import Call, Through

RATE = 10_000
FIRST = {"id": {"S": "00000001"}}
_deserialize = TypeDeserializer().deserialize


@pytest.fixture
def table(production: DynamoDBSettings) -> str:
    """Give the name of the orders' table."""
    return production.orders_table


def backfill(client: Any, table: str) -> Backfill:  # noqa: ANN401
    """Return a backfill that reads a few orders at once."""
    return Backfill(client, table, rate=RATE, page_size=4)


def ignore(_: Tally) -> None:
    """Care for no progress."""


def stored(dynamodb: Any, table: str) -> dict[str, dict[str, Any]]:  # noqa: ANN401
    """Return every item of a table, by id."""
    items = dynamodb.scan(TableName=table, ConsistentRead=True)["Items"]
    plain = [{name: _deserialize(value) for name, value in item.items()} for item in items]
    return {item["id"]: item for item in plain}


def old_order(number: int, **more: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return an order as an older version stored it."""
    day = f"2025-01-{number % 28 + 1:02}"
    order = {
        "id": f"{number:08x}",
        "customerEmail": f"c{number}@x.org",
        "createdAt": f"{day}T10:00:00.000Z",
    }
    return order | more


OLD_AND_NEW = [
    ({"customerEmail": "Ann@X.org"}, {"customerEmail": "Ann@X.org", "userEmail": "Ann@X.org"}),
    (
        {"customerEmail": "old@x.org", "userEmail": "new@x.org"},
        {"customerEmail": "old@x.org", "userEmail": "new@x.org"},
    ),
    (
        {"customerEmail": "a@x.org", "userEmail": None},
        {"customerEmail": "a@x.org", "userEmail": "a@x.org"},
    ),
    (
        {"customerEmail": "a@x.org", "userEmail": ""},
        {"customerEmail": "a@x.org", "userEmail": "a@x.org"},
    ),
    ({"userEmail": None}, {}),
    ({"userEmail": ""}, {}),
    ({"customerEmail": "", "userEmail": ""}, {"customerEmail": ""}),
    ({"customerEmail": None}, {"customerEmail": None}),
    ({"createdDay": None}, {}),
    (
        {"productId": "1", "quantity": Decimal(2), "status": "pending"},
        {"productId": "1", "quantity": Decimal(2), "status": "pending"},
    ),
]


@pytest.mark.parametrize(("had", "has"), OLD_AND_NEW)
async def test_an_old_order_gets_what_the_indexes_need_and_nothing_else_changes(
    had: dict[str, Any],
    has: dict[str, Any],
    dynamodb: Any,  # noqa: ANN401
    operator: Any,  # noqa: ANN401
    table: str,
) -> None:
    order = {"id": "0000000a", "createdAt": "2025-01-31T23:59:59.999Z"}
    put(dynamodb, table, order | had)

    await backfill(operator, table).run(ignore)

    assert stored(dynamodb, table)["0000000a"] == order | has | {"createdDay": "2025-01-31"}


async def test_an_order_of_todays_shape_is_not_written(
    dynamodb: Any,  # noqa: ANN401
    operator: Any,  # noqa: ANN401
    table: str,
) -> None:
    put(dynamodb, table, old_order(1, userEmail="c1@x.org", createdDay="2025-01-02"))

    tally = await backfill(operator, table).run(ignore)

    assert (tally.seen, tally.mended) == (1, 0)


@pytest.mark.parametrize(
    "moment",
    [
        "2025-01-31",
        "2025-01-31T10:00:00Z",
        "2025-02-30T10:00:00.000Z",
        "yesterday",
        Decimal(1),
        None,
    ],
)
async def test_an_order_whose_time_is_not_of_our_form_gets_no_day_and_is_counted(
    moment: object,
    dynamodb: Any,  # noqa: ANN401
    operator: Any,  # noqa: ANN401
    table: str,
) -> None:
    put(dynamodb, table, {"id": "0000000a", "createdAt": moment})

    tally = await backfill(operator, table).run(ignore)

    assert (tally.undated, tally.lost, tally.examples) == (1, 0, ["0000000a"])
    assert "createdDay" not in stored(dynamodb, table)["0000000a"]


async def test_internal_notes_are_neither_counted_nor_touched(
    dynamodb: Any,  # noqa: ANN401
    operator: Any,  # noqa: ANN401
    table: str,
) -> None:
    secret = note(ORDER_SECRET, secret="ab")  # noqa: S106 - of a test
    put(dynamodb, table, secret, old_order(1))

    tally = await backfill(operator, table).run(ignore)

    assert (tally.seen, tally.mended) == (1, 1)
    assert stored(dynamodb, table)[ORDER_SECRET] == secret


async def test_an_interrupted_pass_goes_on_where_it_was_and_only_then_is_complete(
    dynamodb: Any,  # noqa: ANN401
    operator: Any,  # noqa: ANN401
    table: str,
) -> None:
    put(dynamodb, table, *(old_order(number) for number in range(20)))
    pages = []

    async def scan(real: Call, **parameters: Any) -> dict[str, Any]:  # noqa: ANN401
        pages.append(parameters.get("ExclusiveStartKey"))
        if len(pages) == 3:
            raise asyncio.CancelledError
        return await real(**parameters)

    breaking = Through(operator, scan=scan)
    with pytest.raises(asyncio.CancelledError):
        await backfill(breaking, table).run(ignore)
    half = stored(dynamodb, table)[BACKFILL]

    tally = await backfill(breaking, table).run(ignore)

    done = stored(dynamodb, table)
    assert "completedAt" not in half
    assert pages[3] == pages[2] is not None
    assert (tally.seen, tally.mended, tally.resumed) == (20, 20, half["startedAt"])
    assert {"completedAt", "lastKey"} & set(done[BACKFILL]) == {"completedAt"}
    assert [order["id"] for order in done.values() if "createdDay" not in order] == [BACKFILL]


async def test_a_pass_can_be_told_to_begin_anew(
    dynamodb: Any,  # noqa: ANN401
    operator: Any,  # noqa: ANN401
    table: str,
) -> None:
    put(dynamodb, table, *(old_order(number) for number in range(6)))
    put(dynamodb, table, note(BACKFILL, startedAt="2025-01-01T00:00:00.000Z", lastKey="00000005"))

    tally = await backfill(operator, table).run(ignore, from_start=True)

    assert (tally.seen, tally.mended, tally.resumed) == (6, 6, None)


async def test_a_later_pass_leaves_the_index_usable_unless_it_finds_what_the_index_cannot_hold(
    dynamodb: Any,  # noqa: ANN401
    operator: Any,  # noqa: ANN401
    table: str,
) -> None:
    recorded = []

    async def scan(real: Call, **parameters: Any) -> dict[str, Any]:  # noqa: ANN401
        recorded.append("completedAt" in stored(dynamodb, table)[BACKFILL])
        return await real(**parameters)

    watched = Through(operator, scan=scan)
    await backfill(watched, table).run(ignore)
    await backfill(watched, table).run(ignore)
    put(dynamodb, table, {"id": "0000000a", "customerEmail": "ann@x.org"})

    tally = await backfill(watched, table).run(ignore)

    assert recorded == [False, True, True]
    assert (tally.lost, tally.examples, tally.is_complete) == (1, ["0000000a"], False)
    assert "completedAt" not in stored(dynamodb, table)[BACKFILL]


async def test_an_order_dynamodb_will_not_change_is_told_and_stops_no_other(
    dynamodb: Any,  # noqa: ANN401
    operator: Any,  # noqa: ANN401
    table: str,
) -> None:
    put(dynamodb, table, old_order(1), old_order(2))

    async def update(real: Call, **parameters: Any) -> dict[str, Any]:  # noqa: ANN401
        if parameters["Key"] == FIRST:
            raise ClientError(
                {
                    "Error": {
                        "Code": "ValidationException",
                        "Message": "Invalid attribute value type",
                    }
                },
                "UpdateItem",
            )
        return await real(**parameters)

    tally = await backfill(Through(operator, update_item=update), table).run(ignore)

    assert (tally.mended, tally.refused, tally.examples) == (1, 1, ["00000001"])
    assert "completedAt" not in stored(dynamodb, table)[BACKFILL]


async def test_what_another_writer_set_meanwhile_is_kept(
    dynamodb: Any,  # noqa: ANN401
    operator: Any,  # noqa: ANN401
    table: str,
) -> None:
    put(dynamodb, table, old_order(1))
    meddled: list[bool] = []
    moved = old_order(
        1, userEmail="other@x.org", createdAt="2025-06-01T10:00:00.000Z", status="Shipped"
    )

    async def update(real: Call, **parameters: Any) -> dict[str, Any]:  # noqa: ANN401
        if parameters["Key"] == FIRST and not meddled:
            put(dynamodb, table, moved)
            meddled.append(True)
        return await real(**parameters)

    await backfill(Through(operator, update_item=update), table).run(ignore)

    assert stored(dynamodb, table)["00000001"] == moved | {"createdDay": "2025-06-01"}


async def test_an_order_that_was_deleted_meanwhile_stays_deleted(
    dynamodb: Any,  # noqa: ANN401
    operator: Any,  # noqa: ANN401
    table: str,
) -> None:
    put(dynamodb, table, old_order(1))

    async def update(real: Call, **parameters: Any) -> dict[str, Any]:  # noqa: ANN401
        if parameters["Key"] == FIRST:
            dynamodb.delete_item(TableName=table, Key=FIRST)
        return await real(**parameters)

    tally = await backfill(Through(operator, update_item=update), table).run(ignore)

    assert (tally.seen, tally.mended) == (1, 0)
    assert set(stored(dynamodb, table)) == {BACKFILL}


async def test_the_shop_and_two_passes_at_once_lose_nothing(
    dynamodb: Any,  # noqa: ANN401
    operator: Any,  # noqa: ANN401
    table: str,
) -> None:
    put(dynamodb, table, *(old_order(number) for number in range(12)))

    async def ship(number: int) -> None:
        await operator.update_item(
            TableName=table,
            Key={"id": {"S": f"{number:08x}"}},
            UpdateExpression="SET #status = :status",
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues={":status": {"S": "Shipped"}},
        )

    await asyncio.gather(
        backfill(operator, table).run(ignore),
        backfill(operator, table).run(ignore, from_start=True),
        *(ship(number) for number in range(12)),
    )

    after = stored(dynamodb, table)
    recorded = after.pop(BACKFILL)
    assert after == {
        order["id"]: order
        | {
            "userEmail": order["customerEmail"],
            "createdDay": order["createdAt"][:10],
            "status": "Shipped",
        }
        for order in map(old_order, range(12))
    }
    assert "completedAt" in recorded


async def test_counting_writes_nothing(
    dynamodb: Any,  # noqa: ANN401
    operator: Any,  # noqa: ANN401
    table: str,
) -> None:
    put(dynamodb, table, *(old_order(number) for number in range(6)))
    before = stored(dynamodb, table)

    tally = await backfill(operator, table).count(ignore)

    assert (tally.seen, tally.mended) == (6, 6)
    assert stored(dynamodb, table) == before
