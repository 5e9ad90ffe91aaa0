"""The copy of the products as clients see it: tags, codings, ages, two processes."""

import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi.testclient import TestClient
from prometheus_client import REGISTRY

from cloudmart.app import create_app
from cloudmart.settings import CatalogueSettings, Settings
from tests.support.fault_proxy import Fault, FaultProxy
from tests.support.live_server import served
from tests.support.metric_samples import sample
from tests.support.ready_app import serving, still
from tests.support.serve_process import environment, serving_process
from tests.support.shop_tables import KETTLE, LAMP, put

NEW = {"name": "Teapot", "description": "Holds a litre.", "price": 24.95, "image": ""}
PLAIN = {"Accept-Encoding": "identity"}
PATIENCE = 30.0


@pytest.mark.usefixtures("stocked")
@pytest.mark.parametrize("coding", ["identity", "gzip"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("path", ["/api/products/1", "/api/products"])
def test_what_has_not_changed_is_a_304(
    path: str, method: str, coding: str, settings: Settings, client: TestClient
) -> None:
    headers = {"Accept-Encoding": coding}
    first = client.request(method, path, headers=headers)
    if "ETag" not in first.headers:
        assert settings.catalogue.ttl == 0
        return

    seen = client.request(method, path, headers=headers | {"If-None-Match": first.headers["ETag"]})
    client.put("/api/products/1", json=NEW)
    changed = client.request(
        method, path, headers=headers | {"If-None-Match": first.headers["ETag"]}
    )

    assert [first.status_code, seen.status_code, changed.status_code] == [200, 304, 200]
    assert seen.headers["ETag"] == first.headers["ETag"] != changed.headers["ETag"]
    assert {each.headers["Cache-Control"] for each in (first, seen, changed)} == {"no-cache"}
    assert all("Accept-Encoding" in each.headers["Vary"] for each in (first, seen, changed))
    assert first.headers.get("Content-Encoding", "identity") == coding
    assert bool(changed.content) is (method == "GET")


@pytest.mark.usefixtures("stocked")
def test_a_product_is_changed_and_deleted_only_as_it_was_seen(client: TestClient) -> None:
    for coding in ("identity", "gzip"):
        seen = client.get("/api/products/1", headers={"Accept-Encoding": coding}).headers["ETag"]
        changed = client.put(
            "/api/products/1", json=NEW | {"name": coding}, headers={"If-Match": seen}
        )
        again = client.put("/api/products/1", json=NEW, headers={"If-Match": seen})

        assert (changed.status_code, again.status_code) == (200, 412)
        assert again.json()["type"] == "/api/problems/precondition-failed"
        assert (
            client.get("/api/products/1", headers=PLAIN).headers["ETag"]
            == (changed.headers["ETag"])
        )
    now = client.get("/api/products/1", headers=PLAIN).headers["ETag"]
    assert client.delete("/api/products/1", headers={"If-Match": '"x"'}).status_code == 412
    assert client.delete("/api/products/1", headers={"If-Match": now}).status_code == 200
    assert client.delete("/api/products/1", headers={"If-Match": now}).status_code == 404


def test_an_added_product_has_the_tag_it_is_read_with(client: TestClient) -> None:
    added = client.post("/api/products", json=NEW)

    read = client.get(added.headers["Location"], headers=PLAIN)

    assert read.headers["ETag"] == added.headers["ETag"]


@pytest.fixture
def remembering(dynamodb: Any, stocked_table: Settings) -> Settings:  # noqa: ANN401
    """Provide settings with the default copy, for a table with a lamp and a kettle."""
    assert dynamodb
    return stocked_table.model_copy(update={"catalogue": CatalogueSettings()})


@pytest.fixture
def remembering_client(remembering: Settings, faults: FaultProxy) -> Iterator[TestClient]:
    """Provide a client of a shop behind a proxy that has read its products."""
    assert faults.port
    with serving(create_app(remembering, process=still(remembering))) as client:
        wait_for(lambda: not math.isnan(_age()))
        yield client


def _age() -> float:
    return REGISTRY.get_sample_value("cloudmart_catalogue_age_seconds") or 0.0


def wait_for(true: Any) -> None:  # noqa: ANN401
    """Wait until something is true."""
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_the_products_are_read_before_the_shop_is_ready(
    remembering_client: TestClient, faults: FaultProxy
) -> None:
    wait_for(lambda: faults.calls["Scan"])

    assert len(remembering_client.get("/api/products").json()) == 2


def test_a_refusal_is_decided_by_the_table_and_an_order_keeps_the_price_that_was_seen(
    remembering: Settings,
    dynamodb: Any,  # noqa: ANN401 - boto3's
) -> None:
    long = remembering.model_copy(update={"catalogue": CatalogueSettings(ttl=60)})
    table = long.dynamodb.products_table
    line = {"productId": "1", "quantity": 1}
    with serving(create_app(long, process=still(long))) as client:
        wait_for(lambda: len(client.get("/api/products").json()) == 2)
        put(dynamodb, table, LAMP | {"price": "25"}, KETTLE | {"id": "3"})

        answers = [
            client.post("/api/orders", json=line | {"price": 19.99}),
            client.post("/api/orders", json=line | {"price": 25}),
            client.post("/api/orders", json=line | {"price": 20}),
            client.post("/api/orders", json={"productId": "3", "quantity": 1}),
            client.post("/api/orders", json={"productId": "4", "quantity": 1}),
        ]

        assert [each.status_code for each in answers] == [201, 201, 409, 201, 422]
        assert [each.json()["total"] for each in answers[:2]] == [19.99, 25]
        assert answers[2].json()["details"]["price"] == 25
        assert client.get("/api/products/3").status_code == 200
        assert client.get("/api/products/4").status_code == 404


def test_while_dynamodb_is_away_products_are_served_with_their_age(
    remembering_client: TestClient, faults: FaultProxy
) -> None:
    client = remembering_client
    faults.fail(Fault.BROKEN)
    line = {"productId": "1", "quantity": 1}

    wait_for(lambda: "Age" in client.get("/api/products").headers)
    answered = sample("catalogue_stale_answers_total")

    assert len(client.get("/api/products").json()) == 2
    assert client.get("/api/products/1").json()["name"] == "Desk lamp"
    assert int(client.get("/api/products/1").headers["Age"]) >= 2
    assert "Age" in client.get("/api/products?q=lamp").headers
    assert sample("catalogue_stale_answers_total") == answered + 4
    assert client.get("/api/products/nope").status_code == 503
    assert client.post("/api/orders", json=line).status_code == 503
    health = client.get("/health").json()["checks"]["catalogue:freshness"][0]
    assert health["status"] == "warn"
    assert "products cannot be read" in health["output"]


def test_two_processes_see_each_others_changes(remembering: Settings, tmp_path: Path) -> None:
    """A change is seen at once in the process that made it, and soon in the other."""
    environ = environment(remembering, CATALOGUE_TTL="2")
    (tmp_path / "other").mkdir()
    with (
        serving_process(environ, tmp_path) as here,
        serving_process(environ, tmp_path / "other") as elsewhere,
        httpx2.Client(base_url=here.url, timeout=60) as first,
        httpx2.Client(base_url=elsewhere.url, timeout=60) as second,
    ):
        here.wait_for(200, "/ready")
        elsewhere.wait_for(200, "/ready")
        for number in range(3):
            second.get("/api/products")
            name = f"Lamp {number}"

            first.put("/api/products/1", json=NEW | {"name": name})

            assert first.get("/api/products/1").json()["name"] == name
            assert name in {each["name"] for each in first.get("/api/products").json()}
            wait_for(
                lambda name=name: (
                    name in {each["name"] for each in second.get("/api/products").json()}
                )
            )
        place = first.post("/api/products", json=NEW).headers["Location"]
        assert second.get(place).status_code == 200
        first.delete(place)
        assert first.get(place).status_code == 404
        wait_for(lambda: second.get(place).status_code == 404)
        same = [
            each.get("/api/products", headers=PLAIN).headers["ETag"] for each in (first, second)
        ]
        assert same[0] == same[1]


def test_a_real_server_answers_head_and_304_without_a_body(remembering: Settings) -> None:
    with served(remembering) as url, httpx2.Client(base_url=url, timeout=60) as client:
        whole = client.get("/api/products", headers=PLAIN)
        head = client.head("/api/products", headers=PLAIN)
        seen = client.get("/api/products", headers=PLAIN | {"If-None-Match": whole.headers["ETag"]})
        packed = client.get("/api/products")

    assert head.headers["Content-Length"] == str(len(whole.content))
    assert (head.content, seen.content, seen.status_code) == (b"", b"", 304)
    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.json() == whole.json()
