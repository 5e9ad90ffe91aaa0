"""How many DynamoDB calls each operation on orders needs, without those of the catalogue."""

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from cloudmart.settings import Settings
from tests.support.fault_proxy import Fault, FaultProxy
from tests.support.live_server import served
from tests.support.shop_tables import LAMP, let_use_indexes, put

KEY = {"Idempotency-Key": "checkout-7"}
LAMPS = {"productId": "1", "quantity": 2, "userEmail": "ann@example.org"}
WHERE = "/api/orders/user?email=ann@example.org"


class Counted:
    """A shop, and its calls to the tables that hold orders and notes."""

    def __init__(self, http: httpx2.Client, faults: FaultProxy, settings: Settings) -> None:
        self.http = http
        self.faults = faults
        self.settings = settings

    def calls(self) -> list[str]:
        """Return the calls since the last time."""
        names = self.settings.dynamodb
        tables = {names.orders_table, names.conversations_table}
        made = [operation for operation, table in self.faults.on_tables if table in tables]
        self.faults.on_tables.clear()
        return made


@pytest.fixture
def counted(stocked: Settings, faults: FaultProxy, dynamodb: Any) -> Iterator[Counted]:  # noqa: ANN401
    """Provide a shop that uses its indexes, and has already checked them."""
    let_use_indexes(dynamodb, stocked.dynamodb)
    with served(stocked) as url, httpx2.Client(base_url=url, timeout=60) as http:
        # The first order reads the secret of the keys, and the first look-up reads the state of the
        # index.
        http.post("/api/orders", json=LAMPS, headers={"Idempotency-Key": "first"})
        http.get(WHERE)
        counted = Counted(http, faults, stocked)
        counted.calls()
        yield counted


def test_an_order_is_one_write(counted: Counted) -> None:
    placed = counted.http.post("/api/orders", json=LAMPS)

    assert placed.status_code == 201
    assert counted.calls() == ["PutItem"]


def test_an_order_with_a_key_is_one_write(counted: Counted) -> None:
    placed = counted.http.post("/api/orders", json=LAMPS, headers=KEY)

    assert placed.status_code == 201
    assert counted.calls() == ["PutItem"]


def test_a_replay_is_a_write_that_is_refused_and_a_read(counted: Counted) -> None:
    first = counted.http.post("/api/orders", json=LAMPS, headers=KEY)
    counted.calls()

    again = counted.http.post("/api/orders", json=LAMPS, headers=KEY)

    assert (again.status_code, again.json()) == (201, first.json())
    assert counted.calls() == ["PutItem", "GetItem"]


def test_nothing_is_refused_before_the_earlier_order_is_read(
    counted: Counted,
    dynamodb: Any,  # noqa: ANN401 - boto3's
) -> None:
    body = LAMPS | {"productId": "2", "price": 34.5}
    first = counted.http.post("/api/orders", json=body, headers=KEY).json()
    put(dynamodb, counted.settings.dynamodb.products_table, LAMP | {"id": "2", "price": 5})
    counted.calls()

    again = counted.http.post("/api/orders", json=body, headers=KEY)

    assert (again.status_code, again.json()) == (201, first)


def test_a_product_that_is_gone_does_not_refuse_a_replay(counted: Counted) -> None:
    first = counted.http.post("/api/orders", json=LAMPS, headers=KEY).json()
    counted.http.delete("/api/products/1")

    again = counted.http.post("/api/orders", json=LAMPS, headers=KEY)
    other = counted.http.post("/api/orders", json=LAMPS, headers={"Idempotency-Key": "other"})

    assert (again.status_code, again.json()) == (201, first)
    assert other.status_code == 422


def test_a_replay_is_answered_while_prices_cannot_be_read(counted: Counted) -> None:
    first = counted.http.post("/api/orders", json=LAMPS, headers=KEY).json()
    counted.faults.fail(Fault.THROTTLED, "BatchGetItem", "Scan")

    again = counted.http.post("/api/orders", json=LAMPS, headers=KEY)

    assert (again.status_code, again.json()) == (201, first)


def test_a_refusal_waits_for_the_earlier_order(counted: Counted) -> None:
    body = LAMPS | {"total": 1}
    counted.faults.fail(Fault.THROTTLED, "GetItem")

    unknown = counted.http.post("/api/orders", json=body, headers=KEY)
    counted.faults.heal()
    known = counted.http.post("/api/orders", json=body, headers=KEY)

    assert (unknown.status_code, known.status_code) == (503, 409)


def test_an_order_by_its_id_is_one_read(counted: Counted) -> None:
    order = counted.http.post("/api/orders", json=LAMPS).json()
    counted.calls()

    found = counted.http.get(f"/api/orders/{order['id']}")

    assert found.json() == order
    assert counted.calls() == ["GetItem"]


def test_orders_by_email_are_one_query_a_page(counted: Counted) -> None:
    found = counted.http.get(WHERE)

    assert len(found.json()) == 1
    assert counted.calls() == ["Query"]
