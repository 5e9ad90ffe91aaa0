"""The message of a refused start."""

import re

import pytest

from cloudmart.settings import load_settings
from cloudmart.settings.report import refusal
from cloudmart.settings.variables import variables


def test_one_message_lists_every_fault_and_the_remedy() -> None:
    environ = {
        "OPENAI_API_KEY": "<your-openai-api-key>",
        "BEDROCK_AGENT_ID": "Q8ZP3R7LKM",
        "AWS_DEFAULT_REGION": "Frankfurt",
    }

    message = refusal(load_settings(environ).report.refusals)

    assert message == (
        "CloudMart does not start: 3 settings are wrong.\n"
        "\n"
        "  OPENAI_API_KEY is a placeholder (21 characters).\n"
        "    right: sk-…, as OpenAI's console shows it once\n"
        "    from:  environment\n"
        "\n"
        "  AWS_DEFAULT_REGION is not the name of an AWS region ('Frankfurt').\n"
        "    right: eu-central-1\n"
        "    from:  environment\n"
        "\n"
        "  BEDROCK_AGENT_ALIAS_ID is not set although BEDROCK_AGENT_ID is.\n"
        "    right: 10 letters and digits, from the agent's page in the Bedrock console\n"
        "    from:  nowhere; BEDROCK_AGENT_ID from environment\n"
        "\n"
        "`cloudmart config` lists every setting; docs/configuration.md explains them.\n"
        "DEGRADED_START=true starts with the optional providers named here disabled.\n"
    )


def test_no_remedy_is_shown_where_there_is_none() -> None:
    message = refusal(load_settings({"PORT": "http"}).report.refusals)

    assert message == (
        "CloudMart does not start: 1 setting is wrong.\n"
        "\n"
        "  PORT is not a whole number ('http').\n"
        "    right: 5000\n"
        "    from:  environment\n"
        "\n"
        "`cloudmart config` lists every setting; docs/configuration.md explains them.\n"
    )


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        (
            {"ENVIRONMENT": "prod"},
            (
                "ENVIRONMENT is not one of local, staging or production ('prod').\n"
                "    right: local, staging or production\n"
            ),
        ),
        (
            {"REQUIRED_PROVIDERS": "openai, foo", "OPENAI_API_KEY": "sk-Zp3Q8R7"},
            (
                "REQUIRED_PROVIDERS names 'foo', which is not one of openai, bedrock, azure or "
                "bigquery ('openai, foo').\n"
                "    right: openai, bedrock, azure or bigquery; several are separated by commas\n"
            ),
        ),
        (
            {"BEDROCK_MODE": "converse"},
            (
                "BEDROCK_MODEL_ID is not set although BEDROCK_MODE is `converse`, which calls that "
                "model.\n"
            ),
        ),
        (
            {"BEDROCK_MODE": "agent"},
            (
                "BEDROCK_AGENT_ID is not set although BEDROCK_MODE is `agent`, which calls that "
                "agent.\n"
            ),
        ),
        ({"DEGRADED_START": "maybe"}, "DEGRADED_START is neither true nor false ('maybe').\n"),
        ({"JWT_LEEWAY": "301"}, "JWT_LEEWAY is more than 300 ('301').\n"),
        ({"STARTUP_TIMEOUT": "nan"}, "STARTUP_TIMEOUT is not a finite number ('nan').\n"),
        ({"AI_MAX_STEPS": "0"}, "AI_MAX_STEPS is less than 1 ('0').\n"),
        ({"AI_MAX_STEPS": "1.5"}, "AI_MAX_STEPS is not a whole number ('1.5').\n"),
    ],
)
def test_a_fault_names_the_error_and_the_allowed_values(environ: dict[str, str], told: str) -> None:
    assert f"\n  {told}" in refusal(load_settings(environ).report.refusals)


def test_no_setting_is_refused_with_a_librarys_message() -> None:
    wrong = ("x,y", "-1", "nan", "1" * 5000, "\u20ac", "1e400", "true", "0.5")
    names = [each.name for each in variables().values()]

    said = [
        fault.what
        for name in names
        for value in wrong
        for fault in load_settings({name: value}).report.refusals
    ]

    assert said
    assert not [each for each in said if re.search(r"[Ii]nput|should|valid (str|int)|type=", each)]
