"""The storefront's calls, and Swagger UI, in a real browser that is asked to sign in."""

from collections.abc import Iterator
from contextlib import ExitStack
from http import HTTPStatus
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from cloudmart.settings import CorsSettings, Settings
from tests.access.conftest import ADMIN_USERS, PASSWORD
from tests.support.browser import chromium
from tests.support.live_server import served
from tests.support.scripted_server import Reply, loopback
from tests.support.token_issuer import Issuer

pytestmark = pytest.mark.conformance

_PAGE = b"<!doctype html><title>shop</title>"
CREDENTIALS: Any = {"username": "ann", "password": PASSWORD}
# The browser asks, gets a wrong answer, asks again, and gets none.
DISMISSED: Any = CREDENTIALS | {"password": "not it at all"}
# Like the storefront's axios: XMLHttpRequest, JSON, no credentials from the page.
CALL = """
([method, url, body, headers]) => new Promise((resolve) => {
  const request = new XMLHttpRequest();
  request.open(method, url);
  request.setRequestHeader("Accept", "application/json, text/plain, */*");
  if (body !== null) request.setRequestHeader("Content-Type", "application/json");
  for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
  request.onload = () => resolve({status: request.status, text: request.responseText,
                                  asked: request.getResponseHeader("WWW-Authenticate")});
  request.onerror = () => resolve({status: 0, text: "", asked: null});
  request.send(body === null ? null : JSON.stringify(body));
})
"""


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[list[str]]:
    """Provide two origins of other pages: one is allowed, one is not."""
    with loopback() as allowed, loopback() as other:
        for server in (allowed, other):
            server.answer = lambda _: Reply(200, {"content-type": "text/html"}, [_PAGE])
        yield [allowed.url, other.url]


@pytest.fixture(scope="module")
def shop(shared_settings: Settings, issuer: Issuer, elsewhere: list[str]) -> Iterator[str]:
    """Provide the address of a shop with administrators by password and by token."""
    access = issuer.settings(auth=("basic", "jwt"), admin_users=ADMIN_USERS, customer_orders="open")
    changes = {"access": access, "cors": CorsSettings(allowed_origins=(elsewhere[0],))}
    with served(shared_settings.model_copy(update=changes)) as home:
        yield home


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Provide a browser without a network."""
    with chromium() as browser:
        yield browser


@pytest.fixture
def contexts(browser: Browser) -> Iterator["Contexts"]:
    """Provide a function that opens windows, each with its own session."""
    with ExitStack() as stack:
        yield Contexts(browser, stack)


class Contexts:
    """Opens windows."""

    def __init__(self, browser: Browser, stack: ExitStack) -> None:
        self._browser = browser
        self._stack = stack

    def page(self, origin: str, **person: Any) -> Page:  # noqa: ANN401 - Playwright's options
        """Open an empty page of an origin."""
        context: BrowserContext = self._stack.enter_context(self._browser.new_context(**person))
        page = context.new_page()
        answer = page.goto(f"{origin}/storefront")
        if answer and answer.status == HTTPStatus.NOT_FOUND:
            # For the shop's own origin: the load balancer sends requests outside `/api` elsewhere.
            page.route(f"{origin}/storefront", _storefront)
            page.goto(f"{origin}/storefront")
        return page


def _storefront(route: Route) -> None:
    route.fulfill(status=200, content_type="text/html", body=_PAGE)


def call(
    page: Page,
    method: str,
    url: str,
    body: Any = None,  # noqa: ANN401 - any JSON
    **headers: str,
) -> dict[str, Any]:
    """Send a request from a page, and return the answer as the page sees it."""
    seen: dict[str, Any] = page.evaluate(CALL, [method, url, body, headers])
    return seen


def statuses(page: Page) -> dict[str, int]:
    """Do what the storefront's pages do for a customer and for an administrator."""
    product = {"name": "Teapot", "description": "Holds a litre.", "price": 24.95, "image": ""}
    one = {"productId": "1", "name": "Desk lamp", "quantity": 2, "price": 19.99}
    order = {
        "userEmail": "user@example.com",
        "items": [one],
        "total": 39.98,
        "status": "Pending",
        "createdAt": "2026-11-23T08:00:00.000Z",
    }
    placed = call(page, "POST", "/api/orders", order)
    key = page.evaluate("text => JSON.parse(text).id", placed["text"])
    made = call(page, "POST", "/api/products", product)
    found = {"id": "nope"} if made["status"] != 201 else page.evaluate("JSON.parse", made["text"])
    return {
        "look at products": call(page, "GET", "/api/products")["status"],
        "place an order": placed["status"],
        "see my orders": call(page, "GET", "/api/orders/user?email=user@example.com")["status"],
        "chat": call(page, "POST", "/api/ai/start")["status"],
        "ask for help": call(page, "POST", "/api/tickets", {"subject": "Lamp"})["status"],
        "add a product": made["status"],
        "change a product": call(page, "PUT", f"/api/products/{found['id']}", found | product)[
            "status"
        ],
        "delete a product": call(page, "DELETE", f"/api/products/{found['id']}")["status"],
        "list orders": call(page, "GET", "/api/orders")["status"],
        "ship an order": call(page, "PUT", f"/api/orders/{key}", {"status": "Shipped"})["status"],
        "delete an order": call(page, "DELETE", f"/api/orders/{key}")["status"],
        "list tickets": call(page, "GET", "/api/tickets")["status"],
    }


