"""The answer to a request that runs when the process must end."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI
from starlette.responses import StreamingResponse
from starlette.types import Message

from cloudmart.composition.middleware import RequestContext

app = FastAPI()
app.add_middleware(RequestContext)


async def _for_ever(first: bytes) -> AsyncIterator[bytes]:
    yield first
    await asyncio.Event().wait()


@app.get("/slow")
async def slow() -> None:
    """Never answer."""
    await asyncio.Event().wait()


@app.get("/list")
async def array() -> StreamingResponse:
    """Begin an array that never ends."""
    return StreamingResponse(_for_ever(b'[{"id": "1"}'), media_type="application/json")


@app.get("/events")
async def stream() -> StreamingResponse:
    """Begin a stream of events that never ends."""
    return StreamingResponse(_for_ever(b"data: We sell\n\n"), media_type="text/event-stream")


async def cut_short(path: str, *, begun: bool) -> list[Message]:
    """Return what was sent of an answer whose request was cancelled."""
    sent: list[Message] = []
    arrived = asyncio.Event()
    asked = asyncio.Event()

    async def receive() -> Message:
        asked.set()
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Message) -> None:
        sent.append(message)
        if message["type"] == "http.response.body":
            arrived.set()

    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "query_string": b"",
        "headers": [],
        "asgi": {"version": "3.0", "spec_version": "2.3"},
    }
    task = asyncio.create_task(app(scope, receive, send))
    if begun:
        await arrived.wait()
    else:
        await asyncio.sleep(0)
    task.cancel()
    await task
    return sent


async def test_an_answer_that_has_not_begun_is_unavailable() -> None:
    start, body = await cut_short("/slow", begun=False)

    headers = dict(start["headers"])
    assert start["status"] == 503
    assert headers[b"retry-after"] == b"2"
    assert headers[b"x-request-id"]
    assert json.loads(body["body"])["type"] == "/api/problems/unavailable"


async def test_a_stream_of_events_ends_with_an_error_and_properly() -> None:
    _, *body = await cut_short("/events", begun=True)

    last = body[-1]
    name, data = last["body"].decode().removesuffix("\n\n").split("\n")
    assert name == "event: error"
    assert json.loads(data.removeprefix("data: "))["type"] == "/api/problems/unavailable"
    assert [message.get("more_body", False) for message in body] == [True, False]


@pytest.mark.parametrize("path", ["/list"])
async def test_half_an_array_is_left_without_its_end(path: str) -> None:
    _, *body = await cut_short(path, begun=True)

    assert [message["body"] for message in body] == [b'[{"id": "1"}']
    assert all(message["more_body"] for message in body)
