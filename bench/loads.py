"""The loads: requests to a server, and the same work as calls with bare aioboto3."""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import aioboto3
import aiohttp

from bench.load_generator import Limits, Sample, repeat


@dataclass(frozen=True, slots=True)
class Request:
    """A request to several paths in turn, and the status that it expects.

    `connections` is how many are sent at once; by default the run decides. With `seen`, each
    request sends the `ETag` that the path had at first.
    """

    method: str
    paths: Sequence[str]
    body: Any = None
    status: int = 200
    connections: int | None = None
    seen: bool = False


@dataclass(frozen=True, slots=True)
class HttpLoad:
    """Requests to a server that is a process on this machine."""

    url: str
    pid: int
    request: Request

    async def measure(self, limits: Limits) -> Sample:
        """Send requests over connections that stay open."""
        request = self.request
        limits = replace(limits, connections=request.connections or limits.connections)
        body = None if request.body is None else json.dumps(request.body).encode()
        # All clients send the same bytes; a bare route does not compress its answer.
        headers = {"Accept-Encoding": "identity"}
        headers |= {"Content-Type": "application/json"} if body else {}

        async def call(number: int) -> None:
            path = request.paths[number % len(request.paths)]
            url = self.url + path
            async with session.request(request.method, url, data=body, headers=tags) as answer:
                content = await answer.read()
            if answer.status != request.status:
                raise RuntimeError(f"{request.method} {path}: {answer.status} {content[:500]!r}")

        connector = aiohttp.TCPConnector(limit=limits.connections)
        async with aiohttp.ClientSession(connector=connector, headers=headers) as session:
            tags: dict[str, str] = {}
            if request.seen:
                tags = {"If-None-Match": await self._tag(session, request.paths[0])}
            return await repeat(call, limits, pid=self.pid)

    async def _tag(self, session: aiohttp.ClientSession, path: str) -> str:
        # Until the products are in memory, the list comes from the table and has no tag.
        async with asyncio.timeout(30):
            while True:
                async with session.get(self.url + path) as answer:
                    if tag := answer.headers.get("ETag"):
                        return tag
                await asyncio.sleep(0.1)


Operations = Callable[[Any, int], Awaitable[object]]
"""Calls a DynamoDB client. It gets the number of the call."""


@dataclass(frozen=True, slots=True)
class DynamoDBLoad:
    """Operations of a client with aioboto3's defaults, in the load generator's process.

    Here that process is the one under test.
    """

    operations: Operations

    async def measure(self, limits: Limits) -> Sample:
        """Call DynamoDB over connections that stay open."""
        async with _session().client("dynamodb") as client:

            async def call(number: int) -> None:
                await self.operations(client, number)

            return await repeat(call, limits, pid=os.getpid())


@cache
def _session() -> aioboto3.Session:
    # Reading the service model of DynamoDB takes long, so the session is created once.
    return aioboto3.Session()
