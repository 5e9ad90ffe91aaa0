"""AWS sessions: what they share, and what belongs to each."""

from collections.abc import Mapping
from typing import Any

import pytest

from cloudmart.dynamodb.session import new_session


async def test_sessions_share_what_the_sdk_knows_of_services_and_nothing_else() -> None:
    one, other = _core("us-east-1"), _core("eu-west-1")

    one.set_credentials("key", "secret")
    assert await one.get_service_data("dynamodb") is await other.get_service_data("dynamodb")
    assert other.get_config_variable("region") == "eu-west-1"
    assert other.get_component("credential_provider") is not one.get_component(
        "credential_provider"
    )


def test_the_search_paths_of_the_sdk_do_not_grow_with_its_sessions() -> None:
    before = list(_core().get_component("data_loader").search_paths)

    assert _core().get_component("data_loader").search_paths == before


@pytest.mark.parametrize(
    ("told", "region"),
    [
        ({"AWS_REGION": ""}, None),
        ({"AWS_REGION": "  ", "AWS_DEFAULT_REGION": ""}, None),
        ({"AWS_REGION": "", "AWS_DEFAULT_REGION": "eu-west-1"}, "eu-west-1"),
        ({"AWS_REGION": "eu-west-1 ", "AWS_DEFAULT_REGION": "eu-west-2"}, "eu-west-1"),
    ],
)
def test_a_blank_region_counts_as_none(
    told: Mapping[str, str], region: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name, value in told.items():
        monkeypatch.setenv(name, value)

    assert _core().get_config_variable("region") == region


def _core(region: str | None = None) -> Any:  # noqa: ANN401 - botocore's
    return new_session(region)._session  # noqa: SLF001 - aioboto3 shows it to nobody
