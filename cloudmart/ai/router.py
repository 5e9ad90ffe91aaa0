"""`/api/ai`: its routes, the customers' messages, and the answers."""

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Annotated, Any

from fastapi import Body, Depends, Request, Response
from pydantic import Field, StringConstraints

from cloudmart.access.authentication import Caller, CurrentCaller
from cloudmart.access.guarded_route import GuardedRoute
from cloudmart.ai.chat_archive import ChatArchive, ChatEnded, ChatToEnd
from cloudmart.ai.ports import TextDelta
from cloudmart.ai.service import Assistant, Assistants, ToolRunning
from cloudmart.errors import (
    ConversationBusyError,
    ProviderDisabledError,
    ProviderFailedError,
    ProviderMisconfiguredError,
    ProviderTimeoutError,
    ProviderUnavailableError,
    TokensSpentError,
    UnavailableError,
    UnknownConversationError,
)
from cloudmart.http.body_limits import LARGEST_BODY
from cloudmart.http.dependencies import provide
from cloudmart.http.problem import may_fail
from cloudmart.http.server_sent_events import (
    MEDIA_TYPE,
    EventChannel,
    EventStream,
    wants_events,
    while_connected,
)
from cloudmart.rates.route_class import ClassifiedRouter, RouteClass
from cloudmart.values import ids
from cloudmart.values.model import Model
from cloudmart.values.text import SOMETHING, AnyText

EVENTS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The answer. Sent as events with `Accept: text/event-stream`: `delta`s with "
        "a `text` each, then `answer` with the whole `response`, or `error` with a problem. The "
        "deltas are a preview; only `answer` counts.",
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

_STARTS = may_fail(UnavailableError, ProviderDisabledError)
_REPLIES = EVENTS | may_fail(
    UnknownConversationError,
    ConversationBusyError,
    ProviderFailedError,
    UnavailableError,
    ProviderDisabledError,
    ProviderMisconfiguredError,
    ProviderUnavailableError,
    TokensSpentError,
    ProviderTimeoutError,
)
_KEPT = "It is kept for 30 days after its last message, unless set otherwise."
_ANSWERS = (
    "Answers in plain text or, with `Accept: text/event-stream`, as events: `delta`s, then the "
    "whole answer, or an `error`. The assistant can look up products and, for a customer who names "
    "the order's e-mail, show an order; with a customer's token (and in local mode) also cancel "
    "one, after the customer has typed the code that the shop asks for. One message at a time: a "
    "second is refused with 409."
)
_QUESTION = "Which lamps do you have?"


MessageText = Annotated[
    AnyText,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=4000, pattern=SOMETHING),
    Field(description="What the customer says, in 1 to 4,000 characters."),
]


class ThreadStarted(Model):
    """A conversation that has begun; its id is all that is needed to go on with it: keep it."""

    thread_id: str = Field(
        description="It cannot be guessed. Anyone who has it can continue the chat."
    )


class ThreadMessage(Model):
    """A customer's message."""

    thread_id: str = Field(description="The one that `start` returned.")
    message: MessageText


class ConversationStarted(Model):
    """A conversation that has begun; its id is all that is needed to go on with it: keep it."""

    conversation_id: str = Field(
        description="It cannot be guessed. Anyone who has it can continue the chat."
    )


class ConversationMessage(Model):
    """A customer's message."""

    conversation_id: str = Field(description="The one that `start` returned.")
    message: MessageText


class Reply(Model):
    """The assistant's answer, plain text."""

    response: str = Field(description="What to show the customer: plain text, no Markdown.")


async def send_reply(
    request: Request, caller: Caller, assistant: Assistant, conversation: str, message: str
) -> Response:
    """Answer a message in the form that the client asked for, as long as it waits."""
    reply = partial(assistant.reply, conversation, message, caller=caller)
    if wants_events(request):
        return EventStream(lambda channel: _tell(channel, reply))
    text = await while_connected(request.receive, reply())
    return Response(
        Reply(response=text).model_dump_json(),
        media_type="application/json",
        headers={"Vary": "Accept"},
    )


