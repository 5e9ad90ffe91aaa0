"""Swagger UI in a real browser that can reach only this machine."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.support.browser import chromium
from tests.support.dev_process import running_shop

pytestmark = pytest.mark.conformance

PICTURES = Path(__file__).parents[2] / "build" / "pictures"


@pytest.fixture(scope="module")
def shop() -> Iterator[str]:
    """Provide the address of a running shop."""
    with running_shop() as home:
        yield home


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Provide a browser without a network."""
    with chromium() as browser:
        yield browser


@pytest.fixture
def troubles() -> list[str]:
    """Provide the list of a page's errors."""
    return []


@pytest.fixture
def page(browser: Browser, troubles: list[str], shop: str) -> Iterator[Page]:
    """Provide a page that records errors, and every request to another host."""

    def guard(route: Route) -> None:
        if not route.request.url.startswith((shop, "data:", "blob:")):
            troubles.append(f"asked for {route.request.url}")
        route.continue_()

    with browser.new_context(viewport={"width": 1200, "height": 1500}) as context:
        page = context.new_page()
        page.on("console", lambda m: troubles.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.route("**/*", guard)
        yield page


@pytest.mark.parametrize("prefix", ["", "/api"])
def test_the_example_of_placing_an_order_can_be_tried_out(
    page: Page, shop: str, troubles: list[str], prefix: str
) -> None:
    page.goto(f"{shop}{prefix}/docs")
    page.get_by_text("Place an order", exact=True).click()
    operation = page.locator("#operations-orders-place_order")
    sent = json.loads(operation.locator("textarea").first.input_value())

    operation.get_by_role("button", name="Execute").click()

    answered = operation.locator(".live-responses-table .response-col_status").nth(1)
    expect(answered).to_contain_text("201")
    expect(operation.locator(".live-responses-table")).to_contain_text(sent["userEmail"])
    expect(operation.locator(".request-url")).to_contain_text(f"{shop}/api/orders")
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / f"docs{prefix.replace('/', '-')}.png")
    assert troubles == []


def test_a_link_to_an_operation_opens_it(page: Page, shop: str, troubles: list[str]) -> None:
    page.goto(f"{shop}/api/docs#/products/add_product")

    operation = page.locator("#operations-products-add_product")
    expect(operation.get_by_role("button", name="Execute")).to_be_visible()
    assert troubles == []


@pytest.mark.parametrize(
    ("scheme", "paper"), [("light", "rgb(251, 251, 249)"), ("dark", "rgb(20, 24, 31)")]
)
def test_the_landing_page_follows_the_colour_scheme(
    page: Page, shop: str, troubles: list[str], scheme: Literal["light", "dark"], paper: str
) -> None:
    page.emulate_media(color_scheme=scheme)
    page.goto(shop)

    expect(page.get_by_role("status")).to_have_text("All is well: the shop is open.")
    expect(page.locator("body")).to_have_css("background-color", paper)
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / f"landing-{scheme}.png")
    page.get_by_role("link", name="Swagger UI").click()
    expect(page.get_by_text("Place an order", exact=True)).to_be_visible()
    assert troubles == []


def test_the_landing_page_fits_a_narrow_screen(page: Page, shop: str, troubles: list[str]) -> None:
    page.set_viewport_size({"width": 320, "height": 640})
    page.goto(shop)

    width = page.evaluate("document.documentElement.scrollWidth")
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / "landing-narrow.png", full_page=True)
    assert width <= 320
    assert troubles == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_swagger_ui_follows_the_colour_scheme(
    page: Page, shop: str, troubles: list[str], scheme: Literal["light", "dark"]
) -> None:
    page.emulate_media(color_scheme=scheme)
    page.goto(f"{shop}/docs")
    expect(page.get_by_text("Place an order", exact=True)).to_be_visible()

    classes = page.evaluate("document.documentElement.className")
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / f"docs-{scheme}.png")
    assert ("dark-mode" in classes) == (scheme == "dark")
    assert troubles == []


def test_authorization_survives_a_reload_and_stays_in_its_tab(
    page: Page, troubles: list[str]
) -> None:
    with running_shop(AUTH="basic") as home:
        page.unroute("**/*")
        page.goto(f"{home}/docs")
        page.get_by_role("button", name="Authorize").click()
        page.get_by_label("auth-basic-username").fill("ann")
        page.get_by_label("auth-basic-password").fill("correct horse")
        page.get_by_role("button", name="Apply credentials").click()
        page.reload()

        told = page.get_by_role("button", name="Authorize")
        expect(told).to_have_class(re.compile(r"\blocked\b"))
        other = page.context.new_page()
        other.goto(f"{home}/docs")
        expect(other.get_by_role("button", name="Authorize")).to_have_class(
            re.compile(r"\bunlocked\b")
        )
        assert page.evaluate("localStorage.length") == 0
    assert troubles == []
