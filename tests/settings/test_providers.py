"""Optional providers: an unset one is disabled, and a half-set one is a fault."""

import pytest

from cloudmart.settings import (
    BedrockMode,
    BedrockSettings,
    Provider,
    StartupSettings,
    load_settings,
    why_disabled,
)

OPENAI = {"OPENAI_API_KEY": "sk-Zp3Q8R7"}
AGENT = {"BEDROCK_AGENT_ID": "Q8ZP3R7LKM", "BEDROCK_AGENT_ALIAS_ID": "TSTALIASID"}
MODEL = {"BEDROCK_MODEL_ID": "eu.amazon.nova-lite-v1:0"}
AZURE = {"AZURE_ENDPOINT": "https://shop.cognitiveservices.azure.com", "AZURE_API_KEY": "0f1e2d3c"}
BIGQUERY = {
    "GOOGLE_CLOUD_PROJECT_ID": "shop-analytics",
    "BIGQUERY_DATASET_ID": "shop",
    "BIGQUERY_TABLE_ID": "orders",
}


def refusals(environ: dict[str, str]) -> list[str]:
    """Return the faults that stop the start."""
    return [fault.sentence for fault in load_settings(environ).report.refusals]


def test_what_is_not_set_is_disabled_and_says_why() -> None:
    loaded = load_settings({})

    assert loaded.report.refusals == ()
    assert why_disabled(loaded.settings) == {
        Provider.OPENAI: "OPENAI_API_KEY is not set.",
        Provider.BEDROCK: (
            "Neither BEDROCK_AGENT_ID with BEDROCK_AGENT_ALIAS_ID nor BEDROCK_MODEL_ID is set."
        ),
        Provider.AZURE: "AZURE_ENDPOINT and AZURE_API_KEY are not set.",
        Provider.BIGQUERY: (
            "GOOGLE_CLOUD_PROJECT_ID, BIGQUERY_DATASET_ID and BIGQUERY_TABLE_ID are not set."
        ),
    }


@pytest.mark.parametrize(
    ("environ", "missing", "because"),
    [
        (OPENAI | {"OPENAI_BASE_URL": "http://vllm:8000"}, "OPENAI_API_KEY", "OPENAI_BASE_URL"),
        (AGENT, "BEDROCK_AGENT_ID", "BEDROCK_AGENT_ALIAS_ID"),
        (AGENT, "BEDROCK_AGENT_ALIAS_ID", "BEDROCK_AGENT_ID"),
        (AGENT | MODEL, "BEDROCK_AGENT_ALIAS_ID", "BEDROCK_AGENT_ID"),
        (AGENT | {"BEDROCK_MODE": "agent"}, "BEDROCK_AGENT_ID", "BEDROCK_MODE"),
        (MODEL | {"BEDROCK_MODE": "converse"}, "BEDROCK_MODEL_ID", "BEDROCK_MODE"),
        (AZURE, "AZURE_ENDPOINT", "AZURE_API_KEY"),
        (AZURE, "AZURE_API_KEY", "AZURE_ENDPOINT"),
        (BIGQUERY, "GOOGLE_CLOUD_PROJECT_ID", "BIGQUERY_DATASET_ID"),
        (BIGQUERY, "BIGQUERY_DATASET_ID", "GOOGLE_CLOUD_PROJECT_ID"),
        (BIGQUERY, "BIGQUERY_TABLE_ID", "GOOGLE_CLOUD_PROJECT_ID"),
    ],
)
def test_a_half_is_refused_without_its_other_half(
    environ: dict[str, str], missing: str, because: str
) -> None:
    halved = {name: value for name, value in environ.items() if name != missing}

    (refusal,) = refusals(halved)

    assert refusal.startswith(f"{missing} is not set although {because} is")
    assert refusals(environ) == []


def test_a_half_that_is_a_placeholder_is_one_fault() -> None:
    assert refusals(AZURE | {"AZURE_API_KEY": "<your-azure-key>"}) == [
        "AZURE_API_KEY is a placeholder."
    ]


def test_a_half_that_the_mode_does_not_use_is_not_a_fault() -> None:
    half = {"BEDROCK_AGENT_ID": "Q8ZP3R7LKM"}

    assert refusals(half | {"BEDROCK_MODE": "off"}) == []
    assert refusals(half | MODEL | {"BEDROCK_MODE": "converse"}) == []


