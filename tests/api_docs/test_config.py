"""`/api/config.js`, and every other place that names the shop's address."""

import json
import shutil
import subprocess

import pytest
from fastapi.testclient import TestClient

from cloudmart.api_docs.pages import config_script
from cloudmart.app import create_app
from cloudmart.settings import Environment, Settings
from tests.support.ready_app import serving, still

NODE = shutil.which("node")
BASE = "https://shop.example.com"
ORDER = {"productId": "1", "quantity": 1}
HOSTILE = "https://shop.example.com/</script><script>alert('\"\\\u2028*/${1}`//"


def at(settings: Settings, address: str | None) -> Settings:
    """Return settings of a shop with a public address."""
    public = {"environment": Environment.STAGING, "public_base_url": address}
    return settings.model_copy(update=public)


@pytest.mark.parametrize("address", [BASE, f"{BASE}/"])
def test_a_page_learns_where_the_shop_is(address: str) -> None:
    client = TestClient(create_app(Settings(public_base_url=address)))

    answer = client.get("/api/config.js")

    assert answer.text == (
        f'window.__CLOUDMART__ = Object.freeze({{"publicBaseUrl": "{BASE}", '
        f'"apiBaseUrl": "{BASE}/api"}});\n'
    )
    assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_without_an_address_the_shop_is_where_the_page_is() -> None:
    client = TestClient(create_app(Settings(public_base_url=None)))

    answer = client.get("/api/config.js")

    assert '{"publicBaseUrl": null, "apiBaseUrl": "/api"}' in answer.text


def test_a_browser_asks_again_and_gets_304_if_nothing_changed() -> None:
    client = TestClient(create_app(Settings(public_base_url=BASE)))
    other = TestClient(create_app(Settings(public_base_url="https://new.example.com")))
    first = client.get("/api/config.js")
    known = {"If-None-Match": first.headers["ETag"]}

    again, moved = (
        client.get("/api/config.js", headers=known),
        other.get("/api/config.js", headers=known),
    )

    assert first.headers["Cache-Control"] == "no-cache"
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    assert moved.status_code == 200


@pytest.mark.skipif(NODE is None, reason="Node.js is not installed")
def test_no_address_can_add_to_the_script() -> None:
    program = (
        "const window = {}; eval(require('fs').readFileSync(0, 'utf8'));"
        "console.log(JSON.stringify([window.__CLOUDMART__, Object.isFrozen(window.__CLOUDMART__)]))"
    )

    done = subprocess.run(  # noqa: S603 - our own program
        [str(NODE), "-e", program], input=config_script(HOSTILE), capture_output=True, check=True
    )

    told = {"publicBaseUrl": HOSTILE, "apiBaseUrl": f"{HOSTILE}/api"}
    assert json.loads(done.stdout) == [told, True]
    assert b"<" not in config_script(HOSTILE)


def test_what_an_answer_points_at_is_below_the_shops_address(stocked: Settings) -> None:
    settings = at(stocked, f"{BASE}/")
    with serving(create_app(settings, process=still(settings))) as client:
        placed = client.post("/api/orders", json=ORDER)
        page = client.get("/api/products?limit=1")
        document = client.get("/api/openapi.json").json()
        allowed = client.get("/api/products/1", headers={"Origin": BASE})

    assert placed.headers["Location"] == f"{BASE}/api/orders/{placed.json()['id']}"
    assert page.headers["Link"].startswith(f"<{BASE}/api/products?")
    assert document["servers"] == [{"url": "/"}, {"url": BASE, "description": "The shop"}]
    assert allowed.headers["Access-Control-Allow-Origin"] == BASE


def test_without_an_address_it_points_at_paths(stocked: Settings) -> None:
    with serving(create_app(stocked, process=still(stocked))) as client:
        placed = client.post("/api/orders", json=ORDER)

    assert placed.headers["Location"] == f"/api/orders/{placed.json()['id']}"
