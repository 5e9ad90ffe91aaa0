"""The message of a start that is refused."""

from cloudmart.settings import load_settings
from cloudmart.settings.refusal import refusal


def test_one_message_lists_every_fault_and_the_way_out() -> None:
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


def test_no_way_out_is_offered_where_there_is_none() -> None:
    message = refusal(load_settings({"PORT": "http"}).report.refusals)

    assert message == (
        "CloudMart does not start: 1 setting is wrong.\n"
        "\n"
        "  PORT should be a valid integer, unable to parse string as an integer ('http').\n"
        "    right: 5000\n"
        "    from:  environment\n"
        "\n"
        "`cloudmart config` lists every setting; docs/configuration.md explains them.\n"
    )
