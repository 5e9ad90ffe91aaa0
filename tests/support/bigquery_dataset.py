"""A dataset of the BigQuery emulator, created by our own SQL."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from google.cloud.bigquery import Client, QueryJobConfig

from cloudmart.settings import BigQuerySettings
from cloudmart.values.timestamp import stamp
from tests.support.local_bigquery import PROJECT

_SQL = Path(__file__).parents[2] / "infra" / "bigquery"
_TABLE = "cloudmart-orders"


@dataclass(frozen=True, slots=True)
class Dataset:
    """A table of orders and its view."""

    client: Client
    name: str
    url: str

    @property
    def settings(self) -> BigQuerySettings:
        """Settings that name the table."""
        return BigQuerySettings(
            project_id=PROJECT, dataset_id=self.name, table_id=_TABLE, emulator=self.url
        )

    def rows(self) -> list[dict[str, Any]]:
        """Return all rows of the table, as they were sent."""
        return [_as_sent(row) for row in self.query(f"SELECT * FROM `{_TABLE}`")]  # noqa: S608

    def current(self) -> list[dict[str, Any]]:
        """Return all rows of the view."""
        return [_as_sent(row) for row in self.query("SELECT * FROM current_orders ORDER BY id")]

    def query(self, sql: str) -> list[Any]:
        """Return the result of a query."""
        config = QueryJobConfig(default_dataset=f"{PROJECT}.{self.name}")
        return list(self.client.query_and_wait(sql, job_config=config))


@contextmanager
def dataset(url: str) -> Iterator[Dataset]:
    """Create an empty dataset, and drop it at the end."""
    client = Client(PROJECT, AnonymousCredentials(), client_options=ClientOptions(api_endpoint=url))
    made = Dataset(client, f"shop_{uuid4().hex[:12]}", url)
    client.create_dataset(made.name)
    for file in ("orders.sql", "current_orders.sql"):
        made.query((_SQL / file).read_text())
    yield made
    client.delete_dataset(made.name, delete_contents=True)
    client.close()


def _as_sent(row: Any) -> dict[str, Any]:  # noqa: ANN401 - a row of Google's client
    told = dict(row)
    for name in ("createdAt", "updatedAt"):
        told[name] = told[name] and stamp(told[name])
    return told
