"""Which orders a list by e-mail shows: with a token, those of exactly that address."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from cloudmart.app import create_app
from cloudmart.orders.indexes import order_keys
from cloudmart.settings import Settings
from tests.support.ready_app import serving, still
from tests.support.shop_tables import let_use_indexes, put
from tests.support.token_issuer import Issuer

# All addresses of a group have one key in the index, but belong to different people.
ADDRESSES = {
    "kim": "kim@example.org",
    "KIM": "KIM@Example.org",
    "kelvin": "\u212aim@example.org",
    "strasse": "strasse@example.org",
    "sharp": "stra\u00dfe@example.org",
    "composed": "\u00fcnal@example.org",
    "decomposed": "u\u0308nal@example.org",
    "unicode": "jo@m\u00fcnchen.de",
    "punycode": "Jo@XN--mnchen-3ya.de",
}


@pytest.fixture(params=["by the index", "by a scan"])
def stored(
    request: pytest.FixtureRequest,
    settings: Settings,
    dynamodb: Any,  # noqa: ANN401 - boto3's
) -> Settings:
    """Provide settings of a shop with an order of each address."""
    if request.param == "by the index":
        let_use_indexes(dynamodb, settings.dynamodb)
    for key, address in ADDRESSES.items():
        order = {"id": key, "userEmail": address, "createdAt": "2026-11-01T10:00:00.000Z"}
        put(dynamodb, settings.dynamodb.orders_table, order | order_keys(order))
    return settings


@pytest.fixture
def shop(stored: Settings, issuer: Issuer) -> Iterator[TestClient]:
    """Provide a client of that shop, whose customers must sign in."""
    told = stored.model_copy(update={"access": issuer.settings(admin_scope="cloudmart/admin")})
    with serving(create_app(told, process=still(told))) as client:
        yield client


def test_with_a_token_only_orders_of_exactly_that_address_are_shown(
    shop: TestClient, issuer: Issuer
) -> None:
    def shown(address: str) -> set[str]:
        headers = {"Authorization": f"Bearer {issuer.token(email=address)}"}
        answer = shop.get("/api/orders/user", params={"email": address}, headers=headers)
        return {order["id"] for order in answer.json()}

    assert {key: shown(address) for key, address in ADDRESSES.items()} == {
        "kim": {"kim", "KIM"},
        "KIM": {"kim", "KIM"},
        "kelvin": {"kelvin"},
        "strasse": {"strasse"},
        "sharp": {"sharp"},
        "composed": {"composed"},
        "decomposed": {"decomposed"},
        "unicode": {"unicode", "punycode"},
        "punycode": {"unicode", "punycode"},
    }


def test_staff_find_all_spellings_and_see_each_as_it_was_given(
    shop: TestClient, issuer: Issuer
) -> None:
    headers = {"Authorization": f"Bearer {issuer.token(admin=True)}"}

    def shown(address: str) -> dict[str, str]:
        answer = shop.get("/api/orders/user", params={"email": address}, headers=headers)
        return {order["id"]: order["userEmail"] for order in answer.json()}

    assert shown("KIM@EXAMPLE.ORG") == {key: ADDRESSES[key] for key in ("kim", "KIM", "kelvin")}
    assert shown("STRASSE@example.org").keys() == {"strasse", "sharp"}
    assert shown("U\u0308NAL@example.org").keys() == {"composed", "decomposed"}
    assert shown("jo@mu\u0308nchen.DE").keys() == {"unicode", "punycode"}
