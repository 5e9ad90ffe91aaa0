"""`cloudmart pipeline status`, as an operator runs it."""

import json
from typing import Any

import pytest

from cloudmart.settings import Settings
from tests.cli.conftest import Cloudmart
from tests.support.shop_tables import let_use_indexes


def test_what_is_not_known_is_reported_with_its_reason(cloudmart: Cloudmart) -> None:
    answer = cloudmart("pipeline", "status")

    assert answer.exit_code == 1
    assert "Stream               on" in answer.stdout
    assert "Lag                  unknown" in answer.stdout
    assert "mapping is not known: PIPELINE_FUNCTION is not set." in answer.stdout
    assert "\x1b" not in answer.stdout


def test_programs_get_what_the_api_answers(
    cloudmart: Cloudmart,
    dynamodb: Any,  # noqa: ANN401
    settings: Settings,
) -> None:
    let_use_indexes(dynamodb, settings.dynamodb)

    answer = cloudmart("pipeline", "status", "--json")

    told = json.loads(answer.stdout)
    assert list(told) == [
        *("stream", "mapping", "failures", "newest", "lagSeconds", "today", "unknown")
    ]
    assert told["today"] == {"dynamodb": 0, "bigquery": None}


def test_a_stream_that_is_off_is_called_out(
    cloudmart: Cloudmart,
    dynamodb: Any,  # noqa: ANN401
    settings: Settings,
) -> None:
    dynamodb.update_table(
        TableName=settings.dynamodb.orders_table, StreamSpecification={"StreamEnabled": False}
    )

    answer = cloudmart("pipeline", "status")

    assert "lacks the stream that the pipeline needs" in answer.stdout


def test_a_setting_of_the_pipeline_that_is_wrong_ends_the_command(
    cloudmart: Cloudmart, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIPELINE_FUNCTION", "<your-function>")

    answer = cloudmart("pipeline", "status")

    assert answer.exit_code == 78
    assert "PIPELINE_FUNCTION" in answer.stderr
