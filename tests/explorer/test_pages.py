"""The explorer's pages, over HTTP."""

import re

import pytest
from fastapi.testclient import TestClient


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


def test_assets_are_compressed(client: TestClient) -> None:
    answer = client.get("/docs/assets/swagger-ui-bundle.js", headers={"Accept-Encoding": "gzip"})

    assert answer.headers["content-encoding"] == "gzip"
