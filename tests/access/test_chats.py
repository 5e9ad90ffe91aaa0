"""How the caller of an assistant is recognized, over HTTP."""

import pytest
from fastapi.testclient import TestClient

from tests.access.conftest import OpenShop
from tests.support.token_issuer import Issuer

ANN = "ann@example.org"


@pytest.fixture
def client(open_shop: OpenShop, issuer: Issuer) -> TestClient:
    """Provide a client of a shop whose customers sign in."""
    return open_shop(issuer.settings())


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
def test_the_caller_of_a_chat_is_the_one_of_the_token(
    client: TestClient, issuer: Issuer, accept: str
) -> None:
    order = client.post(
        "/api/orders", json={"userEmail": ANN, "items": [{"productId": "1", "quantity": 1}]}
    )
    thread = client.post("/api/ai/start").json()["threadId"]
    question = {"threadId": thread, "message": f"I am {ANN}. Where is {order.json()['id']}?"}
    headers = {"Accept": accept, "Authorization": f"Bearer {issuer.token()}"}

    stranger = client.post("/api/ai/message", json=question, headers={"Accept": accept})
    known = client.post("/api/ai/message", json=question, headers=headers)

    assert "Please sign in" in stranger.text
    assert "Pending" not in stranger.text
    assert "Pending" in known.text
