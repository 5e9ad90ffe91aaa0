"""The client for OpenAI's API: it follows no redirect and bounds what it reads."""

from collections.abc import AsyncIterator

import httpx2
from openai import AsyncOpenAI, DefaultAioHttpClient

from cloudmart.ai.providers.bounded import LONGEST_LINE, UNCOMPRESSED, Bounds, refuse_compressed


def openai_client(api_key: str, base_url: str) -> AsyncOpenAI:
    """Return a client; nothing is connected yet."""
    return AsyncOpenAI(
        api_key=api_key,
        base_url=base_url,
        timeout=httpx2.Timeout(60, connect=3),
        max_retries=0,
        http_client=DefaultAioHttpClient(
            # A conversation goes to the server that is configured and to no other.
            follow_redirects=False,
            headers=UNCOMPRESSED,
            event_hooks={"response": [_bound]},
        ),
    )


async def _bound(response: httpx2.Response) -> None:
    refuse_compressed(response.headers.get("content-encoding"))
    if isinstance(response.stream, httpx2.AsyncByteStream):
        response.stream = _BoundedStream(response.stream)


class _BoundedStream(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        bounds = Bounds(LONGEST_LINE)
        async for chunk in self._stream:
            yield bounds.count(chunk)

    async def aclose(self) -> None:
        await self._stream.aclose()
