"""Sends a step to the Responses API and reads its events, without the SDK's layers."""

import json
import math
import re
import ssl
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self
from urllib.request import getproxies, proxy_bypass

import aiohttp
import httpx2
import msgspec
from openai import APIStatusError, AsyncOpenAI, DefaultAioHttpClient
from yarl import URL

from cloudmart.ai.providers.bounded_response import (
    LONGEST_LINE,
    UNCOMPRESSED,
    BoundedReader,
    Bounds,
    refuse_compressed,
)

_CONNECT_WITHIN = 3.0
_STALLED = 60.0
"""Seconds of silence after which an answer is given up."""

_IDLE = 5.0
"""Seconds for which a connection is kept for the next step."""

_MOST_DIGITS = 100
_DONE = b"[DONE]"
_DATA = b"data:"
_LINE_END = re.compile(rb"\r\n|\n|\r")


class ResponsesApi:
    """Sends steps over its own connections.

    The address, the headers and the key are those of the SDK's client. It raises the SDK's errors,
    so that a handler of errors need not know how a step was sent.
    """

    def __init__(self, http: aiohttp.ClientSession, sdk: AsyncOpenAI) -> None:
        self.sdk = sdk
        self._http = http
        self._url = URL(f"{str(sdk.base_url).rstrip('/')}/responses")
        self._proxy = proxy_for(self._url)

    @property
    def host(self) -> str:
        """Return the name of the server."""
        return self._url.host or ""

    async def post(self, body: Mapping[str, Any], seconds: float) -> "AnswerEvents":
        """Send a step, and return the events of its answer, which end within so many seconds.

        Raises:
            APIStatusError: the server refused.
            TimeoutError: the time was up before it answered.
            aiohttp.ClientError: there was no whole answer.
        """
        if seconds <= 0:
            raise TimeoutError
        response = await self._http.post(
            self._url,
            data=msgspec.json.encode(body),
            proxy=self._proxy,
            # A conversation goes to the server that is configured and to no other.
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(
                total=seconds,
                sock_connect=_CONNECT_WITHIN,
                # One timer for the whole answer costs less than a new one for each event.
                sock_read=_STALLED if seconds > _STALLED else None,
                ceil_threshold=math.inf,
            ),
        )
        try:
            return await self._begun(response)
        except BaseException:
            response.close()
            raise

    async def _begun(self, response: aiohttp.ClientResponse) -> "AnswerEvents":
        refuse_compressed(response.headers.get("content-encoding"))
        reader = BoundedReader(response.content, LONGEST_LINE)
        if response.status < HTTPStatus.MULTIPLE_CHOICES:
            return AnswerEvents(response, reader)
        raise self._refusal(response, await reader.read())

    def _refusal(self, response: aiohttp.ClientResponse, content: bytes) -> APIStatusError:
        answer = httpx2.Response(
            response.status,
            headers=list(response.raw_headers),
            content=content,
            request=httpx2.Request("POST", str(self._url)),
        )
        # The SDK's own reading of a refusal, which has no public name.
        return self.sdk._make_status_error_from_response(answer)  # noqa: SLF001


class AnswerEvents:
    """The events of one answer, each any JSON. Nothing of them is checked here but their size."""

    def __init__(self, response: aiohttp.ClientResponse, reader: BoundedReader) -> None:
        self._response = response
        self._reader = reader
        self._decoder = EventDecoder()
        self._waiting: deque[bytes] = deque()
        self._done = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # Where the end has not been read, this closes the connection.
        self._response.release()

    @property
    def at_end(self) -> bool:
        """Return whether all of the answer has been read, so that its connection is free."""
        return self._response.content.at_eof()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> object:
        """Return the next event, or raise ValueError for one that is no JSON."""
        while True:
            while self._waiting:
                event = self._waiting.popleft()
                self._done = self._done or event.startswith(_DONE)
                # What follows is only read: then the connection serves the next step, too.
                if not self._done:
                    return _decoded(event)
            chunk = await self._reader.readany()
            if not chunk:
                raise StopAsyncIteration
            self._waiting += self._decoder.feed(chunk)


class EventDecoder:
    """Splits a stream into the data of its events; names, ids and comments are left out.

    The standard is WHATWG's HTML, "Server-sent events".
    """

    def __init__(self) -> None:
        self._line: list[bytes] = []
        """The part of an unfinished line that has arrived."""
        self._data: list[bytes] = []
        self._after_return = False

    def feed(self, chunk: bytes) -> list[bytes]:
        """Return the data of the events that a chunk ends."""
        if self._after_return and chunk.startswith(b"\n"):
            # The line has ended already, with the last sign of the chunk before.
            chunk = chunk[1:]
        self._after_return = chunk.endswith(b"\r")
        lines = _LINE_END.split(chunk) if b"\r" in chunk else chunk.split(b"\n")
        rest = lines.pop()
        if lines and self._line:
            lines[0] = b"".join([*self._line, lines[0]])
            self._line.clear()
        if rest:
            self._line.append(rest)
        return [data for line in lines if (data := self._take(line))]

    def _take(self, line: bytes) -> bytes:
        """Take a line in; return the data of the event that it ends, if there is any."""
        if not line:
            event = b"\n".join(self._data)
            self._data.clear()
            return event
        if line.startswith(_DATA):
            self._data.append(line[len(_DATA) :].removeprefix(b" "))
        return b""


def _decoded(event: bytes) -> object:
    try:
        return msgspec.json.decode(event)
    except msgspec.DecodeError:
        # Half of a character, or a number that is too large, which JSON may have.
        return json.loads(event, parse_int=_number)


def _number(digits: str) -> float:
    # Python reads no number of thousands of digits, which would cost the whole event.
    return int(digits) if len(digits) <= _MOST_DIGITS else math.inf


def proxy_for(url: URL) -> str | None:
    """Return the proxy that the environment names for an address."""
    proxies = getproxies()
    named = proxies.get(url.scheme) or proxies.get("all")
    return None if not named or proxy_bypass(url.host or "") else named


@asynccontextmanager
async def open_responses_api(api_key: str, base_url: str) -> AsyncIterator[ResponsesApi]:
    """Open a client while the context lasts; nothing is connected yet."""
    trusted = httpx2.create_ssl_context()
    connector = aiohttp.TCPConnector(limit=0, ssl=trusted, keepalive_timeout=_IDLE)
    async with (
        openai_client(api_key, base_url, trusted) as sdk,
        responses_session(sdk, connector) as http,
    ):
        yield ResponsesApi(http, sdk)


def openai_client(
    api_key: str, base_url: str, trusted: ssl.SSLContext | None = None
) -> AsyncOpenAI:
    """Return the SDK's client; nothing is connected yet."""
    return AsyncOpenAI(
        api_key=api_key,
        base_url=base_url,
        timeout=httpx2.Timeout(_STALLED, connect=_CONNECT_WITHIN),
        max_retries=0,
        http_client=DefaultAioHttpClient(
            verify=trusted or True,
            follow_redirects=False,
            headers=UNCOMPRESSED,
            event_hooks={"response": [_bound]},
        ),
    )


def responses_session(sdk: AsyncOpenAI, connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
    """Return what sends requests, with the headers of the SDK's, over a connector's connections."""
    told = {**sdk.default_headers, **sdk.auth_headers, **UNCOMPRESSED}
    return aiohttp.ClientSession(
        connector=connector,
        # The SDK marks what is not to be sent by something that is no text.
        headers={name: value for name, value in told.items() if isinstance(value, str)},
        # A proxy is given with each request; never a password from a .netrc.
        trust_env=False,
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
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
