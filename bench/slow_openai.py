"""A server with OpenAI's Responses API that takes its time for every answer."""

import asyncio
import os
from collections.abc import AsyncIterator

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from bench.chatting_customers import step_back
from tests.support.responses_api import beginning, ending, message

WORDS = ("We ", "sell ", "lamps, ", "warm ", "ones ", "too.")
SECONDS = float(os.environ.get("ANSWER_SECONDS", "3"))


async def respond(request: Request) -> Response:
    """Answer word by word."""
    await request.body()
    return StreamingResponse(_answer(), media_type="text/event-stream")


async def _answer() -> AsyncIterator[bytes]:
    events = beginning(*WORDS)
    for event in events:
        await asyncio.sleep(SECONDS / len(events))
        assert isinstance(event, bytes)  # noqa: S101 - a fault was not asked for
        yield event
    yield ending(message("".join(WORDS)))


async def ready(_: Request) -> Response:
    """Answer the program that waits until the server is up."""
    return PlainTextResponse("ready")


APP = Starlette(
    routes=[
        Route("/v1/responses", respond, methods=["POST"]),
        Route("/{path:path}", ready, methods=["GET"]),
    ]
)

if __name__ == "__main__":
    step_back()
    uvicorn.run(APP, port=int(os.environ["PORT"]), log_level="warning", access_log=False)
