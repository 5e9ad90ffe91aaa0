"""The assistants: their routes at no cost, and with `--assistants` a message to each."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from cloudmart.verify.connection import REACHED
from cloudmart.verify.context import VerifyContext, VerifyStep, skip_if_limited
from cloudmart.verify.staff import TICKETS, titled_ticket
from cloudmart.verify.step import StepSkippedError

_QUESTION = "Hello! Please answer with one short sentence."
_SENTIMENT = "/api/ai/analyze-sentiment"
_A_TURN = 60.0
"""Seconds that an assistant may take: the storefront waits 50."""

_COSTS = "it costs money: --assistants tries it"


@dataclass(frozen=True, slots=True)
class ChatRoute:
    """An assistant's routes, and what they call a conversation."""

    name: str
    path: str
    member: str
    unknown: str


ROUTES = (
    ChatRoute("openai", "/api/ai", "threadId", "thread_"),
    ChatRoute("bedrock", "/api/ai/bedrock", "conversationId", "conv_"),
)


def start_chat(route: ChatRoute, context: VerifyContext) -> str:
    """Start a conversation, which expires by itself and costs nothing."""
    _started(route, context)
    return "a conversation without a message, which expires by itself"


def refuse_unknown_chat(route: ChatRoute, context: VerifyContext) -> str:
    """Say something in a conversation that does not exist."""
    body = {route.member: f"{route.unknown}{context.run}unknown", "message": _QUESTION}
    answer = skip_if_limited(context.shop.ask("POST", f"{route.path}/message", json=body))
    answer.expect_problem(404, "unknown-conversation")
    return "an unknown conversation is not found"


def refuse_bad_chat(context: VerifyContext) -> str:
    """End a malformed chat."""
    answer = skip_if_limited(context.shop.ask("POST", _SENTIMENT, json={"thread": "verify"}))
    answer.expect_problem(422, "invalid-request")
    return "a chat that is none is refused"


def send_message(route: ChatRoute, context: VerifyContext) -> str:
    """Send a message, and get an answer."""
    if not context.choices.assistants:
        raise StepSkippedError(_COSTS)
    body = {route.member: _started(route, context), "message": _QUESTION}
    with context.shop.waiting(_A_TURN):
        answer = skip_if_limited(context.shop.ask("POST", f"{route.path}/message", json=body))
    words = answer.expect_object(200).get("response")
    if not isinstance(words, str) or not words.strip():
        raise answer.wrong(f"says nothing: {answer.shown}")
    return f"{len(words)} characters were answered"


def read_sentiment(context: VerifyContext) -> str:
    """End a chat, and have its sentiment rated."""
    if not context.choices.assistants:
        raise StepSkippedError(_COSTS)
    said = [{"sender": "user", "text": "Thank you, this lamp is wonderful!"}]
    body = {"thread": {"name": context.title, "messages": said}}
    item = context.created.begin(
        "ticket", TICKETS, lambda: titled_ticket(context, "closed", "threadName"), context.title
    )
    item.stays = "" if context.has_rights else "only an administrator removes it"
    with context.shop.waiting(_A_TURN):
        answer = context.shop.ask("POST", _SENTIMENT, json=body)
    if answer.is_refusal:
        context.created.forget(item)
    told = skip_if_limited(answer).expect_object(200)
    item.key = str(told.get("ticketId"))
    scores = told.get("sentimentScores")
    if not isinstance(scores, Mapping) or not told.get("overallSentiment"):
        raise answer.wrong(f"has no sentiment: {answer.shown}")
    return f"{told['overallSentiment']}, kept as {item}"


STEPS = (
    *(
        VerifyStep(f"{route.name}-chat-started", partial(start_chat, route), REACHED)
        for route in ROUTES
    ),
    *(
        VerifyStep(f"{route.name}-chat-refused", partial(refuse_unknown_chat, route), REACHED)
        for route in ROUTES
    ),
    VerifyStep("bad-chat-refused", refuse_bad_chat, REACHED),
    *(
        VerifyStep(
            f"{route.name}-answers", partial(send_message, route), (f"{route.name}-chat-started",)
        )
        for route in ROUTES
    ),
    VerifyStep("sentiment-told", read_sentiment, REACHED),
)


def _started(route: ChatRoute, context: VerifyContext) -> str:
    answer = skip_if_limited(context.shop.ask("POST", f"{route.path}/start", json={}))
    key = answer.expect_object(200).get(route.member)
    if not isinstance(key, str) or not key:
        raise answer.wrong(f"names no conversation: {answer.shown}")
    return key
