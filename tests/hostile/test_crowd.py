"""A thousand connections at once."""

import asyncio
import resource
from collections.abc import Iterator

import httpx2
import pytest

GET = b"GET /api/products HTTP/1.1\r\nHost: x\r\n\r\n"
HEALTH = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture(autouse=True)
def _files() -> Iterator[None]:
    """Let this process hold both ends of a thousand connections."""
    before, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    enough = 4096 if most == resource.RLIM_INFINITY else min(4096, most)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(before, enough), most))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (before, most))


async def test_a_thousand_connections_are_all_answered(shop: httpx2.Client) -> None:
    port = shop.base_url.port
    connections = await asyncio.gather(
        *(asyncio.open_connection("127.0.0.1", port) for _ in range(1000))
    )
    probe, probing = await asyncio.open_connection("127.0.0.1", port)

    for _, writer in connections:
        writer.write(GET)
    probing.write(HEALTH)
    health = await probe.readuntil(b"\r\n\r\n")
    heads = await asyncio.gather(
        *(asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 120) for reader, _ in connections)
    )
    for _, writer in [*connections, (probe, probing)]:
        writer.close()
        await writer.wait_closed()

    codes = [int(head[9:12]) for head in heads]
    assert health.startswith(b"HTTP/1.1 200 ")
    assert len(codes) == 1000
    # Each refused client learns when to try again.
    assert set(codes) <= {200, 503}
    assert 200 in codes
    assert all(b"retry-after: " in head for head in heads if b" 503 " in head)


def test_the_next_one_is_answered_as_ever(shop: httpx2.Client) -> None:
    assert shop.get("/api/products/1").status_code == 200
