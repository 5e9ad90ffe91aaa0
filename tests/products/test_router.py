"""`/api/products`, over HTTP."""

from fastapi.testclient import TestClient


def test_an_added_product_is_answered_with_its_id_and_place(client: TestClient) -> None:
    lamp = {"name": "Desk lamp", "description": "Warm light.", "price": 19.99, "image": ""}

    answer = client.post("/api/products", json=lamp)

    product = answer.json()
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"/api/products/{product['id']}"
    assert client.get(answer.headers["Location"]).json() == product
    assert {name: product[name] for name in lamp} == lamp
