"""Items with keys that an index cannot hold can be changed, which corrects them.

DynamoDB refuses every update that leaves such a key as it is.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from cloudmart.app import create_app
from cloudmart.orders.indexes import INDEXED_ORDERS
from cloudmart.settings import Settings
from cloudmart.tables.schema import shop_tables
from cloudmart.tickets.indexes import INDEXED_TICKETS
from tests.support.fault_proxy import FaultProxy
from tests.support.ready_app import serving, still
from tests.support.shop_tables import add_index, drop_indexes, get
from tests.support.wire_values import HUGE, Wire

BAD: list[Wire] = [
    {"NULL": True},
    {"S": ""},
    {"S": "x" * 3000},
    {"N": "1738367999"},
    {"N": HUGE},
    {"BOOL": True},
    {"SS": ["a"]},
    {"L": []},
    {"M": {}},
]
ITEMS = {"orders": INDEXED_ORDERS, "tickets": INDEXED_TICKETS}
STATUS = {"orders": "Shipped", "tickets": "closed"}
OURS = ("emailKey", "dayShard", "statusShard")
KEYS = [
    *(("orders", name) for name in ("createdAt", "emailKey", "dayShard", "userEmail")),
    *(("tickets", name) for name in ("createdAt", "statusShard", "status")),
]


@pytest.fixture
def strict(faults: FaultProxy, settings: Settings) -> Iterator[TestClient]:
    """Provide a client of a shop whose DynamoDB refuses what the real one refuses."""
    assert faults
    with serving(create_app(settings, process=still(settings))) as client:
        yield client


def _write(dynamodb: Any, settings: Settings, kind: str, items: list[dict[str, Wire]]) -> str:  # noqa: ANN401
    """Write items like an earlier release, and then add the indexes."""
    table = str(getattr(settings.dynamodb, f"{kind}_table"))
    drop_indexes(dynamodb, table)
    for item in items:
        dynamodb.put_item(TableName=table, Item=item)
    for schema in shop_tables(settings.dynamodb):
        for index in schema.indexes if schema.name == table else ():
            add_index(dynamodb, table, index)
    return table


@pytest.mark.usefixtures("embedded_only")
@pytest.mark.parametrize(("kind", "name"), KEYS)
def test_a_change_corrects_the_attributes_of_the_indexes(
    kind: str,
    name: str,
    strict: TestClient,
    settings: Settings,
    dynamodb: Any,  # noqa: ANN401 - boto3's
) -> None:
    bad = {f"{number:08x}": value for number, value in enumerate(BAD)}
    items: list[dict[str, Wire]] = [{"id": {"S": key}, name: bad[key]} for key in bad]
    table = _write(dynamodb, settings, kind, items)

    for key, value in bad.items():
        address = f"/api/{kind}/{key}"
        shown = strict.get(address).json()
        answer = strict.put(address, json={"status": STATUS[kind]})

        assert answer.status_code == 200, (value, answer.text)
        assert answer.json()["createdAt"] == shown["createdAt"]
        item = get(dynamodb, table, key) or {}
        wanted = ITEMS[kind].keys(item)
        assert {each: item[each] for each in wanted if each in item}.items() <= wanted.items()
        assert {each for each in OURS if each in item} <= {*wanted}
