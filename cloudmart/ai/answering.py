"""A reply on the wire: as JSON when it is there, or as events while it is being written."""

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from fastapi import Request, Response

from cloudmart.access.caller import Caller
from cloudmart.ai.assistants import Assistant
from cloudmart.ai.loop import ToolRunning
from cloudmart.ai.messages import Reply
from cloudmart.ai.ports import Delta
from cloudmart.http.client import client_address
from cloudmart.http.connection import while_connected
from cloudmart.http.events import MEDIA_TYPE, Channel, EventStream, wants_events

EVENTS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The answer. Sent as events with `Accept: text/event-stream`: `delta`s with "
        "a `text` each, then `answer` with the whole `response`, or `error` with a problem. The "
        "deltas are a preview: what `answer` says counts.",
        "content": {
            MEDIA_TYPE: {
                "schema": {"type": "string"},
                "example": 'event: delta\ndata: {"text": "We sell"}\n\n'
                'event: delta\ndata: {"text": " lamps."}\n\n'
                'event: answer\ndata: {"response": "We sell lamps."}\n\n',
            }
        },
    }
}


async def answer(
    request: Request, caller: Caller, assistant: Assistant, conversation: str, message: str
) -> Response:
    """Answer a message as the client asked for it, for as long as it waits."""
    client = client_address(request.scope)
    reply = partial(assistant.reply, conversation, message, proved=caller.email, client=client)
    if wants_events(request):
        return EventStream(lambda channel: _tell(channel, reply))
    text = await while_connected(request.receive, reply())
    return Response(
        Reply(response=text).model_dump_json(),
        media_type="application/json",
        headers={"Vary": "Accept"},
    )


async def _tell(channel: Channel, reply: Callable[..., Coroutine[Any, Any, str]]) -> None:
    async def tell(event: Delta | ToolRunning) -> None:
        if isinstance(event, Delta):
            await channel.event("delta", {"text": event.text})
        else:
            await channel.comment("working")

    text = await reply(tell)
    await channel.event("answer", {"response": text})