async def _tell(channel: EventChannel, reply: Callable[..., Coroutine[Any, Any, str]]) -> None:
    async def tell(event: TextDelta | ToolRunning) -> None:
        if isinstance(event, TextDelta):
            await channel.event("delta", {"text": event.text})
        else:
            await channel.comment("working")

    text = await reply(tell)
    await channel.event("answer", {"response": text})


router = ClassifiedRouter(
    counts_as=RouteClass.CHAT, prefix="/api/ai", tags=["assistants"], route_class=GuardedRoute
)
Chats = Annotated[Assistants, Depends(provide(Assistants))]
Archive = Annotated[ChatArchive, Depends(provide(ChatArchive))]
ThreadBody = Annotated[
    ThreadMessage,
    Body(
        openapi_examples={
            "question": {
                "summary": "A question",
                "value": {"threadId": ids.THREAD, "message": _QUESTION},
            }
        }
    ),
]
ConversationBody = Annotated[
    ConversationMessage,
    Body(
        openapi_examples={
            "question": {
                "summary": "A question",
                "value": {"conversationId": ids.CONVERSATION, "message": _QUESTION},
            }
        }
    ),
]
ChatBody = Annotated[
    ChatToEnd,
    Body(
        openapi_examples={
            "chat": {
                "summary": "A short chat",
                "value": {
                    "thread": {
                        "name": "Lamps",
                        "messages": [
                            {"sender": "user", "text": _QUESTION},
                            {"sender": "ai", "text": "The reading lamp, for $34.50."},
                            {"sender": "user", "text": "Wonderful, thank you!"},
                        ],
                    }
                },
            }
        }
    ),
]


@router.post(
    "/start",
    summary="Start a chat with the OpenAI assistant",
    description=_KEPT,
    responses=_STARTS,
)
@router.counts_as(RouteClass.WRITE)
async def start_thread(chats: Chats) -> ThreadStarted:
    return ThreadStarted(thread_id=await chats.openai.start())


@router.post(
    "/message",
    summary="Send a message to the OpenAI assistant",
    description=_ANSWERS,
    response_model=Reply,
    responses=_REPLIES,
)
async def send_thread_message(
    body: ThreadBody, chats: Chats, request: Request, caller: CurrentCaller
) -> Response:
    return await send_reply(request, caller, chats.openai, body.thread_id, body.message)


@router.post(
    "/bedrock/start",
    summary="Start a chat with the Bedrock assistant",
    description=_KEPT,
    responses=_STARTS,
)
@router.counts_as(RouteClass.WRITE)
async def start_conversation(chats: Chats) -> ConversationStarted:
    return ConversationStarted(conversation_id=await chats.bedrock.start())


@router.post(
    "/bedrock/message",
    summary="Send a message to the Bedrock assistant",
    description=_ANSWERS,
    response_model=Reply,
    responses=_REPLIES,
)
async def send_conversation_message(
    body: ConversationBody, chats: Chats, request: Request, caller: CurrentCaller
) -> Response:
    return await send_reply(request, caller, chats.bedrock, body.conversation_id, body.message)


@router.post(
    "/analyze-sentiment",
    summary="Save a chat that has ended, and rate its sentiment",
    description="The chat becomes a closed ticket, always and first. Azure reads the mood of what "
    "the customer wrote, once for each `threadId` of ours and up to a daily limit; for all other "
    "chats, and while Azure does not answer or is not configured, a lexicon does, and the ticket "
    "says so. Without a message of the customer's the mood is neutral.",
    responses=may_fail(UnavailableError),
    # A page sends all it shows when a chat ends, and its ticket must not be lost.
    max_body_size=LARGEST_BODY,
)
async def end_chat(body: ChatBody, archive: Archive) -> ChatEnded:
    return await archive.keep(body.thread)
