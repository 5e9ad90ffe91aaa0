"""Asks a model for a step, and collects what it yields."""

from contextlib import aclosing, suppress
from typing import Any

from cloudmart.ai.ports import (
    ChatModel,
    ProviderMessage,
    ProviderStep,
    Role,
    StepRequest,
    TextDelta,
    ToolSpec,
    Usage,
)
from cloudmart.errors import UpstreamError

CONVERSATION = "ab" * 32

FIND_PRODUCTS = ToolSpec(
    "find_products",
    "Find products.",
    {
        "type": "object",
        "properties": {
            "query": {"type": "string"},
            "limit": {"type": ["integer", "null"], "maximum": 20},
        },
        "required": ["query", "limit"],
        "additionalProperties": False,
    },
)


def user(text: str) -> ProviderMessage:
    """Return a customer's message."""
    return ProviderMessage(Role.USER, text)


def assistant(text: str) -> ProviderMessage:
    """Return an assistant's message."""
    return ProviderMessage(Role.ASSISTANT, text)


def request(*history: ProviderMessage, **changes: Any) -> StepRequest:  # noqa: ANN401
    """Return a request with a history; the default is one message."""
    said = history or (user("Do you have lamps?"),)
    given: dict[str, Any] = {"seconds_left": 20.0} | changes
    return StepRequest(CONVERSATION, "You work in a shop.", said, **given)


async def take(chat: ChatModel, asked: StepRequest | None = None) -> tuple[list[str], ProviderStep]:
    """Return the deltas of a step, and the step itself. It must come once, at the end."""
    async with aclosing(chat.step(asked or request())) as pieces:
        *deltas, step = [piece async for piece in pieces]
    assert isinstance(step, ProviderStep)
    return [delta.text for delta in deltas if isinstance(delta, TextDelta)], step


async def cost(chat: ChatModel, asked: StepRequest | None = None) -> Usage | None:
    """Return the last reported usage of a step, which may fail after that."""
    told = None
    with suppress(UpstreamError):
        async with aclosing(chat.step(asked or request())) as pieces:
            async for piece in pieces:
                told = piece if isinstance(piece, Usage) else told
    return told


async def answer(chat: ChatModel, asked: StepRequest | None = None) -> str:
    """Return the text of a step that answers."""
    _, step = await take(chat, asked)
    assert not step.calls
    return step.text
