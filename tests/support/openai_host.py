"""OpenAI's adapter, which takes a server on loopback for another that has a name."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from openai import AsyncOpenAI
from yarl import URL

from cloudmart.ai.providers.openai import OpenAIChat
from cloudmart.ai.providers.responses_api import ResponsesApi, responses_session
from cloudmart.settings import Effort
from tests.support.scripted_server import LoopbackServer


class ToLoopback(AbstractResolver):
    """Finds every name on loopback."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the one address there is."""
        del family
        found = ResolveResult(
            hostname=host, host="127.0.0.1", port=port, family=socket.AF_INET, proto=0, flags=0
        )
        return [found]

    async def close(self) -> None:
        """Do nothing."""


@asynccontextmanager
async def chat_with(
    server: LoopbackServer, host: str = "api.openai.com", effort: Effort = Effort.OFF
) -> AsyncIterator[OpenAIChat]:
    """Give a chat with a server that has a name."""
    base_url = URL(f"{server.url}/v1").with_host(host)
    sdk = AsyncOpenAI(api_key="sk-test", base_url=str(base_url), max_retries=0)
    connector = aiohttp.TCPConnector(resolver=ToLoopback())
    async with sdk, responses_session(sdk, connector) as http:
        yield OpenAIChat(ResponsesApi(http, sdk), "gpt-6-luna", effort)
