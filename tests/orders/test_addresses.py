"""Orders of older releases that have the address under another name, or under two."""

from typing import Any

import pytest

from cloudmart.app import create_app
from cloudmart.settings import DynamoDBSettings, Environment, Settings
from tests.support.ready_app import serving, still
from tests.support.shop_tables import put


@pytest.mark.parametrize(
    ("stored", "address"),
    [
        ({"customerEmail": "ann@x.org"}, "ann@x.org"),
        ({"userEmail": None, "customerEmail": "ann@x.org"}, "ann@x.org"),
        ({"userEmail": "", "customerEmail": "ann@x.org"}, "ann@x.org"),
        ({"userEmail": "bob@x.org", "customerEmail": "ann@x.org"}, "bob@x.org"),
        ({"userEmail": ["bob@x.org"], "customerEmail": "ann@x.org"}, None),
        ({"userEmail": ""}, None),
    ],
)
def test_an_order_is_found_by_the_address_that_it_shows_and_by_no_other(
    stored: dict[str, Any],
    address: str | None,
    dynamodb: Any,  # noqa: ANN401
    production: DynamoDBSettings,
) -> None:
    order = {"id": "0000000a", "createdAt": "2025-01-01T10:00:00.000Z"}
    put(dynamodb, production.orders_table, order | stored)
    settings = Settings(environment=Environment.LOCAL, dynamodb=production)

    with serving(create_app(settings, process=still(settings))) as client:
        shown = client.get("/api/orders/0000000a").json()["userEmail"]
        found = {
            email: client.get("/api/orders/user", params={"email": email}).json() != []
            for email in ("ann@x.org", "bob@x.org")
        }

    assert shown == address
    assert found == {email: email == address for email in found}
