"""Calls to AWS go to the configured address, and to no other."""

from contextlib import AsyncExitStack

import aioboto3
import pytest
from aiobotocore.config import AioConfig
from botocore.exceptions import BotoCoreError

from cloudmart.dynamodb.client import Database
from cloudmart.dynamodb.session import new_session, operators_session
from cloudmart.errors import UnavailableError
from cloudmart.tables.operator_client import open_client
from tests.support.scripted_server import LoopbackServer, Reply, loopback
from tests.support.shop_tables import CALL_WITHIN

STATUSES = [301, 302, 303, 307, 308]
TABLE = {"TableName": "cloudmart-orders", "Item": {"id": {"S": "1"}}}


def redirecting(server: LoopbackServer, other: LoopbackServer, status: int) -> None:
    """Let a server redirect every request to another one."""
    other.answer = lambda _: Reply.json(200, {})
    server.answer = lambda _: Reply(status, {"location": f"{other.url}/"})


@pytest.mark.parametrize("status", STATUSES)
async def test_the_shop_follows_no_redirect(
    engine: str, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    assert engine
    with loopback() as server, loopback() as other:
        redirecting(server, other, status)
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", server.url)
        database = Database(new_session(), within=CALL_WITHIN)
        await database.open()

        with pytest.raises(UnavailableError):
            await database.call("put_item", **TABLE)

        await database.close()
        assert (len(server.requests) > 0, other.requests) == (True, [])


@pytest.mark.parametrize("own", [None, AioConfig(retries={"total_max_attempts": 1})])
async def test_no_client_of_a_session_follows_one(engine: str, own: AioConfig | None) -> None:
    assert engine
    session: aioboto3.Session = new_session("us-east-1")
    with loopback() as server, loopback() as other:
        redirecting(server, other, 307)
        async with session.client("sqs", endpoint_url=server.url, config=own) as sqs:
            with pytest.raises(BotoCoreError):
                await sqs.list_queues()

        assert other.requests == []


async def test_an_operators_client_follows_none(
    engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert engine
    async with AsyncExitStack() as stack:
        server, other = (stack.enter_context(loopback()) for _ in range(2))
        redirecting(server, other, 307)
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", server.url)
        client = await stack.enter_async_context(open_client(operators_session("us-east-1")))

        with pytest.raises(BotoCoreError):
            await client.put_item(**TABLE)

        assert other.requests == []