CUSTOMERS = {
    "look at products": 200,
    "place an order": 201,
    "see my orders": 200,
    "chat": 200,
    "ask for help": 201,
}
ADMINS = {
    "add a product": 201,
    "change a product": 200,
    "delete a product": 200,
    "list orders": 200,
    "ship an order": 200,
    "delete an order": 200,
    "list tickets": 200,
}


def test_the_unchanged_storefront_works_with_the_password(contexts: Contexts, shop: str) -> None:
    page = contexts.page(shop, http_credentials=CREDENTIALS)

    assert statuses(page) == CUSTOMERS | ADMINS


def test_the_storefront_unchanged_works_for_customers_and_closes_its_admin_pages_to_them(
    contexts: Contexts, shop: str
) -> None:
    page = contexts.page(shop, http_credentials=DISMISSED)

    assert statuses(page) == CUSTOMERS | dict.fromkeys(ADMINS, 401)


def test_a_page_of_an_allowed_origin_may_send_tokens_and_read_the_refusal(
    contexts: Contexts, shop: str, issuer: Issuer, elsewhere: list[str]
) -> None:
    page = contexts.page(elsewhere[0], http_credentials=CREDENTIALS)
    token = issuer.token(admin=True)

    # A browser sends a known password only for pages of its own origin.
    nobody = call(page, "GET", f"{shop}/api/orders")
    bearer = call(page, "GET", f"{shop}/api/orders", Authorization=f"Bearer {token}")
    changed = call(
        page,
        "PUT",
        f"{shop}/api/products/nope",
        {"name": "Teapot", "price": 1},
        Authorization=f"Bearer {token}",
    )

    assert (nobody["status"], bearer["status"], changed["status"]) == (401, 200, 404)
    assert "Basic" in nobody["asked"]
    assert "Bearer" in nobody["asked"]


def test_a_page_of_any_other_origin_learns_and_changes_nothing(
    contexts: Contexts, shop: str, elsewhere: list[str]
) -> None:
    page = contexts.page(elsewhere[1], http_credentials=CREDENTIALS)

    assert call(page, "GET", f"{shop}/api/products")["status"] == 0
    assert call(page, "DELETE", f"{shop}/api/products/1")["status"] == 0
    assert call(contexts.page(shop), "GET", "/api/products/1")["status"] == 200


@pytest.mark.parametrize("way", ["password", "token"])
def test_authorize_in_swagger_ui_lets_an_administrator_in(
    contexts: Contexts, shop: str, issuer: Issuer, way: str
) -> None:
    page = contexts.page(shop, http_credentials=DISMISSED)
    page.goto(f"{shop}/docs")
    before = _executed(page)

    page.get_by_role("button", name="Authorize").first.click()
    dialog = page.locator(".auth-container", has_text=f"{way} (http")
    if way == "password":
        dialog.get_by_label("Username").fill("ann")
        dialog.get_by_label("Password").fill(PASSWORD)
    else:
        token = issuer.token(admin=True)
        dialog.get_by_label("Value").fill(token)
    dialog.get_by_role("button", name="Apply credentials").click()
    page.get_by_role("button", name="Close").first.click()
    after = _executed(page)

    assert (before, after) == ("401", "200")
    assert page.evaluate("JSON.stringify(localStorage)") == "{}"


def _executed(page: Page) -> str:
    """Try out the list of all orders, and return the status that is shown."""
    operation = page.locator("#operations-orders-list_orders")
    if not operation.locator(".opblock-body").count():
        operation.get_by_text("List all orders", exact=True).click()
    with page.expect_response("**/api/orders*"):
        operation.get_by_role("button", name="Execute").click()
    shown = operation.locator(".live-responses-table .response-col_status").nth(1)
    expect(shown).to_be_visible()
    return shown.inner_text().split()[0]
