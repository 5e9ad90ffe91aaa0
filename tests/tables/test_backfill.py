"""The backfill of a table that is in use."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest
from boto3.dynamodb.types import TypeDeserializer
from botocore.exceptions import ClientError

from cloudmart.dynamodb.schema import IndexedItems
from cloudmart.orders.indexes import INDEXED_ORDERS, order_keys
from cloudmart.orders.internal_items import ORDER_SECRET, note_item
from cloudmart.settings import DynamoDBSettings
from cloudmart.tables.backfill import Backfill, BackfillTally
from cloudmart.tickets.indexes import INDEXED_TICKETS, ticket_keys
from tests.support.dynamodb_wrapper import Call, DynamoDBWrapper
from tests.support.shop_tables import put

RATE = 10_000
FIRST = {"id": {"S": "00000001"}}
_deserialize = TypeDeserializer().deserialize


@pytest.fixture
def table(production: DynamoDBSettings) -> str:
    """Provide the name of the orders' table."""
    return production.orders_table


def backfill(client: Any, table: str, items: IndexedItems = INDEXED_ORDERS) -> Backfill:  # noqa: ANN401
    """Return a backfill that reads a few items at a time."""
    return Backfill(client, table, items, rate=RATE, page_size=4)


def ignore(_: BackfillTally) -> None:
    """Ignore the progress."""


def stored(dynamodb: Any, table: str) -> dict[str, dict[str, Any]]:  # noqa: ANN401
    """Return every item of a table, by id."""
    items = dynamodb.scan(TableName=table, ConsistentRead=True)["Items"]
    plain = [{name: _deserialize(value) for name, value in item.items()} for item in items]
    return {item["id"]: item for item in plain}


