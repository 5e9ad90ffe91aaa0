"""Items that no release wrote: every DynamoDB type in each attribute."""

from typing import Any

import pytest
from fastapi.testclient import TestClient
from prometheus_client import REGISTRY

from cloudmart.dynamodb.codec import decode_item
from cloudmart.settings import Settings
from tests.support.wire_values import VALUES, Wire

ATTRIBUTES = {
    "products": ("name", "description", "price", "image", "createdAt", "updatedAt", "stock"),
    "orders": (
        *("items", "total", "totalAmount", "status", "customerEmail", "updatedAt", "productId"),
        *("quantity", "requestDigest", "gift"),
    ),
    "tickets": (
        *("conversation", "sentimentScores", "overallSentiment", "sentimentSource", "subject"),
        *("message", "userEmail", "threadId", "threadName", "truncated", "updatedAt", "notes"),
    ),
}
GOOD: dict[str, Wire] = {
    "products": {"name": {"S": "Lamp"}, "price": {"N": "19.99"}},
    "orders": {
        "userEmail": {"S": "ann@example.org"},
        "status": {"S": "Pending"},
        "total": {"N": "1"},
        "createdAt": {"S": "2026-11-23T08:00:00.000Z"},
    },
    "tickets": {"status": {"S": "open"}, "createdAt": {"S": "2026-11-23T08:00:00.000Z"}},
}
CHANGES: dict[str, dict[str, Any]] = {
    "products": {"name": "Desk lamp", "description": "Bright.", "price": 21, "image": ""},
    "orders": {"status": "Shipped"},
    "tickets": {"status": "closed"},
}

each_domain = pytest.mark.parametrize("domain", ATTRIBUTES)


def _items(domain: str) -> dict[str, Wire]:
    """Return an item for each attribute and each possible value."""
    return {
        f"{attribute} {kind}": GOOD[domain] | {attribute: value}
        for attribute in ATTRIBUTES[domain]
        for kind, value in VALUES.items()
    }


@pytest.fixture(scope="module")
def stored(
    shared_settings: Settings,
    dynamodb: Any,  # noqa: ANN401 - boto3's
) -> dict[str, dict[str, Wire]]:
    """Fill the tables, and provide their items by id."""
    names = shared_settings.dynamodb
    tables = {
        "products": names.products_table,
        "orders": names.orders_table,
        "tickets": names.tickets_table,
    }
    filled: dict[str, dict[str, Wire]] = {}
    for domain, table in tables.items():
        filled[domain] = _items(domain)
        for key, item in filled[domain].items():
            dynamodb.put_item(TableName=table, Item=item | {"id": {"S": key}})
    return filled


def _unreadable(kind: str) -> float:
    return REGISTRY.get_sample_value("cloudmart_unreadable_items_total", {"kind": kind}) or 0


@each_domain
def test_a_list_shows_every_item_and_counts_what_it_left_out(
    domain: str, stored: dict[str, dict[str, Wire]], shared_client: TestClient
) -> None:
    kind = domain.removesuffix("s").capitalize()
    before = _unreadable(kind)

    shown = shared_client.get(f"/api/{domain}").json()

    assert stored[domain].keys() <= {each["id"] for each in shown}
    assert _unreadable(kind) > before


@each_domain
def test_each_item_is_shown_alone_as_in_the_list(
    domain: str, stored: dict[str, dict[str, Wire]], shared_client: TestClient
) -> None:
    shown = {each["id"]: each for each in shared_client.get(f"/api/{domain}").json()}

    for key in stored[domain]:
        assert shared_client.get(f"/api/{domain}/{key}").json() == shown[key]


@pytest.mark.parametrize(
    "path", ["orders/user?email=ann@example.org", "tickets/status?status=open"]
)
def test_a_look_up_finds_every_item(
    path: str, stored: dict[str, dict[str, Wire]], shared_client: TestClient
) -> None:
    found = shared_client.get(f"/api/{path}").json()

    assert {each["id"] for each in found} >= stored[path.partition("/")[0]].keys() - {
        key for key in stored["orders"] if key.startswith("status ")
    }


@each_domain
def test_a_change_works_on_every_item_and_keeps_what_it_does_not_know(
    domain: str,
    stored: dict[str, dict[str, Wire]],
    shared_client: TestClient,
    shared_settings: Settings,
    dynamodb: Any,  # noqa: ANN401 - boto3's
) -> None:
    table = getattr(shared_settings.dynamodb, f"{domain}_table")
    changed = {"id", "updatedAt", *CHANGES[domain]}

    for key, item in stored[domain].items():
        answer = shared_client.put(f"/api/{domain}/{key}", json=CHANGES[domain])

        assert (key, answer.status_code) == (key, 200)
        now = dynamodb.get_item(TableName=table, Key={"id": {"S": key}})["Item"]
        kept = {name: value for name, value in item.items() if name not in changed}
        # DynamoDB writes a number in full.
        assert decode_item({name: now[name] for name in kept}) == decode_item(kept)
