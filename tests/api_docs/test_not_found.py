"""Wrong addresses, over HTTP."""

import pytest
from fastapi.testclient import TestClient


@pytest.mark.parametrize(
    ("method", "wrong", "meant"),
    [
        ("GET", "/api/product", "GET /api/products"),
        ("GET", "/products", "GET /api/products"),
        ("POST", "/api/order", "POST /api/orders"),
        ("GET", "/api/orders/users/x", "GET /api/orders/user"),
        ("POST", "/api/ticket", "POST /api/tickets"),
        ("POST", "/api/ai/azure", "POST /api/ai/analyze-sentiment"),
        ("POST", "/api/ai/sentiment", "POST /api/ai/analyze-sentiment"),
        ("POST", "/api/ai/openai", "POST /api/ai/message"),
        ("POST", "/api/chat", "POST /api/ai/start"),
        ("POST", "/api/ai/bedrock", "POST /api/ai/bedrock/start"),
    ],
)
def test_a_wrong_path_is_answered_with_the_one_that_was_meant(
    client: TestClient, method: str, wrong: str, meant: str
) -> None:
    answer = client.request(method, wrong)

    problem = answer.json()
    nearest = problem["details"]["nearest"][0]
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["error"] == f"There is no {method} '{wrong}'. Did you mean {meant}?"
    assert f"{nearest['method']} {nearest['path']}" == meant
    assert nearest["docs"].startswith("/api/docs#/")


def test_the_nearest_operation_comes_with_a_body_to_try(client: TestClient) -> None:
    problem = client.post("/api/order").json()

    body = problem["details"]["nearest"][0]["body"]
    assert body["items"] == [{"productId": "1", "quantity": 2}, {"productId": "2", "quantity": 1}]


def test_the_page_of_the_sentiment_route_shows_an_example_chat(client: TestClient) -> None:
    problem = client.post("/api/ai/azure").json()

    body = problem["details"]["nearest"][0]["body"]
    assert set(body["thread"]["messages"][0]) == {"sender", "text"}


def test_a_path_like_no_other_is_pointed_to_the_list(client: TestClient) -> None:
    problem = client.get("/wp-login.php").json()

    assert problem["error"] == "There is no GET '/wp-login.php'. GET /api lists all operations."
    assert "details" not in problem


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PATCH", "/api/orders", {"GET", "HEAD", "POST"}),
        ("POST", "/api/products/1", {"GET", "HEAD", "PUT", "DELETE"}),
        ("PATCH", "/api/orders/user", {"GET", "HEAD"}),
        ("POST", "/docs", {"GET", "HEAD"}),
    ],
)
def test_allow_names_every_method_of_a_path(
    client: TestClient, method: str, path: str, allowed: set[str]
) -> None:
    answer = client.request(method, path)

    assert answer.status_code == 405
    assert set(answer.headers["Allow"].split(", ")) == allowed
    assert answer.json()["type"] == "/api/problems/method-not-allowed"


def test_a_very_long_wrong_path_is_still_a_404(client: TestClient) -> None:
    answer = client.get("/api/" + "product" * 2000)

    assert answer.status_code == 404


def test_a_wrong_body_is_pointed_to_the_operations_documentation(client: TestClient) -> None:
    answer = client.post("/api/orders", json={"items": []})

    assert answer.status_code == 422
    assert answer.json()["docs"] == "/api/docs#/orders/place_order"


@pytest.mark.parametrize(
    "accept", ["text/html", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"]
)
def test_a_browser_gets_a_page_for_a_wrong_address(accept: str, client: TestClient) -> None:
    answer = client.get("/api/product/<b>", headers={"Accept": accept})

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["Vary"] == "Accept"
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "There is no GET" in answer.text
    assert '<a href="/api/docs#/products/' in answer.text
    assert "<b>" not in answer.text


@pytest.mark.parametrize(
    "accept",
    [
        "",
        "*/*",
        "application/json",
        "application/json, text/plain, */*",
        "application/problem+json, text/html;q=0.5",
        "application/json, text/html",
        "text/html;q=0",
    ],
)
def test_a_program_gets_a_problem_document_for_a_wrong_address(
    accept: str, client: TestClient
) -> None:
    answer = client.get("/api/product", headers={"Accept": accept})

    assert answer.headers["content-type"] == "application/problem+json"
    assert "Did you mean" in answer.json()["error"]
