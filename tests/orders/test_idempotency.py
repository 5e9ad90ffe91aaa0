"""One order per idempotency key: repeated, at the same time, and on several replicas."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from fastapi.testclient import TestClient

from cloudmart.settings import Settings
from cloudmart.values.ids import ALPHABET
from tests.support.fault_proxy import Fault, FaultProxy
from tests.support.live_server import served
from tests.support.shop_tables import LAMP, put
from tests.support.wire_values import Wire

KEY = {"Idempotency-Key": "checkout-7"}
LAMPS = {"productId": "1", "quantity": 2, "userEmail": "ann@example.org"}


@pytest.fixture(scope="module")
def settings(shared_settings: Settings) -> Settings:
    """Provide the same tables to all tests. They use different keys."""
    return shared_settings


@pytest.fixture(scope="module")
def replicas(settings: Settings) -> Iterator[list[str]]:
    """Provide the URLs of two replicas of the service."""
    with served(settings) as one, served(settings) as other:
        yield [one, other]


@pytest.fixture(scope="module")
def client(shared_client: TestClient) -> TestClient:
    """Provide the same application to all tests."""
    return shared_client


@pytest_asyncio.fixture
async def http() -> AsyncIterator[httpx2.AsyncClient]:
    """Provide a client that can call several servers at once."""
    async with httpx2.AsyncClient(timeout=60) as http:
        yield http


def _orders(client: TestClient) -> int:
    return len(client.get("/api/orders").json())


@pytest.mark.parametrize(
    "key", ["1", "x" * 255, "a b", "~!@#$%^&*()", "7f1c2a3e-8f0d-4c7a-9d53-0b4f1d1f2a11"]
)
def test_the_same_key_and_body_answer_the_first_order_again(key: str, client: TestClient) -> None:
    headers = {"Idempotency-Key": key}
    first = client.post("/api/orders", json=LAMPS, headers=headers)
    before = _orders(client)

    again = client.post("/api/orders", json=LAMPS, headers=headers)

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert again.headers["Location"] == first.headers["Location"]
    assert _orders(client) == before


def test_an_id_that_belongs_to_a_key_looks_like_any_other(client: TestClient) -> None:
    order_id = client.post("/api/orders", json=LAMPS, headers=KEY).json()["id"]

    assert len(order_id) == 16
    assert set(order_id) <= set(ALPHABET)


@pytest.mark.parametrize(
    "body",
    [
        LAMPS | {"quantity": 3},
        LAMPS | {"productId": "2"},
        LAMPS | {"userEmail": "bob@example.org"},
        {"productId": "1", "quantity": 2},
        {"items": [{"productId": "1", "quantity": 2}], "userEmail": "ann@example.org"},
    ],
)
def test_the_same_key_with_another_body_is_refused(
    body: dict[str, Any], client: TestClient
) -> None:
    client.post("/api/orders", json=LAMPS, headers=KEY)
    before = _orders(client)

    answer = client.post("/api/orders", json=body, headers=KEY)

    assert answer.status_code == 422
    assert answer.json()["type"] == "/api/problems/idempotency-key-reused"
    assert _orders(client) == before


def test_what_does_not_decide_the_order_may_differ(client: TestClient) -> None:
    first = client.post("/api/orders", json=LAMPS, headers=KEY).json()

    again = client.post("/api/orders", json=LAMPS | {"createdAt": "later"}, headers=KEY)

    assert (again.status_code, again.json()) == (201, first)


def test_a_key_of_an_order_whose_price_has_changed_answers_it_as_it_was(
    client: TestClient,
    settings: Settings,
    dynamodb: Any,  # noqa: ANN401 - boto3's
) -> None:
    table, headers = settings.dynamodb.products_table, {"Idempotency-Key": "before-the-sale"}
    put(dynamodb, table, LAMP | {"id": "sale"})
    body = {"productId": "sale", "quantity": 1, "price": 19.99}
    first = client.post("/api/orders", json=body, headers=headers).json()
    put(dynamodb, table, LAMP | {"id": "sale", "price": 5})

    again = client.post("/api/orders", json=body, headers=headers)

    assert (again.status_code, again.json()) == (201, first)


def test_a_refused_order_does_not_use_its_key_up(client: TestClient) -> None:
    headers = {"Idempotency-Key": "first-refused"}
    refused = client.post("/api/orders", json=LAMPS | {"total": 1}, headers=headers)

    placed = client.post("/api/orders", json=LAMPS, headers=headers)

    assert (refused.status_code, placed.status_code) == (409, 201)


@pytest.mark.parametrize("key", ["", " ", "x" * 256, "ü", "a\tb", "\x7f"])
def test_an_invalid_key_is_refused(key: str, client: TestClient) -> None:
    headers = {b"idempotency-key": key.encode("latin-1")}

    answer = client.post("/api/orders", json=LAMPS, headers=headers)

    assert answer.status_code == 422
    assert [fault["pointer"] for fault in answer.json()["errors"]] == ["/header/Idempotency-Key"]


async def test_fifty_at_once_with_one_key_make_one_order(
    replicas: list[str], http: httpx2.AsyncClient
) -> None:
    before = len((await http.get(f"{replicas[0]}/api/orders")).json())
    headers = {"Idempotency-Key": "fifty"}

    answers = await asyncio.gather(
        *(
            http.post(f"{replicas[number % 2]}/api/orders", json=LAMPS, headers=headers)
            for number in range(50)
        )
    )

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert len((await http.get(f"{replicas[1]}/api/orders")).json()) == before + 1


async def test_of_two_bodies_at_once_with_one_key_one_is_placed(
    replicas: list[str], http: httpx2.AsyncClient
) -> None:
    headers = {"Idempotency-Key": "two-bodies"}

    answers = await asyncio.gather(
        *(
            http.post(
                f"{replicas[number % 2]}/api/orders",
                json=LAMPS | {"quantity": number % 2 + 1},
                headers=headers,
            )
            for number in range(20)
        )
    )

    assert sorted(answer.status_code for answer in answers) == [201] * 10 + [422] * 10
    assert len({answer.json()["id"] for answer in answers if answer.status_code == 201}) == 1


async def test_orders_without_a_key_are_all_placed_and_all_different(
    replicas: list[str], http: httpx2.AsyncClient
) -> None:
    answers = await asyncio.gather(
        *(http.post(f"{replicas[number % 2]}/api/orders", json=LAMPS) for number in range(30))
    )

    assert len({answer.json()["id"] for answer in answers}) == 30


async def test_two_people_changing_one_order_lose_nothing(
    replicas: list[str], http: httpx2.AsyncClient
) -> None:
    order = (await http.post(f"{replicas[0]}/api/orders", json=LAMPS)).json()
    statuses = ["Processing", "Shipped", "Delivered", "Canceled"]

    answers = await asyncio.gather(
        *(
            http.put(f"{replicas[number % 2]}/api/orders/{order['id']}", json={"status": status})
            for number, status in enumerate(statuses * 5)
        )
    )

    assert {answer.status_code for answer in answers} == {200}
    for answer in answers:
        names = ("status", "statusHistory", "updatedAt")
        assert answer.json() == order | {name: answer.json()[name] for name in names}
    last = (await http.get(f"{replicas[0]}/api/orders/{order['id']}")).json()
    assert last in [answer.json() for answer in answers]


async def test_an_order_deleted_while_it_is_changed_does_not_come_back(
    replicas: list[str], http: httpx2.AsyncClient
) -> None:
    order = (await http.post(f"{replicas[0]}/api/orders", json=LAMPS)).json()
    place = f"/api/orders/{order['id']}"

    changes = [
        http.put(f"{replicas[number % 2]}{place}", json={"status": "Shipped"})
        for number in range(10)
    ]
    answers = await asyncio.gather(*changes[:5], http.delete(replicas[0] + place), *changes[5:])

    assert {answer.status_code for answer in answers} <= {200, 404}
    assert (await http.get(replicas[1] + place)).status_code == 404


async def test_of_many_deletions_with_the_same_tag_one_succeeds(
    replicas: list[str], http: httpx2.AsyncClient
) -> None:
    placed = await http.post(f"{replicas[0]}/api/orders", json=LAMPS)
    seen, place = {"If-Match": placed.headers["ETag"]}, placed.headers["Location"]

    answers = await asyncio.gather(
        *(http.delete(replicas[number % 2] + place, headers=seen) for number in range(10))
    )

    assert sorted(answer.status_code for answer in answers) == [200, *[404] * 9]


async def test_of_many_equal_changes_with_the_same_tag_one_succeeds(
    replicas: list[str], http: httpx2.AsyncClient
) -> None:
    placed = await http.post(f"{replicas[0]}/api/orders", json=LAMPS)
    seen, place = {"If-Match": placed.headers["ETag"]}, placed.headers["Location"]

    answers = await asyncio.gather(
        *(
            http.put(replicas[number % 2] + place, json={"status": "Shipped"}, headers=seen)
            for number in range(10)
        )
    )

    assert sorted(answer.status_code for answer in answers) == [200, *[412] * 9]


def test_a_delete_of_what_was_seen_whose_answer_was_lost_is_done(
    faults: FaultProxy, settings: Settings
) -> None:
    with served(settings) as url, httpx2.Client(base_url=url, timeout=60) as client:
        placed = client.post("/api/orders", json=LAMPS)
        faults.fail(Fault.LOST, "DeleteItem", times=1)
        seen = {"If-Match": placed.headers["ETag"]}

        answer = client.delete(placed.headers["Location"], headers=seen)

    assert answer.status_code == 200


def test_a_write_whose_answer_was_lost_is_one_order(faults: FaultProxy, settings: Settings) -> None:
    with served(settings) as url, httpx2.Client(base_url=url, timeout=60) as client:
        client.post("/api/orders", json=LAMPS, headers=KEY)
        before = len(client.get("/api/orders").json())
        faults.fail(Fault.LOST, "PutItem", times=1)
        with_key = client.post("/api/orders", json=LAMPS, headers={"Idempotency-Key": "lost"})
        faults.fail(Fault.LOST, "PutItem", times=1)
        without_key = client.post("/api/orders", json=LAMPS)

        placed = client.get("/api/orders").json()

    assert (with_key.status_code, without_key.status_code) == (201, 201)
    assert len(placed) == before + 2
    assert with_key.json() in placed
    assert without_key.json() in placed


@pytest.mark.parametrize("name", ["requestDigest", "requestClient"])
@pytest.mark.parametrize("value", [{"L": []}, {"M": {}}, {"NULL": True}, {"NS": ["1"]}])
def test_what_is_kept_of_a_request_may_be_anything(
    name: str,
    value: Wire,
    client: TestClient,
    settings: Settings,
    dynamodb: Any,  # noqa: ANN401 - boto3's
) -> None:
    put(dynamodb, settings.dynamodb.products_table, LAMP)
    body, headers = {"productId": "1", "quantity": 1}, {"Idempotency-Key": f"kept-{name}-{value}"}
    first = client.post("/api/orders", json=body, headers=headers)
    dynamodb.update_item(
        TableName=settings.dynamodb.orders_table,
        Key={"id": {"S": first.json()["id"]}},
        UpdateExpression=f"SET {name} = :value",
        ExpressionAttributeValues={":value": value},
    )

    again = client.post("/api/orders", json=body, headers=headers)

    assert again.status_code == (422 if name == "requestDigest" else 201)