def old_order(number: int, **more: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return an order as an older release stored it."""
    day = f"2025-01-{number % 28 + 1:02}"
    order = {
        "id": f"{number:08x}",
        "customerEmail": f"c{number}@x.org",
        "createdAt": f"{day}T10:00:00.000Z",
    }
    return order | more


TIME = "2025-01-31T23:59:59.999Z"
EPOCH = "1970-01-01T00:00:00.000Z"

# The attributes of an order, and those that the backfill adds except its day.
OLD_AND_GIVEN: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"customerEmail": "Ann@X.org"}, {"emailKey": "ann@x.org"}),
    ({"customerEmail": "old@x.org", "userEmail": "New@x.org"}, {"emailKey": "new@x.org"}),
    ({"customerEmail": "a@x.org", "userEmail": None}, {"emailKey": "a@x.org"}),
    ({"customerEmail": "a@x.org", "userEmail": ""}, {"emailKey": "a@x.org"}),
    ({"userEmail": "jo@M\u00dcNCHEN.de"}, {"emailKey": "jo@xn--mnchen-3ya.de"}),
    ({"userEmail": "u\u0308@x.org"}, {"emailKey": "\u00fc@x.org"}),
    ({"userEmail": "moved@x.org", "emailKey": "former@x.org"}, {"emailKey": "moved@x.org"}),
    ({"userEmail": None}, {}),
    ({"userEmail": ["a@x.org"], "customerEmail": "b@x.org"}, {}),
    ({"userEmail": "x" * 3000 + "@x.org"}, {}),
    ({"productId": "1", "quantity": Decimal(2), "status": "pending"}, {}),
]


@pytest.mark.parametrize(("had", "given"), OLD_AND_GIVEN)
async def test_an_old_order_gets_what_the_indexes_are_made_of_and_nothing_else_changes(
    had: dict[str, Any],
    given: dict[str, Any],
    dynamodb: Any,  # noqa: ANN401
    operator: Any,  # noqa: ANN401
    table: str,
) -> None:
    order = {"id": "0000000a", "createdAt": TIME} | had
    put(dynamodb, table, order)

    await backfill(operator, table).run(ignore)

    day = {"dayShard": order_keys(order)["dayShard"]}
    assert day["dayShard"].startswith("2025-01-31#")
    assert stored(dynamodb, table)["0000000a"] == order | given | day


async def test_a_key_that_an_order_should_not_have_is_taken_away(
    dynamodb: Any,  # noqa: ANN401
    operator: Any,  # noqa: ANN401
    table: str,
) -> None:
    order = {"id": "0000000a", "createdAt": "yesterday"}
    put(dynamodb, table, order | {"emailKey": "a@x.org", "dayShard": "2025-01-31#1"})

    await backfill(operator, table).run(ignore)

    assert stored(dynamodb, table)["0000000a"] == order


@pytest.mark.parametrize(("items", "kind"), [(INDEXED_ORDERS, 1), (INDEXED_TICKETS, 0)])
async def test_an_item_of_todays_shape_is_not_written(
    items: IndexedItems,
    kind: int,
    dynamodb: Any,  # noqa: ANN401
    operator: Any,  # noqa: ANN401
    production: DynamoDBSettings,
) -> None:
    table = (production.tickets_table, production.orders_table)[kind]
    item = old_order(1, status="closed")
    put(dynamodb, table, item | (ticket_keys, order_keys)[kind](item))

    tally = await backfill(operator, table, items).run(ignore)

    assert (tally.seen, tally.updated) == (1, 0)


@pytest.mark.parametrize(
    ("moments", "given"),
    [
        ({}, EPOCH),
        ({"createdAt": None}, EPOCH),
        ({"createdAt": ""}, EPOCH),
        ({"createdAt": " "}, EPOCH),
        ({"createdAt": Decimal(1738367999)}, "2025-01-31T23:59:59.000Z"),
        ({"createdAt": Decimal(1738367999999)}, TIME),
        ({"createdAt": Decimal("1e100")}, EPOCH),
        ({"createdAt": {"2025"}, "updatedAt": TIME}, TIME),
        ({"createdAt": None, "updatedAt": TIME}, TIME),
        ({"updatedAt": "yesterday"}, EPOCH),
        ({"createdAt": "x" * 2000, "updatedAt": TIME}, TIME),
        ({"createdAt": "2025-01-31"}, "2025-01-31"),
        ({"createdAt": "yesterday"}, "yesterday"),
    ],
)
async def test_a_time_by_which_an_index_can_sort_is_given_to_orders_and_tickets(
    moments: dict[str, Any],
    given: str,
    dynamodb: Any,  # noqa: ANN401
    operator: Any,  # noqa: ANN401
    production: DynamoDBSettings,
) -> None:
    for table, items in (
        (production.orders_table, INDEXED_ORDERS),
        (production.tickets_table, INDEXED_TICKETS),
    ):
        put(dynamodb, table, {"id": "0000000a"} | moments)

        await backfill(operator, table, items).run(ignore)

        assert stored(dynamodb, table)["0000000a"]["createdAt"] == given


@pytest.mark.parametrize(
    ("status", "given"),
    [
        ("open", ("open", "open")),
        ("in_progress", ("in_progress", "in_progress")),
        ("resolved", ("resolved", "closed")),
        ("waiting", ("waiting", "open")),
        (None, ("open", "open")),
        ("", ("open", "open")),
        (Decimal(1), ("open", "open")),
    ],
)
async def test_a_ticket_is_found_by_the_status_that_it_shows(
    status: object,
    given: tuple[str, str],
    dynamodb: Any,  # noqa: ANN401
    operator: Any,  # noqa: ANN401
    production: DynamoDBSettings,
) -> None:
    table = production.tickets_table
    put(dynamodb, table, {"id": "0000000a", "status": status, "createdAt": TIME})

    await backfill(operator, table, INDEXED_TICKETS).run(ignore)

    ticket = stored(dynamodb, table)["0000000a"]
    assert (ticket["status"], ticket["statusShard"].partition("#")[0]) == given


@pytest.mark.parametrize(
    "moment", ["2025-01-31", "2025-01-31T10:00:00Z", "2025-02-30T10:00:00.000Z", "yesterday"]
)
async def test_an_order_whose_time_is_not_of_our_form_gets_no_day_and_is_counted(
    moment: object,
    dynamodb: Any,  # noqa: ANN401
    operator: Any,  # noqa: ANN401
    table: str,
) -> None:
    put(dynamodb, table, {"id": "0000000a", "createdAt": moment})

    tally = await backfill(operator, table).run(ignore)

    assert (tally.undated, tally.is_complete, tally.examples) == (1, True, ["0000000a"])
    assert "dayShard" not in stored(dynamodb, table)["0000000a"]


async def test_internal_notes_are_neither_counted_nor_touched(
    dynamodb: Any,  # noqa: ANN401
    operator: Any,  # noqa: ANN401
    table: str,
) -> None:
    secret = note_item(ORDER_SECRET, secret="ab")  # noqa: S106 - of a test
    put(dynamodb, table, secret, old_order(1))

    tally = await backfill(operator, table).run(ignore)

    assert (tally.seen, tally.updated) == (1, 1)
    assert stored(dynamodb, table)[ORDER_SECRET] == secret


async def test_a_pass_that_was_interrupted_is_made_again_and_writes_what_is_left(
    dynamodb: Any,  # noqa: ANN401
    operator: Any,  # noqa: ANN401
    table: str,
) -> None:
    put(dynamodb, table, *(old_order(number) for number in range(20)))
    pages: list[object] = []

    async def scan(real: Call, **parameters: Any) -> dict[str, Any]:  # noqa: ANN401
        pages.append(parameters.get("ExclusiveStartKey"))
        if len(pages) == 3:
            raise asyncio.CancelledError
        return await real(**parameters)

    breaking = DynamoDBWrapper(operator, scan=scan)
    with pytest.raises(asyncio.CancelledError):
        await backfill(breaking, table).run(ignore)

    tally = await backfill(breaking, table).run(ignore)

    assert (tally.seen, tally.updated) == (20, 12)
    assert all("emailKey" in order for order in stored(dynamodb, table).values())


async def test_an_order_that_dynamodb_does_not_change_is_reported_and_stops_no_other(
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

    tally = await backfill(DynamoDBWrapper(operator, update_item=update), table).run(ignore)

    assert (tally.updated, tally.refused, tally.examples) == (1, 1, ["00000001"])
    assert not tally.is_complete


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

    await backfill(DynamoDBWrapper(operator, update_item=update), table).run(ignore)

    assert stored(dynamodb, table)["00000001"] == moved | order_keys(moved)


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

    tally = await backfill(DynamoDBWrapper(operator, update_item=update), table).run(ignore)

    assert (tally.seen, tally.updated) == (1, 0)
    assert stored(dynamodb, table) == {}


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
        backfill(operator, table).run(ignore),
        *(ship(number) for number in range(12)),
    )

    assert stored(dynamodb, table) == {
        order["id"]: order | order_keys(order) | {"status": "Shipped"}
        for order in map(old_order, range(12))
    }


async def test_counting_writes_nothing(
    dynamodb: Any,  # noqa: ANN401
    operator: Any,  # noqa: ANN401
    table: str,
) -> None:
    put(dynamodb, table, *(old_order(number) for number in range(6)))
    before = stored(dynamodb, table)

    tally = await backfill(operator, table).count(ignore)

    assert (tally.seen, tally.updated) == (6, 6)
    assert stored(dynamodb, table) == before
