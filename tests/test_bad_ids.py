"""Ids and queries that no client should send get a problem document, and never a 5xx."""

import httpx2
import pytest

from tests.support.problems import is_problem, pointers
from tests.support.routes import ROUTES

OF_ITEMS = [route for route in ROUTES if "{id}" in route.template]


@pytest.mark.parametrize(
    "key",
    [
        *("x" * 7_000, "%F0%9F%92%A1" * 256, "%00", "a%00b", "%F0%9F%92%A1", "%ED%A0%80", "%FF"),
        *("%20", "NaN", "1e400", "-1", "null", "undefined", "%7B%7D", "'%22;--", "*", "%25", "%0A"),
        *("..%2F..%2Fetc%2Fpasswd", "a%2Fb", "%2E%2E", "%0D%0AX-Evil:%201", "internal-backfill"),
    ],
)
def test_an_invalid_id_is_refused_on_every_route_and_creates_nothing(
    key: str, shop: httpx2.Client
) -> None:
    for route in OF_ITEMS:
        answer = shop.request(route.method, route.path(key), json=route.body)

        is_problem(answer, 404, 405, 422)
        assert "X-Evil" not in answer.headers
    for kind in ("orders", "tickets"):
        assert shop.get(f"/api/{kind}").json() == []


QUERIES = [
    *("q=" + "x" * 201, "limit=0", "limit=1001", "limit=x", "limit=1.5", "limit=", "limit=NaN"),
    *("limit=" + "9" * 400, "cursor=", "cursor=x", "cursor=" + "x" * 5000, "cursor=%00"),
    *("cursor=%0D%0AX-Evil:1", "cursor=%ED%A0%80", "cursor=😀", "cursor=e30", "cursor=bnVsbA"),
]


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("path", ["/api/products", "/api/orders", "/api/tickets"])
def test_an_invalid_limit_or_cursor_is_refused(path: str, query: str, shop: httpx2.Client) -> None:
    if query.startswith("q=") and path != "/api/products":
        return

    answer = shop.get(f"{path}?{query}")

    name = query.partition("=")[0]
    assert pointers(is_problem(answer, 422)) == [f"/query/{name}"]


@pytest.mark.parametrize("q", ["%00", "%ED%A0%80", "%F0%9F%92%A1", "%25", "(", "%0D%0AX-Evil:%201"])
def test_a_search_for_anything_is_a_list(q: str, shop: httpx2.Client) -> None:
    answer = shop.get(f"/api/products?q={q}&limit=1")

    assert (answer.status_code, answer.json()) == (200, [])


def test_a_link_repeats_the_query_and_adds_no_header(shop: httpx2.Client) -> None:
    made = [
        shop.post("/api/products", json={"name": f'"><k>; rel="x", é {n}', "price": 1}).json()
        for n in range(2)
    ]

    answer = shop.get("/api/products", params={"q": '"><K>; rel="x", É', "limit": 1})

    target, _, relation = answer.headers["Link"].rpartition(";")
    assert relation == ' rel="next"'
    assert set(target[1:-1]) & set('<>" ,;é') == set()
    following = shop.get(answer.links["next"]["url"])
    names = {product["name"] for product in answer.json() + following.json()}
    assert names == {product["name"] for product in made}
    for product in made:
        shop.delete(f"/api/products/{product['id']}")


@pytest.mark.parametrize(
    "status", ["", "Open", "resolved", "%00", "%ED%A0%80", "x" * 5000, "open,closed"]
)
def test_an_invalid_ticket_status_is_refused(status: str, shop: httpx2.Client) -> None:
    answer = shop.get(f"/api/tickets/status?status={status}")

    assert pointers(is_problem(answer, 422)) == ["/query/status"]


@pytest.mark.parametrize(
    "email", ["%ED%A0%80", "%F0%9F%92%A1", "x" * 500, "a@b" * 100, "'%20OR%201"]
)
def test_an_unknown_address_has_no_orders(email: str, shop: httpx2.Client) -> None:
    answer = shop.get(f"/api/orders/user?email={email}")

    assert (answer.status_code, answer.json()) == (200, [])
