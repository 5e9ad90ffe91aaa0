"""Which optional providers are configured, and in words why the others are not."""

from collections.abc import Mapping

from cloudmart.settings.model import Settings
from cloudmart.settings.platform import Provider
from cloudmart.settings.vendors import BedrockMode, BedrockSettings


def why_disabled(settings: Settings) -> Mapping[Provider, str | None]:
    """Return for each optional provider a sentence that says why it is off; None if it is on."""
    return {
        provider: settings.faulty.get(provider) or reason
        for provider, reason in _why_unset(settings).items()
    }


def _why_unset(settings: Settings) -> dict[Provider, str | None]:
    openai, azure, bigquery = settings.openai, settings.azure, settings.bigquery
    return {
        Provider.OPENAI: _unset(OPENAI_API_KEY=openai.api_key),
        Provider.BEDROCK: _why_no_bedrock(settings.bedrock),
        Provider.AZURE: _unset(AZURE_ENDPOINT=azure.endpoint, AZURE_API_KEY=azure.api_key),
        Provider.BIGQUERY: _unset(
            GOOGLE_CLOUD_PROJECT_ID=bigquery.project_id,
            BIGQUERY_DATASET_ID=bigquery.dataset_id,
            BIGQUERY_TABLE_ID=bigquery.table_id,
        ),
    }


def _unset(**values: object) -> str | None:
    missing = [name for name, value in values.items() if value is None]
    if not missing:
        return None
    *others, last = missing
    named = f"{', '.join(others)} and {last}" if others else last
    return f"{named} {'are' if others else 'is'} not set."


def _why_no_bedrock(bedrock: BedrockSettings) -> str | None:
    if bedrock.mode is BedrockMode.OFF:
        return "BEDROCK_MODE is off."
    if bedrock.way is BedrockMode.OFF:
        return "Neither BEDROCK_AGENT_ID with BEDROCK_AGENT_ALIAS_ID nor BEDROCK_MODEL_ID is set."
    return None
