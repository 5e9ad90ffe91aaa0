"""The answers while the service fetches the secret with its settings."""

import asyncio
from collections.abc import AsyncIterator

import httpx2
import pytest_asyncio
from fastapi import FastAPI

from cloudmart.cli.serve import StartingApp
from cloudmart.health.state import Health
from tests.support.problems import is_problem

WAITING = "The service is starting. This process has no AWS credentials of any kind."


@pytest_asyncio.fixture
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    """Provide a client of an application that waits for its secret."""
    health = Health()
    health.lifecycle.waiting = WAITING

    async def prepare() -> FastAPI | None:
        await asyncio.Event().wait()
        return None

    front = StartingApp(health, prepare)
    transport = httpx2.ASGITransport(front)
    async with httpx2.AsyncClient(transport=transport, base_url="http://pod") as client:
        yield client


async def test_probes_learn_that_the_pod_lives_and_what_it_waits_for(
    client: httpx2.AsyncClient,
) -> None:
    paths = ("/health", "/livez", "/api/health", "/ready", "/readyz", "/startupz")
    seen = {}
    for path in paths:
        answer = await client.get(path)
        body = answer.json()
        assert answer.headers["Content-Type"] == "application/health+json"
        assert body.pop("releaseId")
        seen[path] = (answer.status_code, body)

    alive = {"status": "warn", "serviceId": "cloudmart-backend", "output": WAITING, "checks": {}}
    unready = alive | {"status": "fail"}
    assert seen == {
        **dict.fromkeys(paths[:3], (200, alive)),
        **dict.fromkeys(paths[3:], (503, unready)),
    }


async def test_all_other_requests_get_503_with_retry_after(client: httpx2.AsyncClient) -> None:
    for method, path in (("GET", "/api/products"), ("POST", "/api/orders"), ("GET", "/nowhere")):
        answer = await client.request(method, path)

        assert is_problem(answer, 503)["error"] == WAITING
        assert int(answer.headers["Retry-After"]) > 0
