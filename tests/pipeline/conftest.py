"""What the pipeline's tests stand on: a BigQuery."""

from collections.abc import Iterator

import pytest

from tests.support.bigquery_api import BigQueryApi, bigquery_api
from tests.support.local_bigquery import local_bigquery, why_missing


@pytest.fixture(scope="session")
def bigquery_emulator() -> Iterator[str]:
    """Give the URL of a BigQuery emulator, its project `cloudmart`; skip where there is none."""
    if reason := why_missing():
        pytest.skip(reason)
    with local_bigquery() as url:
        yield url


@pytest.fixture
def api() -> Iterator[BigQueryApi]:
    """Give BigQuery's wire, played by a fake of it."""
    with bigquery_api() as api:
        yield api