@pytest.mark.parametrize(
    ("environ", "way"),
    [
        ({}, "off"),
        (AGENT, "agent"),
        (MODEL, "converse"),
        (AGENT | MODEL, "agent"),
        (AGENT | MODEL | {"BEDROCK_MODE": "converse"}, "converse"),
        (AGENT | MODEL | {"BEDROCK_MODE": "off"}, "off"),
    ],
)
def test_the_settings_decide_how_bedrock_answers(environ: dict[str, str], way: str) -> None:
    settings = load_settings(environ).settings

    assert settings.bedrock.way == way
    assert (why_disabled(settings)[Provider.BEDROCK] is None) == (way != "off")


def test_bedrock_that_is_off_says_so() -> None:
    settings = load_settings(MODEL | {"BEDROCK_MODE": "off"}).settings

    assert why_disabled(settings)[Provider.BEDROCK] == "BEDROCK_MODE is off."
    assert BedrockSettings(mode=BedrockMode.AGENT).way is BedrockMode.OFF


def test_a_required_provider_that_is_not_set_stops_the_start() -> None:
    (sentence,) = refusals(OPENAI | {"REQUIRED_PROVIDERS": "openai, azure"})

    assert sentence == (
        "REQUIRED_PROVIDERS names azure, which is disabled: "
        "AZURE_ENDPOINT and AZURE_API_KEY are not set."
    )


def test_providers_are_required_in_code_as_well_as_in_text() -> None:
    settings = StartupSettings(required_providers=(Provider.AZURE,))

    assert settings == StartupSettings.model_validate({"REQUIRED_PROVIDERS": "azure,"})


def test_a_required_provider_that_is_wrong_is_reported_once() -> None:
    environ = {"REQUIRED_PROVIDERS": "openai", "OPENAI_API_KEY": "todo"}

    assert refusals(environ) == ["OPENAI_API_KEY is a placeholder."]


def test_a_degraded_start_does_not_give_up_what_is_required() -> None:
    environ = {"DEGRADED_START": "true", "REQUIRED_PROVIDERS": "openai", "OPENAI_API_KEY": "todo"}

    assert refusals(environ) == ["OPENAI_API_KEY is a placeholder."]


def test_a_degraded_start_gives_up_the_whole_provider_and_only_it() -> None:
    environ = OPENAI | AZURE | {"DEGRADED_START": "true", "OPENAI_ASSISTANT_ID": "<your-id>"}

    loaded = load_settings(environ)

    disabled = {name: reason for name, reason in why_disabled(loaded.settings).items() if reason}
    assert loaded.report.refusals == ()
    assert loaded.settings.openai.api_key is None
    assert disabled[Provider.OPENAI] == "OPENAI_ASSISTANT_ID is a placeholder."
    assert Provider.AZURE not in disabled


def test_a_degraded_start_says_the_first_of_several_reasons() -> None:
    environ = {"DEGRADED_START": "1", "AZURE_ENDPOINT": "todo", "AZURE_LANGUAGE": "-"}

    settings = load_settings(environ).settings

    assert why_disabled(settings)[Provider.AZURE] == "AZURE_ENDPOINT is a placeholder."


def test_a_key_for_another_server_has_any_form() -> None:
    server = {"OPENAI_BASE_URL": "http://vllm:8000/v1", "OPENAI_API_KEY": "EMPTY"}

    (sentence,) = refusals(server | {"OPENAI_BASE_URL": "https://api.openai.com/v1"})

    assert refusals(server) == []
    assert sentence == (
        "OPENAI_API_KEY does not look like a key of OpenAI's, "
        "and OPENAI_BASE_URL names no other server."
    )


def test_a_key_is_not_blamed_for_the_address_of_its_server() -> None:
    environ = {"OPENAI_BASE_URL": "http://llm.shop.org", "OPENAI_API_KEY": "EMPTY"}

    assert [name.split()[0] for name in refusals(environ)] == ["OPENAI_BASE_URL"]


def test_heartbeats_are_refused_where_there_is_no_bigquery_to_arrive_in() -> None:
    named = ("GOOGLE_CLOUD_PROJECT_ID", "BIGQUERY_DATASET_ID", "BIGQUERY_TABLE_ID")

    assert refusals({"PIPELINE_HEARTBEAT": "60"}) == [
        f"{name} is not set although PIPELINE_HEARTBEAT is." for name in named
    ]
    assert refusals({"PIPELINE_HEARTBEAT": "0"}) == []
