"""What guesses reveal: of old order ids, and of other people's idempotency keys."""

import asyncio
from collections import Counter
from collections.abc import Iterator

import httpx2
import pytest
from fastapi.testclient import TestClient

from cloudmart.app import create_app
from cloudmart.settings import Settings
from tests.access.conftest import ADMIN, BASIC
from tests.support.live_server import served
from tests.support.ready_app import serving, still
from tests.support.shop_tables import put

OLD = {"id": "ab12cd34", "userEmail": "ann@example.org"}


@pytest.fixture
def shop(stocked: Settings, dynamodb: object) -> Iterator[TestClient]:
    """Provide a client of a shop behind a proxy, with an order of an older release."""
    put(dynamodb, stocked.dynamodb.orders_table, OLD)
    limits = stocked.limits.model_copy(update={"trusted_proxies": ("10.0.0.0/8",)})
    settings = stocked.model_copy(update={"access": BASIC, "limits": limits})
    with serving(create_app(settings, process=still(settings)), "10.0.0.1") as client:
        yield client


def at(address: str) -> dict[str, str]:
    """Return the header with which the proxy names a client."""
    return {"X-Forwarded-For": address}


def test_a_client_that_guesses_old_ids_gets_no_more_answers_for_an_hour(shop: TestClient) -> None:
    guesser, other = at("203.0.113.1"), at("203.0.113.2")
    guesses = [f"/api/orders/{number:08x}" for number in range(21)]

    codes = [shop.get(path, headers=guesser).status_code for path in guesses]
    hit = shop.get("/api/orders/ab12cd34", headers=guesser)

    assert codes == [404] * 20 + [429]
    assert (hit.status_code, hit.json()["type"]) == (429, "/api/problems/too-many-lookups")
    assert hit.headers["Retry-After"] == "3600"
    assert "ann@example.org" not in hit.text
    assert shop.get("/api/orders/ab12cd34", headers=other).status_code == 200
    assert shop.get("/api/orders/ab12cd34", headers=guesser, auth=ADMIN).status_code == 200
    placed = shop.post("/api/orders", json={"productId": "1", "quantity": 1}, headers=guesser)
    assert shop.get(placed.headers["Location"], headers=guesser).status_code == 200


def test_a_guests_key_answers_its_own_client_and_a_customers_whoever_has_the_address(
    shop: TestClient,
) -> None:
    guest = {"productId": "1", "quantity": 1}
    customer = guest | {"userEmail": "ann@example.org"}
    one, other = at("203.0.113.3"), at("203.0.113.4")
    key, another = {"Idempotency-Key": "1"}, {"Idempotency-Key": "2"}

    first = shop.post("/api/orders", json=guest, headers=one | key)
    again = shop.post("/api/orders", json=guest, headers=one | key)
    taken = shop.post("/api/orders", json=guest, headers=other | key)
    hers = [shop.post("/api/orders", json=customer, headers=who | another) for who in (one, other)]

    assert (first.status_code, again.json()) == (201, first.json())
    assert (taken.status_code, taken.json()["type"]) == (409, "/api/problems/idempotency-key-taken")
    assert first.json()["id"] not in taken.text
    assert [answer.status_code for answer in hers] == [201, 201]
    assert hers[0].json() == hers[1].json()


def test_guesses_that_are_sent_all_at_once_find_out_no_more_than_others(stocked: Settings) -> None:
    async def guess(url: str) -> Counter[int]:
        async with httpx2.AsyncClient(base_url=url, timeout=60) as client:
            paths = [f"/api/orders/{number:08x}" for number in range(300)]
            answers = await asyncio.gather(*map(client.get, paths))
        return Counter(answer.status_code for answer in answers)

    with served(stocked) as url:
        codes = asyncio.run(guess(url))

    assert codes == {404: 20, 429: 280}
