"""What both transports read from a pod's environment: authorities, credentials, accounts."""

import ssl
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cloudmart.dynamodb.client import Database
from cloudmart.dynamodb.session import new_session
from cloudmart.errors import UnavailableError
from tests.dynamodb.test_transport import answer, opened, proxy
from tests.support.certificates import certified
from tests.support.credential_endpoints import Metadata, metadata
from tests.support.scripted_server import LoopbackServer, loopback

KEY = {"TableName": "t", "Key": {"id": {"S": "1"}}}
pytestmark = pytest.mark.usefixtures("engine")
BOTH_WAYS = pytest.mark.parametrize("direct", [True, False], ids=["direct", "sdk"])


@pytest.fixture
def pod_identity(monkeypatch: pytest.MonkeyPatch) -> Iterator[Metadata]:
    """Provide the only source of credentials of a pod; they expire within a minute."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    with metadata() as agent:
        soon = datetime.now(UTC) + timedelta(minutes=1)
        agent.body["Expiration"] = f"{soon:%Y-%m-%dT%H:%M:%SZ}"
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{agent.url}/v1/credentials")
        yield agent


@pytest.fixture
def secure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackServer]:
    """Provide a server whose certificate comes from an unknown authority."""
    with loopback(certified(tmp_path)) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", server.url)
        yield server


@BOTH_WAYS
@pytest.mark.parametrize("variable", ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"])
async def test_the_authorities_are_those_of_the_bundle(
    variable: str,
    direct: bool,  # noqa: FBT001 - a parameter of the test
    secure: LoopbackServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("AWS_CA_BUNDLE", raising=False)
    monkeypatch.setenv(variable, str(tmp_path / "authority.pem"))
    secure.play(answer({"Item": {"id": {"S": "1"}}}))

    async with opened(direct=direct) as database:
        said = await database.call("get_item", **KEY)

    assert said["Item"] == {"id": {"S": "1"}}


@BOTH_WAYS
async def test_an_unknown_authority_is_not_believed(
    direct: bool,  # noqa: FBT001
    secure: LoopbackServer,
) -> None:
    async with opened(direct=direct) as database:
        with pytest.raises(UnavailableError) as raised:
            await database.call("get_item", **KEY)

    assert secure.requests == []
    assert isinstance(_reason(raised.value), ssl.SSLError)


@BOTH_WAYS
async def test_credentials_that_were_renewed_sign_the_next_request(
    direct: bool,  # noqa: FBT001
    pod_identity: Metadata,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with loopback() as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", server.url)
        server.play(answer({}), answer({}))
        async with opened(direct=direct) as database:
            await database.call("get_item", **KEY)
            pod_identity.body |= {"AccessKeyId": "ASIARENEWED", "Token": "renewed"}
            await database.call("get_item", **KEY)

    first, second = (request.headers for request in server.requests)
    assert "Credential=ASIAEXAMPLE/" in first["authorization"]
    assert first["x-amz-security-token"] == "session"
    assert "Credential=ASIARENEWED/" in second["authorization"]
    assert second["x-amz-security-token"] == "renewed"


async def test_credentials_that_are_still_good_are_used_while_their_source_hangs(
    pod_identity: Metadata, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The SDK renews them a quarter of an hour before their end.
    later = datetime.now(UTC) + timedelta(minutes=5)
    pod_identity.body["Expiration"] = f"{later:%Y-%m-%dT%H:%M:%SZ}"
    with loopback() as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", server.url)
        server.answer = lambda _: answer({})
        async with opened(direct=True) as database:
            await database.call("get_item", **KEY)
            pod_identity.hangs = True
            for _ in range(3):
                await database.call("get_item", **KEY)

    tokens = [request.headers["x-amz-security-token"] for request in server.requests]
    assert tokens == ["session"] * 4


@BOTH_WAYS
async def test_the_host_of_an_account_is_looked_up_again_when_the_account_changes(
    direct: bool,  # noqa: FBT001
    pod_identity: Metadata,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL_DYNAMODB")
    asked: list[set[bytes]] = []
    with proxy() as heard:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{heard.port}")
        async with opened(direct=direct) as database:
            for account in ("111122223333", "444455556666"):
                pod_identity.body["AccountId"] = account
                heard.lines.clear()
                await _try(database)
                asked.append({line.split()[1] for line in heard.lines})

    assert asked == [
        {b"111122223333.ddb.us-east-1.amazonaws.com:443"},
        {b"444455556666.ddb.us-east-1.amazonaws.com:443"},
    ]


@BOTH_WAYS
async def test_credentials_that_come_later_are_used_by_a_client_that_replaces_the_first(
    direct: bool,  # noqa: FBT001
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    secret = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    for name in secret:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    with loopback() as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", server.url)
        server.play(answer({}))
        database = Database(new_session("us-east-1"), within=5, direct=direct)
        await database.open()
        with pytest.raises(UnavailableError):
            await database.call("get_item", **KEY)
        for name, value in secret.items():
            monkeypatch.setenv(name, value)
        await database.open()
        await database.call("get_item", **KEY)
        await database.close()

    assert len(server.requests) == 1


async def _try(database: Database) -> None:
    # The proxy refuses the connection, but by then it knows the host.
    with suppress(UnavailableError):
        await database.call("get_item", **KEY)


def _reason(error: BaseException) -> BaseException:
    """Return the first cause of an error."""
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    return error
