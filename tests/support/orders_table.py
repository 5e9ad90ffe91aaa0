"""The table of orders in BigQuery, created on an emulator."""

from uuid import uuid4

from google.auth.credentials import AnonymousCredentials
from google.cloud.bigquery import Client, SchemaField, Table, TimePartitioning

from cloudmart.pipeline.carry.bigquery import COLUMNS
from cloudmart.settings import BigQuerySettings
from tests.support.local_bigquery import PROJECT


def new_table(url: str) -> BigQuerySettings:
    """Create an empty table in a new dataset, and return the settings that name it."""
    dataset = f"d{uuid4().hex}"
    client = Client(PROJECT, AnonymousCredentials(), client_options={"api_endpoint": url})
    client.create_dataset(dataset)
    fields = [SchemaField(name, kind) for name, kind in COLUMNS.items()]
    table = Table(f"{PROJECT}.{dataset}.orders", fields)
    table.time_partitioning = TimePartitioning(field="createdAt")
    client.create_table(table)
    return BigQuerySettings(project_id=PROJECT, dataset_id=dataset, table_id="orders", emulator=url)
