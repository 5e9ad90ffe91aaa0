"""Lists longer than a page of the store: complete, in pages, or visibly broken off."""

import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from cloudmart.dynamodb.codec import encode_item
from cloudmart.orders.indexes import order_keys
from cloudmart.settings import Settings
from tests.support.fault_proxy import Fault, FaultProxy, fault_proxy
from tests.support.live_server import served
from tests.support.shop_tables import let_use_indexes, put

MANY = 5000
IDS = {f"order-{number:04}" for number in range(MANY)}
EVERYONE = "user@example.com"


@pytest.fixture(scope="module")
def proxy(engine: str) -> Iterator[FaultProxy]:
    """Provide a proxy for all tests."""
    with fault_proxy(engine) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def shop(
    proxy: FaultProxy,
    shared_settings: Settings,
    dynamodb: Any,  # noqa: ANN401 - boto3's
) -> Iterator[httpx2.Client]:
    """Provide a client of a shop with 5,000 orders, more than 4 MB of them."""
    table = shared_settings.dynamodb.orders_table
    let_use_indexes(dynamodb, shared_settings.dynamodb)
    for start in range(0, MANY, 25):
        orders = [_order(number) for number in range(start, start + 25)]
        writes = [{"PutRequest": {"Item": encode_item(order)}} for order in orders]
        dynamodb.batch_write_item(RequestItems={table: writes})
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_ENDPOINT_URL_DYNAMODB", proxy.url)
        with served(shared_settings) as url, httpx2.Client(base_url=url, timeout=60) as client:
            yield client


@pytest.fixture
def faults(proxy: FaultProxy) -> Iterator[FaultProxy]:
    """Provide the proxy without faults."""
    proxy.calls.clear()
    yield proxy
    proxy.heal()


def _order(number: int) -> dict[str, Any]:
    order = {
        "id": f"order-{number:04}",
        "userEmail": EVERYONE,
        "createdAt": f"2026-01-01T{number // 3600:02}:{number // 60 % 60:02}:{number % 60:02}.000Z",
        # A long time-out, because the embedded store is slow for each item of a page.
        "note": "x" * 800,
    }
    return order | order_keys(order)


def test_without_a_limit_the_whole_list_is_one_array(
    shop: httpx2.Client, faults: FaultProxy
) -> None:
    answer = shop.get("/api/orders")

    assert answer.headers["Content-Type"] == "application/json"
    assert len(answer.json()) == MANY
    assert {order["id"] for order in answer.json()} == IDS
    assert faults.calls["Scan"] >= 2


def test_a_customers_list_is_as_complete_and_newest_first(
    shop: httpx2.Client, faults: FaultProxy
) -> None:
    orders = shop.get("/api/orders/user", params={"email": EVERYONE}).json()

    assert [order["id"] for order in orders] == sorted(IDS, reverse=True)
    assert (faults.calls["Scan"], faults.calls["Query"] >= 2) == (0, True)


def test_pages_to_the_end_are_the_whole_list_with_nothing_twice(shop: httpx2.Client) -> None:
    url, found, pages = "/api/orders?limit=999", list[str](), 0

    while url:
        answer = shop.get(url)
        found += [order["id"] for order in answer.json()]
        pages += 1
        assert len(answer.json()) <= 999
        url = answer.links.get("next", {}).get("url", "")

    assert (len(found), set(found)) == (MANY, IDS)
    assert pages == 6


def test_a_page_of_large_items_ends_early_and_nothing_is_left_out(
    shop: httpx2.Client,
    shared_settings: Settings,
    dynamodb: Any,  # noqa: ANN401
) -> None:
    tickets = {f"ticket-{number}" for number in range(40)}
    table = shared_settings.dynamodb.tickets_table
    put(dynamodb, table, *({"id": each, "message": "x" * 300_000} for each in tickets))

    url, found = "/api/tickets?limit=39", list[str]()
    while url:
        answer = shop.get(url)
        found += [ticket["id"] for ticket in answer.json()]
        assert len(answer.content) < 6_000_000
        url = answer.links.get("next", {}).get("url", "")

    assert (len(found), set(found)) == (40, tickets)


@pytest.mark.parametrize("limit", ["0", "1001", "-1", "ten", "1.5", "", "1e2", "9" * 400])
def test_a_limit_is_a_number_from_1_to_1000(limit: str, shop: httpx2.Client) -> None:
    answer = shop.get("/api/orders", params={"limit": limit})

    assert answer.status_code == 422
    assert [fault["pointer"] for fault in answer.json()["errors"]] == ["/query/limit"]


def test_a_cursor_without_a_limit_gives_the_rest_of_the_list(shop: httpx2.Client) -> None:
    first = shop.get("/api/orders", params={"limit": 1000})
    url = first.links["next"]["url"].replace("limit=1000&", "")

    rest = shop.get(url).json()

    seen = [order["id"] for order in first.json() + rest]
    assert (len(seen), set(seen)) == (MANY, IDS)


@pytest.mark.parametrize("fault", [Fault.THROTTLED, Fault.RESET, Fault.DENIED, Fault.CUT])
@pytest.mark.parametrize(
    ("path", "operation"),
    [("/api/orders", "Scan"), (f"/api/orders/user?email={EVERYONE}", "Query")],
)
def test_a_list_whose_store_fails_in_the_middle_never_looks_complete(
    path: str, operation: str, fault: Fault, shop: httpx2.Client, faults: FaultProxy
) -> None:
    faults.fail(fault, operation, after=1)
    received = bytearray()

    with shop.stream("GET", path) as answer, pytest.raises(httpx2.RemoteProtocolError):
        _read(answer, into=received)

    assert answer.status_code == 200
    assert received.startswith(b'[{"id":"order-')
    with pytest.raises(json.JSONDecodeError):
        json.loads(received)


def _read(answer: httpx2.Response, into: bytearray) -> None:
    for chunk in answer.iter_raw():
        into += chunk
