"""The pages of the API document, over HTTP."""

import asyncio
import re

import pytest
from fastapi import Request
from fastapi.testclient import TestClient

from cloudmart.api_docs.pages import ASSETS, Asset
from tests.support.problems import is_problem


@pytest.mark.parametrize("prefix", ["", "/api"])
def test_a_page_needs_nothing_from_elsewhere(client: TestClient, prefix: str) -> None:
    page = client.get(f"{prefix}/docs")

    needed = re.findall(r'(?:src|href|data-document)="([^"]+)"', page.text)
    answers = {path: client.get(f"{prefix}/{path}").status_code for path in needed}
    assert len(needed) == 5
    assert answers == dict.fromkeys(needed, 200)
    assert "<script>" not in page.text


def test_the_page_allows_no_inline_script(client: TestClient) -> None:
    policy = client.get("/docs").headers["Content-Security-Policy"]

    assert "default-src 'none'; script-src 'self';" in policy


def test_both_addresses_serve_one_document(client: TestClient) -> None:
    assert client.get("/openapi.json").json() == client.get("/api/openapi.json").json()


@pytest.mark.parametrize("name", ASSETS)
@pytest.mark.parametrize("prefix", ["", "/api"])
def test_assets_are_compressed_for_clients_that_take_them_so(
    prefix: str, name: str, client: TestClient
) -> None:
    path = f"{prefix}/docs/assets/{name}"
    compressed = client.get(path, headers={"Accept-Encoding": "br, gzip"})
    plain = client.get(path, headers={"Accept-Encoding": "gzip;q=0, identity"})

    assert compressed.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert compressed.content == plain.content
    assert compressed.headers["Vary"] == plain.headers["Vary"] == "Accept-Encoding"
    assert compressed.headers["Content-Type"] == plain.headers["Content-Type"]


def test_an_asset_that_is_known_is_not_sent_again(client: TestClient) -> None:
    path = "/docs/assets/swagger-ui.css"
    first = client.get(path)

    again = client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    other = client.get(path, headers={"If-None-Match": '"other"'})

    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    assert other.status_code == 200


async def test_an_asset_is_read_and_compressed_once() -> None:
    asset = Asset("swagger-ui.css")
    request = Request({"type": "http", "headers": [(b"accept-encoding", b"gzip")]})

    answers = await asyncio.gather(*(asset.serve(request) for _ in range(9)))

    assert len({id(answer.body) for answer in answers}) == 1


@pytest.mark.parametrize(
    "path", ["/docs/assets", "/docs/assets/", "/docs/assets/x", "/docs/assets/../x"]
)
def test_a_file_that_is_no_asset_is_not_found(path: str, client: TestClient) -> None:
    assert is_problem(client.get(path), 404)["type"] == "/api/problems/not-found"


@pytest.mark.parametrize("path", ["/docs/assets/", "/", "/api/orders/a/"])
def test_of_a_long_path_only_the_beginning_is_repeated(path: str, client: TestClient) -> None:
    answer = client.get(path + "a" * 8000)

    assert len(answer.content) < 3000
    assert is_problem(answer, 404)["instance"].endswith("aaa%E2%80%A6")


@pytest.mark.parametrize("prefix", ["", "/api"])
@pytest.mark.parametrize(
    "alias",
    [
        *("/docs/", "/redoc", "/swagger", "/swagger/"),
        *("/swagger-ui", "/swagger-ui.html", "/swagger-ui/index.html", "/api-docs"),
    ],
)
def test_what_people_try_first_leads_to_the_docs(
    alias: str, prefix: str, client: TestClient
) -> None:
    answer = client.get(f"{prefix}{alias}", follow_redirects=False)

    assert (answer.status_code, answer.headers["Location"]) == (308, f"{prefix}/docs")
    assert client.head(f"{prefix}{alias}", follow_redirects=False).status_code == 308
