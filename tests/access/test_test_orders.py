"""Who may place a test order."""

from typing import Any

import pytest

from tests.access.conftest import ADMIN, BASIC, OpenShop
from tests.orders.test_test_orders import BODY
from tests.support.problems import is_problem


@pytest.mark.parametrize("sent", [{}, {"auth": ("ann", "not it at all")}], ids=["none", "wrong"])
@pytest.mark.parametrize("key", [{}, {"Idempotency-Key": "run-1"}], ids=["no key", "key"])
def test_only_an_administrator_places_a_test_order(
    open_shop: OpenShop, sent: dict[str, Any], key: dict[str, str]
) -> None:
    client = open_shop(BASIC)

    answer = client.post("/api/orders", json=BODY, headers=key, **sent)

    problem = is_problem(answer, 403)
    assert problem["type"] == "/api/problems/reserved-address"
    assert "administrators" in problem["error"]
    assert "WWW-Authenticate" not in answer.headers


def test_an_administrator_places_one_where_customers_place_theirs(open_shop: OpenShop) -> None:
    client = open_shop(BASIC)

    assert client.post("/api/orders", json=BODY, auth=ADMIN).status_code == 201
    customers = BODY | {"userEmail": "ann@example.org"}
    assert client.post("/api/orders", json=customers).status_code == 201
