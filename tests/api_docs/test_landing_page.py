"""The landing page: its state is true, as a text, and it loads nothing from elsewhere."""

import base64
import hashlib
import re

import pytest
from fastapi.testclient import TestClient

from cloudmart.api_docs.router import LandingPage
from cloudmart.health import state
from cloudmart.health.state import Dependency, Health

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def test_a_browser_gets_a_page_that_says_how_things_are(client: TestClient) -> None:
    page = client.get("/", headers=HTML)

    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "All is well: the shop is open." in page.text
    assert "<small>1.0.0</small>" in page.text
    assert re.search(r">Products<.*?>Works<", page.text)
    assert re.search(r">OpenAI<.*?>Off<.*?OPENAI_API_KEY", page.text)


def test_what_the_page_links_to_is_there(client: TestClient) -> None:
    targets = re.findall(r'<a href="([^"]+)"', client.get("/", headers=HTML).text)

    assert len(targets) == 5
    assert {client.get(f"/{target}").status_code for target in targets} == {200}


def test_the_page_allows_its_own_style_and_nothing_else(client: TestClient) -> None:
    page = client.get("/", headers=HTML)

    (style,) = re.findall(r"<style>(.*?)</style>", page.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = page.headers["Content-Security-Policy"]
    assert f"style-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'; ")
    assert "script" not in page.text


@pytest.mark.parametrize("accept", ["application/json", "application/json, text/html;q=0.5"])
def test_a_program_gets_the_index(accept: str, client: TestClient) -> None:
    answer = client.get("/", headers={"Accept": accept})

    assert answer.json() == client.get("/api").json()
    assert "Accept" in answer.headers["Vary"]


@pytest.mark.parametrize("accept", ["*/*", "", "text/html, application/json"])
def test_without_a_preference_the_page_is_for_a_person(accept: str, client: TestClient) -> None:
    answer = client.get("/", headers={"Accept": accept})

    assert answer.headers["content-type"] == "text/html; charset=utf-8"


def test_before_the_shop_is_ready_the_page_says_so() -> None:
    health = Health()
    health.paths = {"products": "/api/products", "orders": "/api/orders"}
    health.expect(state.PRODUCTS)

    page = LandingPage().render(health)

    assert "The service is starting." in page
    assert "Not checked yet. Affected: /api/products, /api/orders." in page


def test_what_a_dependency_says_is_text_whatever_it_holds() -> None:
    health = Health()
    health.disable(Dependency("<script>alert(1)</script>"), "<b>no</b>", alarming=True)

    page = LandingPage().render(health)

    assert "&lt;script&gt;" in page
    assert "Disabled: &lt;b&gt;no&lt;/b&gt;" in page
    assert "<script>" not in page
