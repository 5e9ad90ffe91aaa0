"""The settings of a command: it gets them, or the process ends with a message."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from cloudmart.cli.command_settings import (
    settings_for_command,
    settings_for_pipeline,
    settings_for_tables,
)
from cloudmart.local.embedded import REGION
from tests.support.aws import aws_client


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Provide an empty termination log."""
    path = tmp_path / "termination-log"
    path.touch()
    return path


@pytest.fixture
def secrets(engine: str, monkeypatch: pytest.MonkeyPatch) -> Any:  # noqa: ANN401
    """Provide boto3's client of a Secrets Manager that the process uses, too."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", engine)
    monkeypatch.setenv("AWS_REGION", REGION)
    return aws_client("secretsmanager")


def test_good_settings_are_returned() -> None:
    assert settings_for_command({"PORT": "8000"}).port == 8000


def test_wrong_ones_end_the_process_with_78_on_stderr_and_in_the_termination_log(
    log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    environ = {"OPENAI_ASSISTANT_ID": "<your-openai-assistant-id>"}

    with pytest.raises(SystemExit) as end:
        settings_for_command(environ, termination_log=log)

    assert end.value.code == 78
    assert "OPENAI_ASSISTANT_ID is a placeholder" in log.read_text()
    assert capsys.readouterr().err == log.read_text()


def test_what_does_not_stop_the_start_is_one_warning_each() -> None:
    environ = {"OPENAI_ASSISTANT_ID": "asst_1", "DEGRADED_START": "1", "AZURE_API_KEY": "todo"}

    with capture_logs() as events:
        settings_for_command(environ)

    assert [(event["event"], event["variable"]) for event in events] == [
        ("setting_wrong", "AZURE_API_KEY"),
        ("setting_wrong", "AZURE_ENDPOINT"),
        ("setting_obsolete", "OPENAI_ASSISTANT_ID"),
    ]


@pytest.mark.parametrize(
    "read",
    [settings_for_command, settings_for_tables, settings_for_pipeline],
    ids=lambda read: read.__name__,
)
def test_a_name_that_is_not_a_setting_is_a_warning_with_the_one_that_was_meant(
    read: Callable[[Mapping[str, str]], object],
) -> None:
    with capture_logs() as events:
        read({"OPENAI_APIKEY": "sk-Zp3Q8R7"})

    assert events == [
        {
            "event": "setting_unknown",
            "variable": "OPENAI_APIKEY",
            "problem": "OPENAI_APIKEY is not a setting; did you mean OPENAI_API_KEY?",
            "source": "environment",
            "log_level": "warning",
        }
    ]


def test_the_secret_it_names_is_read_first(
    secrets: Any,  # noqa: ANN401 - boto3 makes its clients at run time
    request: pytest.FixtureRequest,
) -> None:
    if request.config.getoption("dynamodb") == "local":
        pytest.skip("DynamoDB Local keeps no secrets; the embedded server does")
    held = {"OPENAI_API_KEY": "sk-Zp3Q8R7", "PORT": 8000}
    secrets.create_secret(Name="shop/keys", SecretString=json.dumps(held))

    settings = settings_for_command({"CLOUDMART_SECRET_ID": "shop/keys", "AWS_REGION": REGION})

    assert settings.port == 8000
    assert settings.openai.api_key is not None


@pytest.mark.usefixtures("secrets")
def test_a_wrong_setting_that_blocks_the_secret_is_reported(log: Path) -> None:
    with pytest.raises(SystemExit) as end:
        settings_for_command(
            {"CLOUDMART_SECRET_ID": "nowhere", "AWS_REGION": "todo"}, termination_log=log
        )

    assert end.value.code == 78
    assert "AWS_REGION is a placeholder" in log.read_text()


@pytest.mark.usefixtures("secrets")
def test_a_secret_that_is_not_there_ends_the_process_with_1(log: Path) -> None:
    with pytest.raises(SystemExit) as end:
        settings_for_command({"CLOUDMART_SECRET_ID": "nowhere"}, termination_log=log)

    assert end.value.code == 1
    assert log.read_text().startswith("CloudMart does not start: its secret cannot be read.")
