"""`cloudmart config`."""

import json
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from cloudmart.cli.commands import app
from cloudmart.settings.reference import settings_page
from cloudmart.settings.variables import variables
from tests.support.aws import aws_client

KEY = "sk-Zp3Q8R7LKM"


def run(*arguments: str, **environ: str) -> Result:
    """Run the command with an environment that has little else."""
    unset = {name: None for each in variables().values() for name in each.names}
    return CliRunner().invoke(app, ["config", *arguments], env={**unset, **environ})


def settings_of(result: Result) -> dict[str, dict[str, Any]]:
    """Return the printed settings, by their variables."""
    return {each.pop("variable"): each for each in json.loads(result.stdout)["settings"]}


def test_every_setting_is_a_row_with_its_value_source_and_state() -> None:
    result = run(PORT="8000", OPENAI_ASSISTANT_ID="asst_1", OPENAI_API_KEY=KEY)

    rows = {line.split()[0]: line.split()[1:] for line in result.stdout.splitlines()}
    digest = rows["OPENAI_API_KEY"][1]
    assert result.exit_code == 0
    assert rows.keys() == {"Variable"} | {each.name for each in variables().values()}
    assert rows["PORT"] == ["8000", "environment", "ok"]
    assert rows["METRICS_PORT"] == ["9000", "default", "default"]
    assert rows["OPENAI_ASSISTANT_ID"] == ["asst_1", "environment", "obsolete"]
    assert rows["OPENAI_API_KEY"] == ["set", digest, "environment", "ok"]
    assert rows["AZURE_API_KEY"] == ["unset", "default", "default"]


def test_what_serve_would_refuse_is_shown_and_exits_with_78() -> None:
    result = run("--json", PORT="http", BEDROCK_AGENT_ID="Q8ZP3R7LKM", AZURE_API_KEY="todo")

    document, rows = json.loads(result.stdout), settings_of(result)
    assert result.exit_code == 78
    assert result.stderr.startswith("CloudMart does not start: 4 settings are wrong.")
    assert document["starts"] is False
    assert {name: row["state"] for name, row in rows.items() if row["state"] != "default"} == {
        "PORT": "malformed",
        "BEDROCK_AGENT_ID": "ok",
        "BEDROCK_AGENT_ALIAS_ID": "missing",
        "AZURE_API_KEY": "placeholder",
        "AZURE_ENDPOINT": "missing",
    }
    assert document["refused"][0] == {
        "variable": "AZURE_API_KEY",
        "problem": "is a placeholder",
        "right": "key 1 or key 2 of the resource, from Azure's portal",
        "source": "environment",
    }


def test_it_says_that_serving_needs_auth_and_customer_orders() -> None:
    undecided, off = run("--json"), run("--json", AUTH="off")

    assert (undecided.exit_code, off.exit_code) == (0, 0)
    assert "`cloudmart serve` refuses to start until AUTH is set" in undecided.stderr
    assert off.stderr == ""
    assert [json.loads(each.stdout)["starts"] for each in (undecided, off)] == [False, True]
    assert json.loads(off.stdout)["access"] == {"auth": ["off"], "customerOrders": "open"}


def test_what_is_tolerated_exits_with_0() -> None:
    result = run("--json", AUTH="off", DEGRADED_START="true", OPENAI_API_KEY="todo")

    document = json.loads(result.stdout)
    assert result.exit_code == 0
    assert document["starts"] is True
    assert [fault["variable"] for fault in document["tolerated"]] == ["OPENAI_API_KEY"]
    assert document["disabled"]["openai"] == "OPENAI_API_KEY is a placeholder."


def test_a_secret_shows_as_a_digest_that_tells_values_apart() -> None:
    rows = settings_of(run("--json", OPENAI_API_KEY=KEY))
    again = settings_of(run("--json", OPENAI_API_KEY=KEY))
    other = settings_of(run("--json", OPENAI_API_KEY=f"{KEY}N"))

    digest = rows["OPENAI_API_KEY"]["digest"]
    assert rows["OPENAI_API_KEY"]["value"] is None
    assert rows["AZURE_API_KEY"] == {
        "value": None,
        "digest": None,
        "source": "default",
        "state": "default",
    }
    assert again["OPENAI_API_KEY"]["digest"] == digest != other["OPENAI_API_KEY"]["digest"]
    assert len(digest) == 8


def test_one_value_in_two_settings_has_two_digests() -> None:
    endpoint = {"AZURE_ENDPOINT": "https://shop.cognitiveservices.azure.com"}

    rows = settings_of(run("--json", OPENAI_API_KEY=KEY, AZURE_API_KEY=KEY, **endpoint))

    assert rows["OPENAI_API_KEY"]["digest"] != rows["AZURE_API_KEY"]["digest"]


def test_a_secret_that_cannot_be_read_is_reported_and_exits_with_1(
    engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", engine)

    result = run(CLOUDMART_SECRET_ID="nowhere", AWS_REGION="us-east-1", PORT="8000")  # noqa: S106

    assert result.exit_code == 1
    assert "8000" in result.stdout
    assert result.stderr.startswith("The secret cannot be read, so its settings are not shown.")


def test_a_secret_of_bytes_is_read_as_serve_reads_it(
    engine: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    if request.config.getoption("dynamodb") == "local":
        pytest.skip("DynamoDB Local keeps no secrets; the embedded server does")
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", engine)
    store = aws_client("secretsmanager", endpoint_url=engine, region_name="us-east-1")
    store.create_secret(Name="shop/bytes", SecretBinary=json.dumps({"PORT": 8000}).encode())
    store.create_secret(Name="shop/noise", SecretBinary=b"\xff\xfe")

    read = run("--json", CLOUDMART_SECRET_ID="shop/bytes", AWS_REGION="us-east-1")  # noqa: S106
    noise = run(CLOUDMART_SECRET_ID="shop/noise", AWS_REGION="us-east-1")  # noqa: S106

    assert read.exit_code == 0
    assert settings_of(read)["PORT"]["value"] == "8000"
    assert noise.exit_code == 78
    assert "CLOUDMART_SECRET_ID names a secret that is no JSON object" in noise.stderr


@pytest.mark.usefixtures("embedded_only")
def test_why_a_secret_cannot_be_read_is_reported_as_serve_does(
    engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", engine)
    missing = run(CLOUDMART_SECRET_ID="nowhere", AWS_REGION="us-east-1")  # noqa: S106
    monkeypatch.setenv("AWS_PROFILE", "prod")
    misled = run(CLOUDMART_SECRET_ID="nowhere", AWS_REGION="us-east-1")  # noqa: S106

    assert (missing.exit_code, misled.exit_code) == (1, 1)
    assert "Create the secret, or correct CLOUDMART_SECRET_ID." in missing.stderr
    assert "AWS_PROFILE names the profile 'prod'" in misled.stderr


def test_the_page_of_the_documentation_is_printed_on_demand() -> None:
    assert run("--markdown").stdout == settings_page()


def test_a_name_that_is_not_a_setting_is_reported_with_the_one_that_was_meant() -> None:
    said = run(AUHT="off")
    document = json.loads(run("--json", AUHT="off").stdout)

    sentence = "AUHT is not a setting; did you mean AUTH?"
    assert said.exit_code == 0
    assert sentence in said.stderr.splitlines()
    assert document["unknown"] == [
        {"variable": "AUHT", "problem": sentence, "source": "environment"}
    ]
