"""The shop by `compose.yaml`: alone, and with the storefront."""

from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from tests.image import engine
from tests.image.compose import composed, storefront_image, tag
from tests.support.serve_process import free_port

ORDER = {"userEmail": "ann@example.org", "items": [{"productId": "1", "quantity": 2}]}

pytestmark = pytest.mark.image


@pytest.fixture(scope="module", autouse=True)
def backend() -> None:
    """Build the image that `docker compose up` would build."""
    engine.make_base()
    tag(engine.build("dev"), "localhost/cloudmart-backend:dev")


def test_one_command_starts_the_shop(tmp_path: Path) -> None:
    port = free_port()

    with composed(tmp_path, PORT=str(port)), _client(port) as shop:
        products = _wait(lambda: shop.get("/api/products")).json()
        order = shop.post("/api/orders", json=ORDER)

    assert len(products) == 24
    assert order.status_code == 201


def test_the_profile_adds_the_page_and_forwards_the_api(tmp_path: Path) -> None:
    port, page = free_port(), free_port()
    told = {"PORT": str(port), "STOREFRONT_PORT": str(page)}
    image = storefront_image(tmp_path)

    with (
        composed(tmp_path, "--profile", "storefront", STOREFRONT_IMAGE=image, **told),
        _client(port) as shop,
        _client(page) as browser,
    ):
        _wait(lambda: shop.get("/api/products"))
        start, route = browser.get("/"), browser.get("/cart")
        origin = {"Origin": f"http://127.0.0.1:{page}"}
        order = browser.post("/api/orders", json=ORDER, headers=origin)
        metrics = browser.get("/metrics")

    assert start.text == route.text == "<title>CloudMart</title>\n"
    assert order.status_code == 201
    assert metrics.text == start.text


def _client(port: int) -> httpx2.Client:
    return httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=60)


@retry(
    retry=retry_if_exception_type((httpx2.TransportError, httpx2.HTTPStatusError)),
    stop=stop_after_delay(60),
    wait=wait_fixed(0.2),
    reraise=True,
)
def _wait(ask: Callable[[], httpx2.Response]) -> httpx2.Response:
    return ask().raise_for_status()
