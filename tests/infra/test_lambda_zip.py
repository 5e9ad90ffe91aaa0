"""The Lambdas' archive, unpacked and run as Lambda does: on Python 3.13 and nothing else."""

import json
import os
import subprocess
import zipfile
from pathlib import Path

import pytest

from infra.lambda_zip import MOST_BYTES, main
from tests.support.bigquery_api import DATASET, PROJECT, TABLE, bigquery_api
from tests.support.local_bigquery import HOME

ARCHIVE = Path(__file__).parents[2] / "dist" / "lambda.zip"
PYTHON = HOME / "bin" / "python"

RUN = """
import json, sys
sys.path[:] = [each for each in sys.path if "site-packages" not in each]
sys.path.insert(0, sys.argv[1])
from cloudmart.pipeline.handler import handler
print(json.dumps(handler(json.load(sys.stdin), None)))
"""


@pytest.fixture
def unpacked(tmp_path: Path) -> Path:
    """Provide the unpacked archive; skip if it, or Python 3.13, is missing."""
    if not (ARCHIVE.exists() and PYTHON.exists()):
        pytest.skip("`make test-pipeline` makes the archive, and a Python 3.13 to run it.")
    with zipfile.ZipFile(ARCHIVE) as archive:
        archive.extractall(tmp_path)
    return tmp_path


def test_the_archive_is_all_that_the_lambda_needs(unpacked: Path) -> None:
    image = {"id": {"S": "1"}, "total": {"N": "19.99"}}
    change = {"SequenceNumber": "1", "Keys": {"id": {"S": "1"}}, "NewImage": image}
    event = {"Records": [{"eventID": "e1", "eventName": "INSERT", "dynamodb": change}]}

    with bigquery_api() as api:
        ended = subprocess.run(  # noqa: S603 - Python, with our own program
            [PYTHON, "-I", "-c", RUN, unpacked],
            input=json.dumps(event),
            env={
                "PATH": os.environ["PATH"],
                "GOOGLE_CLOUD_PROJECT_ID": PROJECT,
                "BIGQUERY_DATASET_ID": DATASET,
                "BIGQUERY_TABLE_ID": TABLE,
                "BIGQUERY_EMULATOR_HOST": api.server.url,
                "PIPELINE_QUARANTINE_BUCKET": "quarantine",
            },
            capture_output=True,
            text=True,
            check=False,
        )

    assert (ended.returncode, ended.stdout) == (0, '{"batchItemFailures": []}\n'), ended.stderr
    assert [row["totalAmount"] for row in api.rows] == [19.99]


def test_the_archive_is_within_lambdas_limit_and_has_nothing_of_the_service(
    unpacked: Path,
) -> None:
    size = sum(path.stat().st_size for path in unpacked.rglob("*") if path.is_file())

    assert size < MOST_BYTES / 2
    assert {each.name for each in unpacked.iterdir()} & {"fastapi", "openai", "boto3"} == set()


def test_a_service_accounts_key_is_not_packed(tmp_path: Path) -> None:
    key = tmp_path / "google-credentials.json"
    key.write_text(json.dumps({"type": "service_account", "private_key": "…"}))

    with pytest.raises(SystemExit, match="no place in an archive"):
        main(tmp_path / "lambda.zip", [key])

    assert not (tmp_path / "lambda.zip").exists()
