"""Which providers serve, by the settings."""

from typing import Any

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from cloudmart.composition.providers import Providers, open_providers
from cloudmart.errors import ProviderDisabledError
from cloudmart.settings import (
    AzureSettings,
    BedrockMode,
    BedrockSettings,
    Environment,
    OpenAISettings,
    Settings,
)

UNSET: dict[str, Any] = {
    "openai": OpenAISettings(api_key=None),
    "bedrock": BedrockSettings(agent_id=None, agent_alias_id=None, model_id=None),
    "azure": AzureSettings(endpoint=None, api_key=None),
}
AGENT = {"agent_id": "ABCDEFGHIJ", "agent_alias_id": "KLMNOPQRST"}
MODEL = {"model_id": "eu.amazon.nova-2-lite-v1:0"}


def names(providers: Providers) -> list[str]:
    """Return the provider that serves, or the reason why none does."""
    chats = (providers.openai, providers.bedrock)
    return [
        *(str(chat) if isinstance(chat, ProviderDisabledError) else chat.name for chat in chats),
        providers.sentiment.source,
    ]


async def test_rules_answer_in_local_mode_where_nothing_is_configured() -> None:
    settings = Settings(environment=Environment.LOCAL, **UNSET)

    async with open_providers(settings) as providers:
        assert names(providers) == ["offline", "offline", "offline-vader"]


@pytest.mark.parametrize("environment", [Environment.STAGING, Environment.PRODUCTION])
async def test_outside_local_mode_a_missing_provider_is_reported(environment: Environment) -> None:
    settings = Settings(environment=environment, **UNSET)

    async with open_providers(settings) as providers:
        openai, bedrock, sentiment = names(providers)
        assert openai == "The assistant is not available here: OPENAI_API_KEY is not set."
        assert bedrock == (
            "The Bedrock assistant is not available here: Neither BEDROCK_AGENT_ID with "
            "BEDROCK_AGENT_ALIAS_ID nor BEDROCK_MODEL_ID is set."
        )
        assert sentiment == "offline-vader"


@pytest.mark.parametrize("environment", Environment)
@pytest.mark.parametrize(
    ("bedrock", "name"),
    [
        (AGENT, "bedrock-agent"),
        (MODEL, "bedrock-converse"),
        (AGENT | MODEL, "bedrock-agent"),
        (AGENT | MODEL | {"mode": BedrockMode.CONVERSE}, "bedrock-converse"),
    ],
)
async def test_what_is_configured_serves_everywhere(
    environment: Environment, bedrock: dict[str, Any], name: str
) -> None:
    settings = Settings(
        environment=environment,
        openai=OpenAISettings(api_key=SecretStr("sk-test")),
        bedrock=BedrockSettings(**bedrock),
        azure=AzureSettings(
            endpoint="https://shop.cognitiveservices.azure.com/", api_key=SecretStr("k" * 32)
        ),
    )

    async with open_providers(settings) as providers:
        assert names(providers) == ["openai", name, "azure"]
        assert providers.instead.source == "offline-vader"


async def test_a_provider_left_out_as_faulty_says_why() -> None:
    reason = "OPENAI_API_KEY still holds the example's text."
    settings = Settings(environment=Environment.PRODUCTION, **UNSET, faulty={"openai": reason})

    async with open_providers(settings) as providers:
        assert names(providers)[0] == f"The assistant is not available here: {reason}"


@pytest.mark.parametrize(
    ("alias", "warnings"), [("TSTALIASID", ["agent_alias_is_the_draft"]), ("KLMNOPQRST", [])]
)
async def test_an_agent_whose_customers_get_its_draft_is_warned_of(
    alias: str, warnings: list[str]
) -> None:
    bedrock = BedrockSettings(agent_id="ABCDEFGHIJ", agent_alias_id=alias)
    settings = Settings(environment=Environment.PRODUCTION, **UNSET | {"bedrock": bedrock})

    with capture_logs() as events:
        async with open_providers(settings):
            pass

    assert [event["event"] for event in events if event["log_level"] == "warning"] == warnings
    assert "bedrock_agents_are_in_maintenance" in {event["event"] for event in events}
