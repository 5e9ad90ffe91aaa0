"""The list of prices, and which model an entry is about."""

from datetime import UTC, datetime

import pytest

from cloudmart.ai.ports import Usage
from cloudmart.ai.prices import price_list, price_of
from cloudmart.settings.ai import OpenAISettings


def test_every_price_names_its_source_and_a_day_that_has_been() -> None:
    for model, price in price_list().items():
        assert price.source.startswith("https://"), model
        assert price.date <= datetime.now(UTC).date(), model


def test_every_price_is_above_nothing() -> None:
    for model, price in price_list().items():
        per_token = (price.input, price.cached, price.output)
        assert all(each > 0 for each in per_token) or price.unit > 0, model


def test_the_default_model_has_a_price() -> None:
    assert price_of("openai", OpenAISettings.model_fields["model"].default) is not None


def test_cached_tokens_are_a_part_of_the_input_and_cost_less() -> None:
    price = price_of("openai", "gpt-6-luna")
    assert price is not None

    # For a million: 600,000 new at 0.10, 400,000 cached at 0.01, 100,000 written at 0.50.
    cost = price.of_tokens(Usage(1_000_000, 100_000, cached_tokens=400_000))

    assert cost == pytest.approx(0.06 + 0.004 + 0.05)


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("openai", "gpt-6-luna-2026-09-22"),
        ("bedrock", "eu.amazon.nova-2-lite-v1:0"),
        (
            "bedrock",
            "arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.amazon.nova-2-lite-v1:0",
        ),
    ],
)
def test_a_model_is_known_by_its_dated_name_and_by_its_arn(provider: str, model: str) -> None:
    assert price_of(provider, model) is not None


@pytest.mark.parametrize(
    ("provider", "model"),
    [("", "gpt-6-luna"), ("openai", "gpt-6-luna-mini"), ("bedrock", "agent")],
)
def test_another_server_and_another_model_have_no_price(provider: str, model: str) -> None:
    assert price_of(provider, model) is None
