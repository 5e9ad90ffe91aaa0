"""`/api/products`, over HTTP."""

from decimal import Decimal
from typing import Any

import pytest
from fastapi.testclient import TestClient

from cloudmart.settings import Settings
from tests.products.conftest import Stock
from tests.support.products import example_of_a_product, shown_product
from tests.support.shop_tables import KETTLE, LAMP, get

NEW = {"name": "Teapot", "description": "Holds a litre.", "price": 24.95, "image": ""}


def test_an_added_product_is_answered_with_its_id_and_place(client: TestClient) -> None:
    answer = client.post("/api/products", json=NEW)

    product = answer.json()
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"/api/products/{product['id']}"
    assert product == NEW | {name: product[name] for name in ("id", "createdAt", "updatedAt")}
    assert client.get(answer.headers["Location"]).json() == product


def test_a_product_is_changed_by_sending_back_what_was_read(client: TestClient) -> None:
    product = client.post("/api/products", json=NEW).json()

    answer = client.put(f"/api/products/{product['id']}", json=product | {"price": 19.5})

    assert answer.status_code == 200
    assert answer.json() == product | {"price": 19.5, "updatedAt": answer.json()["updatedAt"]}
    assert client.get(f"/api/products/{product['id']}").json() == answer.json()


def test_an_id_and_times_in_a_request_change_nothing(client: TestClient) -> None:
    product = client.post("/api/products", json=NEW | {"id": "mine", "createdAt": "1999"}).json()

    changed = client.put(
        f"/api/products/{product['id']}",
        json=product | {"id": "other", "createdAt": "1999-01-01T00:00:00.000Z", "stock": 7},
    ).json()

    assert product["id"] != "mine"
    assert changed == product | {"updatedAt": changed["updatedAt"]}
    assert client.get("/api/products/other").status_code == 404


def test_a_description_and_an_image_may_be_left_out(client: TestClient) -> None:
    answer = client.post("/api/products", json={"name": "Teapot", "price": "24.95"})

    assert answer.status_code == 201
    ours = {name: answer.json()[name] for name in ("id", "createdAt", "updatedAt")}
    assert answer.json() == shown_product(name="Teapot", price=24.95, **ours)


def test_attributes_that_others_wrote_survive_a_change(
    client: TestClient,
    settings: Settings,
    dynamodb: Any,  # noqa: ANN401 - boto3's
    stock: Stock,
) -> None:
    extra = {"category": "light", "stock": 7, "dimensions": {"height": 40, "unit": "cm"}}
    stock(LAMP | extra)

    changed = client.put("/api/products/1", json=NEW).json()

    stored = get(dynamodb, settings.dynamodb.products_table, "1")
    assert stored is not None
    assert {name: stored[name] for name in extra} == extra
    assert (stored["name"], stored["updatedAt"]) == ("Teapot", changed["updatedAt"])


def test_a_change_by_the_page_keeps_the_fields_that_the_page_does_not_know(
    client: TestClient, stock: Stock
) -> None:
    product = example_of_a_product()
    price = {"price": Decimal(str(product["price"]))}
    stock(product | price)

    sent = {name: product[name] for name in ("id", "createdAt", *NEW)}
    changed = client.put(f"/api/products/{product['id']}", json=sent).json()

    assert changed == product | {"updatedAt": changed["updatedAt"]}


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_an_unknown_product_is_not_found_and_not_created(
    method: str,
    client: TestClient,
    settings: Settings,
    dynamodb: Any,  # noqa: ANN401
) -> None:
    answer = client.request(method, "/api/products/nope", json=NEW)

    assert answer.status_code == 404
    assert answer.json()["error"] == "Product 'nope' does not exist."
    assert get(dynamodb, settings.dynamodb.products_table, "nope") is None


def test_a_deleted_product_is_gone(client: TestClient) -> None:
    place = client.post("/api/products", json=NEW).headers["Location"]

    answer = client.delete(place)

    assert (answer.status_code, answer.json()) == (200, {"message": "Product deleted successfully"})
    assert [client.get(place).status_code, client.delete(place).status_code] == [404, 404]


def test_an_empty_catalogue_is_an_empty_list(client: TestClient) -> None:
    answer = client.get("/api/products")

    assert (answer.status_code, answer.json()) == (200, [])


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("desk", ["1"]),
        ("LAMP", ["1"]),
        ("e", ["1", "2"]),
        ("k l", ["1"]),
        ("", ["1", "2"]),
        ("teapot", []),
        ("%", []),
    ],
)
def test_a_search_finds_what_a_name_contains_in_any_case(
    asked: str,
    found: list[str],
    stocked: Settings,  # noqa: ARG001
    client: TestClient,
) -> None:
    answer = client.get("/api/products", params={"q": asked})

    assert sorted(product["id"] for product in answer.json()) == found


@pytest.mark.parametrize("asked", ["cafe", "CAFÉ", "Cafe\u0301", "İZMİR", "izmir"])
def test_a_search_finds_letters_however_they_are_written(
    asked: str,
    client: TestClient,
    stock: Stock,
) -> None:
    names = ["Café İzmir", "Cafe\u0301 I\u0307zmir"]
    stock(*(LAMP | {"id": str(key), "name": name} for key, name in enumerate(names)))

    answer = client.get("/api/products", params={"q": asked})

    assert sorted(product["id"] for product in answer.json()) == ["0", "1"]


def test_a_search_continues_page_by_page(
    client: TestClient,
    stock: Stock,
) -> None:
    stock(*((LAMP if number % 3 else KETTLE) | {"id": f"{number:02}"} for number in range(30)))
    url, found = "/api/products?q=LAMP&limit=7", []

    while url:
        answer = client.get(url)
        found += [product["id"] for product in answer.json()]
        assert len(answer.json()) <= 7
        assert {product["name"] for product in answer.json()} == {"Desk lamp"}
        url = answer.links.get("next", {}).get("url", "")
        assert not url or url.startswith("/api/products?q=LAMP&limit=7&cursor=")

    assert sorted(found) == [f"{number:02}" for number in range(30) if number % 3]


def test_a_page_that_ends_the_list_has_no_next(
    stocked: Settings,  # noqa: ARG001
    client: TestClient,
) -> None:
    first = client.get("/api/products", params={"limit": 1})
    second = client.get(first.links["next"]["url"])

    assert [len(first.json()), len(second.json())] == [1, 1]
    assert "Link" not in second.headers


def test_a_list_continues_although_the_item_it_stopped_at_is_gone(
    client: TestClient,
    stock: Stock,
) -> None:
    items = [LAMP | {"id": f"{number:02}"} for number in range(10)]
    stock(*items)
    first = client.get("/api/products", params={"limit": 4})
    client.delete(f"/api/products/{first.json()[-1]['id']}")

    rest = client.get(first.links["next"]["url"].replace("limit=4", "limit=100"))

    seen = [product["id"] for product in first.json() + rest.json()]
    assert sorted(seen) == [item["id"] for item in items]


@pytest.mark.parametrize("other", ["/api/products?q=lamp&", "/api/orders?", "/api/products?"])
def test_a_cursor_is_good_for_its_own_list_alone(
    other: str,
    stocked: Settings,  # noqa: ARG001
    client: TestClient,
) -> None:
    url = client.get("/api/products", params={"limit": 1, "q": "e"}).links["next"]["url"]
    cursor = url.partition("cursor=")[2]

    answer = client.get(f"{other}cursor={cursor}")

    assert answer.status_code == 422
    assert [fault["pointer"] for fault in answer.json()["errors"]] == ["/query/cursor"]
