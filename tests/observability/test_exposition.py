"""The metrics, as a scraper reads them."""

import pytest
from starlette.testclient import TestClient

from cloudmart.observability.exposition import metrics_app


@pytest.fixture
def scraper() -> TestClient:
    return TestClient(metrics_app())


@pytest.mark.parametrize(
    ("accepted", "kind"),
    [("*/*", "text/plain"), ("application/openmetrics-text", "application/openmetrics-text")],
)
def test_the_format_is_the_one_that_is_asked_for(
    scraper: TestClient, accepted: str, kind: str
) -> None:
    answer = scraper.get("/metrics", headers={"Accept": accepted})

    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith(kind)
    assert "cloudmart_" in answer.text


def test_a_head_is_answered_and_nothing_else_is(scraper: TestClient) -> None:
    assert scraper.head("/metrics").status_code == 200
    assert scraper.post("/metrics").status_code == 405
    assert scraper.get("/").status_code == 404


def test_metrics_are_compressed_if_the_client_accepts_it(scraper: TestClient) -> None:
    plain = scraper.get("/metrics", headers={"Accept-Encoding": "identity"})
    packed = scraper.get("/metrics", headers={"Accept-Encoding": "gzip"})

    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
