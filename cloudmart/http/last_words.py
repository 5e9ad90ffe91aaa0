"""What a request is told that the end of the process cuts short."""

import asyncio

from starlette.types import Message, Scope, Send

from cloudmart.errors import UnavailableError
from cloudmart.http.problem import expected

_SENTENCE = "The service is being restarted and could not finish in time. Please try again."


async def say_last_words(scope: Scope, send: Send, kind: str | None) -> None:
    """End an answer in the way its kind can be ended; None has not begun.

    One that has not begun is a 503; a stream of events gets an event; anything else is broken off,
    for half an array must not look like a whole one.
    """
    if task := asyncio.current_task():
        task.uncancel()
    answer = expected(scope, UnavailableError(_SENTENCE))
    if kind is None:
        await answer(scope, _gone, send)
    elif kind.startswith("text/event-stream"):
        event = b"event: error\ndata: " + bytes(answer.body) + b"\n\n"
        await send({"type": "http.response.body", "body": event, "more_body": False})


async def _gone() -> Message:
    return {"type": "http.disconnect"}
