"""The settings page, and its sources."""

from collections import Counter
from pathlib import Path

from cloudmart.settings.reference import settings_page
from cloudmart.settings.variables import variables

PAGE = Path(__file__).parents[2] / "docs" / "configuration.md"


def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == settings_page(), "run `make docs`"


def test_every_setting_says_what_it_is_and_what_a_right_value_is() -> None:
    silent = [each.name for each in variables().values() if not (each.description and each.example)]

    assert silent == []


def test_no_variable_means_two_settings() -> None:
    names = Counter(name for each in variables().values() for name in each.names)

    assert set(names.values()) == {1}


def test_the_names_production_uses_are_settings() -> None:
    names = {name for each in variables().values() for name in each.names}

    assert names >= {
        "PORT",
        "METRICS_PORT",
        "AWS_REGION",
        "DYNAMODB_PRODUCTS_TABLE",
        "DYNAMODB_ORDERS_TABLE",
        "DYNAMODB_TICKETS_TABLE",
        "OPENAI_API_KEY",
        "OPENAI_ASSISTANT_ID",
        "BEDROCK_AGENT_ID",
        "BEDROCK_AGENT_ALIAS_ID",
        "AZURE_ENDPOINT",
        "AZURE_API_KEY",
        "GOOGLE_CLOUD_PROJECT_ID",
        "BIGQUERY_DATASET_ID",
        "BIGQUERY_TABLE_ID",
        "GOOGLE_APPLICATION_CREDENTIALS",
    }
