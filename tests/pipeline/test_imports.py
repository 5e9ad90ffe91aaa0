"""What the service imports for its pipeline, and when."""

from tests.support.cli_process import running

_STATUS = """
import sys
from fastapi.testclient import TestClient
from cloudmart.app import create_app
from cloudmart.settings import Environment, Settings

settings = Settings(environment=Environment.LOCAL, **{bigquery})
with TestClient(create_app(settings)) as client:
    started = "google.cloud.bigquery" in sys.modules
    client.get("/api/pipeline/status")
print("at the start:", started, "asked:", "google.cloud.bigquery" in sys.modules, flush=True)
"""
_NAMED = (
    "dict(bigquery=dict(project_id='cloudmart', dataset_id='shop', table_id='orders', "
    "emulator='http://127.0.0.1:9'))"
)


def _told(bigquery: str) -> str:
    script = _STATUS.replace("{bigquery}", bigquery)
    offline = {"AWS_EC2_METADATA_DISABLED": "true", "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
    with running("-c", script, **offline) as command:
        return command.read_until("at the start")


def test_google_is_imported_for_the_first_question_and_not_before() -> None:
    assert _told(_NAMED).endswith("at the start: False asked: True\n")


def test_who_has_no_bigquery_never_imports_google() -> None:
    assert _told("{}").endswith("at the start: False asked: False\n")
