"""The values of items through the SDK, exactly as they are sent."""

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest_asyncio

from cloudmart.dynamodb.client import Database
from cloudmart.dynamodb.codec import encode_item
from cloudmart.dynamodb.session import new_session
from cloudmart.dynamodb.table import Table
from cloudmart.settings import Settings
from tests.support.shop_tables import CALL_WITHIN

_ITEM = {
    "id": "1",
    "price": Decimal("19.99"),
    "sold": True,
    "gone": None,
    "tags": {"lamp", "desk"},
    "sizes": {Decimal(1), Decimal("2.5")},
    "parts": [{"name": "foot", "weight": Decimal("0.1")}, []],
    "thumbnail": b"\x00\xff",
    "more": {"pages": [b"one"], "hashes": {b"a", b"b"}},
}


@pytest_asyncio.fixture
async def table(settings: Settings) -> AsyncIterator[Table]:
    """Provide the table of products."""
    database = Database(new_session(), within=CALL_WITHIN)
    await database.open()
    yield Table(database, settings.dynamodb.products_table)
    await database.close()


async def test_whatever_another_system_stored_is_read(table: Table, dynamodb: Any) -> None:  # noqa: ANN401 - boto3's
    dynamodb.put_item(TableName=table.name, Item=encode_item(_ITEM))

    assert await table.get("1") == _ITEM


async def test_what_is_stored_is_what_another_system_reads(table: Table, dynamodb: Any) -> None:  # noqa: ANN401 - boto3's
    item = {name: value for name, value in _ITEM.items() if name not in {"thumbnail", "more"}}

    await table.put(item, new=True)

    stored = dynamodb.get_item(TableName=table.name, Key=encode_item({"id": "1"}))["Item"]
    assert {name: _sorted(value) for name, value in stored.items()} == {
        name: _sorted(value) for name, value in encode_item(item).items()
    }


async def test_the_sdk_does_not_walk_through_values(table: Table, dynamodb: Any) -> None:  # noqa: ANN401 - boto3's
    dynamodb.put_item(TableName=table.name, Item=encode_item({"id": "1", "thumbnail": b"\x00\xff"}))

    answer = await table.database.call("scan", TableName=table.name)

    # If the SDK decoded values, this would be two bytes.
    assert answer["Items"][0]["thumbnail"] == {"B": "AP8="}


def _sorted(value: dict[str, Any]) -> dict[str, Any]:
    return {kind: sorted(each) if kind in {"SS", "NS"} else each for kind, each in value.items()}
