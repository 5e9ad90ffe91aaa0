"""Sessions with AWS: what they share, and what is their own."""

from typing import Any

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


def _core(region: str | None = None) -> Any:  # noqa: ANN401 - botocore's
    return new_session(region)._session  # noqa: SLF001 - aioboto3 shows it to nobody
