"""Instances behind a load balancer are replaced under load: nothing is lost or done twice."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import httpx2
import pytest

from cloudmart.settings import Settings
from tests.balancer.fleet import Fleet, fleet
from tests.balancer.nginx import IDLE_TIMEOUT, NGINX, balancer
from tests.balancer.traffic import CUSTOMERS, Account, Traffic
from tests.support.cli_process import running
from tests.support.serve_process import environment, free_port
from tests.support.shop_tables import LAMP, fresh_tables, let_use_indexes, put

pytestmark = [
    pytest.mark.nginx,
    pytest.mark.skipif(NGINX is None, reason="nginx is not installed"),
]

REPLACEMENTS = 10

_DYNAMODB = """
import time
from cloudmart.local.embedded import embedded_dynamodb
with embedded_dynamodb() as url:
    print(url, flush=True)
    time.sleep(3600)
"""


@pytest.fixture(scope="module")
def store() -> Iterator[str]:
    """Provide the URL of a DynamoDB in its own process, because it must serve two instances."""
    with running("-c", _DYNAMODB) as process:
        yield process.read_until("http").strip()


@pytest.fixture
def dynamodb(store: str) -> Any:  # noqa: ANN401 - boto3 makes its clients at run time
    """Provide a client of the store."""
    return boto3.client(
        "dynamodb",
        endpoint_url=store,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106 - of the embedded one
    )


@pytest.fixture
def shop(dynamodb: Any) -> Iterator[Settings]:  # noqa: ANN401
    """Provide settings of a shop that sells a lamp."""
    with fresh_tables(dynamodb) as settings:
        put(dynamodb, settings.dynamodb.products_table, LAMP)
        # Otherwise every look-up by e-mail reads the whole table.
        let_use_indexes(dynamodb, settings.dynamodb)
        yield settings


@pytest.fixture(scope="module")
def openai() -> Iterator[str]:
    """Provide the URL of a slow provider, so that many requests are always running."""
    port = str(free_port())
    with running("-m", "bench.slow_openai", PORT=port, ANSWER_SECONDS="2"):
        yield f"http://127.0.0.1:{port}/v1"


@pytest.fixture
def environ(store: str, openai: str, shop: Settings) -> dict[str, str]:
    """Provide the environment of an instance."""
    return environment(
        shop,
        AWS_ACCESS_KEY_ID="test",
        AWS_ENDPOINT_URL_DYNAMODB=store,
        AWS_SECRET_ACCESS_KEY="test",  # noqa: S106 - of the embedded one
        # All customers have one address, so it has no limits here.
        ENVIRONMENT="local",
        OPENAI_API_KEY="EMPTY",
        OPENAI_BASE_URL=openai,
    )


def orders_by_key(dynamodb: Any, table: str) -> Counter[str]:  # noqa: ANN401
    """Return how many orders a table has for each id."""
    pages = dynamodb.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
    ids = [item["id"]["S"] for page in pages for item in page["Items"]]
    return Counter(each for each in ids if not each.startswith("internal-"))


async def under_load(
    url: str, change: Callable[[], object], *, persistent: bool
) -> tuple[Account, int, list[object]]:
    """Change something ten times; return the customers' results and the table's orders."""
    limits = httpx2.Limits(
        max_connections=CUSTOMERS,
        max_keepalive_connections=CUSTOMERS,
        # A client that closes idle connections first never uses one that the load balancer closes.
        keepalive_expiry=IDLE_TIMEOUT / 2,
    )
    async with httpx2.AsyncClient(base_url=url, timeout=60, limits=limits) as client:
        traffic = Traffic(client, persistent=persistent)
        load = asyncio.create_task(traffic.run())
        changes = [await asyncio.to_thread(change) for _ in range(REPLACEMENTS)]
        traffic.stop()
        await load
    return traffic.account, traffic.retries, changes


async def replaced(
    tmp_path: Path, environ: dict[str, str], how: Callable[[Fleet], object], *, persistent: bool
) -> tuple[Account, int, list[object]]:
    """Return the customers' results while each of two instances was replaced, again and again."""
    with balancer(tmp_path) as front, fleet(front, environ) as instances:
        return await under_load(front.url, lambda: how(instances), persistent=persistent)


async def test_no_request_fails_and_no_order_is_placed_twice_while_instances_are_replaced(
    dynamodb: Any,  # noqa: ANN401
    environ: dict[str, str],
    shop: Settings,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    account, _, codes = await replaced(tmp_path, environ, Fleet.replace_oldest, persistent=False)

    stored = orders_by_key(dynamodb, shop.dynamodb.orders_table)
    with capsys.disabled():
        print(f"\n{account.answered.total()} requests, {len(stored)} orders", end=" ")  # noqa: T201
    assert account.failures == []
    assert codes == [0] * REPLACEMENTS
    assert stored == Counter(account.placed.values())
    assert len(stored) > CUSTOMERS


async def test_no_placed_order_is_lost_and_retries_make_one_while_instances_are_killed(
    dynamodb: Any,  # noqa: ANN401
    environ: dict[str, str],
    shop: Settings,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    account, retries, _ = await replaced(tmp_path, environ, Fleet.lose_oldest, persistent=True)

    stored = orders_by_key(dynamodb, shop.dynamodb.orders_table)
    with capsys.disabled():
        print(  # noqa: T201
            f"\n{account.answered.total()} requests, {len(stored)} orders, {retries} retries",
            end=" ",
        )
    assert account.failures == []
    assert retries > 0
    assert stored == Counter(account.placed.values())


async def test_a_connection_that_the_balancer_may_still_use_is_open(
    environ: dict[str, str], tmp_path: Path
) -> None:
    with balancer(tmp_path) as front, fleet(front, environ):
        target = f"http://127.0.0.1:{front.ports['a']}"
        limits = httpx2.Limits(max_connections=1, keepalive_expiry=None)
        async with httpx2.AsyncClient(base_url=target, limits=limits) as client:
            first = await client.get("/health")
            await asyncio.sleep(IDLE_TIMEOUT + 2)
            second = await client.get("/health")

    # The same socket, not a new one.
    streams = [answer.extensions["network_stream"] for answer in (first, second)]
    assert second.status_code == 200
    assert streams[0] is streams[1]
