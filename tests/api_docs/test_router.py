"""`/api` and `/.well-known/api-catalog`, over HTTP."""

from urllib.parse import urljoin

from fastapi.testclient import TestClient


def test_the_index_lists_every_operation_of_the_document(client: TestClient) -> None:
    document = client.get("/openapi.json").json()

    index = client.get("/api").json()

    listed = {(entry["method"], entry["path"]) for entry in index["operations"]}
    described = {
        (method.upper(), path) for path, item in document["paths"].items() for method in item
    }
    assert listed == described
    place_order = next(e for e in index["operations"] if e["docs"].endswith("/place_order"))
    assert place_order["summary"] == "Place an order"
    assert place_order["body"]["items"][0] == {"productId": "1", "quantity": 2}


def test_the_catalogue_links_to_what_there_is(client: TestClient) -> None:
    answer = client.get("/.well-known/api-catalog")

    (context,) = answer.json()["linkset"]
    assert answer.headers["content-type"] == (
        'application/linkset+json; profile="https://www.rfc-editor.org/info/rfc9727"'
    )
    for relation in ("service-desc", "service-doc", "service-meta"):
        address = urljoin("/.well-known/api-catalog", context[relation][0]["href"])
        assert client.get(address).status_code == 200
