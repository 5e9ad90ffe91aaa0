"""Exemplars: with OpenMetrics, a histogram's bucket names a trace."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from cloudmart.observability.exemplars import EXEMPLARS

TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
def traced() -> Iterator[None]:
    """Make the test a part of one trace."""
    EXEMPLARS.use(lambda: TRACE)
    yield
    EXEMPLARS.stop()


def _scraped(client: TestClient, accepted: str) -> str:
    return client.get("/metrics", headers={"Accept": accepted}).text


@pytest.mark.usefixtures("traced")
def test_a_bucket_names_the_trace_in_openmetrics_only(shared_client: TestClient) -> None:
    shared_client.get("/api/products")

    asked = _scraped(shared_client, "application/openmetrics-text; version=1.0.0")
    assert f'# {{trace_id="{TRACE}"}}' in asked
    assert TRACE not in _scraped(shared_client, "text/plain")


def test_nothing_is_named_while_nothing_is_traced(shared_client: TestClient) -> None:
    shared_client.get("/api/tickets/23456789abcdefgh")

    (line,) = (
        line
        for line in _scraped(shared_client, "application/openmetrics-text").splitlines()
        if 'le="60.0",method="GET",route="/api/tickets/{ticket_id}",status="404"' in line
    )
    assert "trace_id" not in line
    assert EXEMPLARS.current() is None
