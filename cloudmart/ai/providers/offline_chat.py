"""The assistant of a shop without a provider of AI: rules instead of a model, the same tools."""

import json
from collections.abc import AsyncGenerator
from typing import Any

from cloudmart.ai.ports import Delta, Role, Step, StepRequest, ToolCall, Usage
from cloudmart.ai.providers.offline_intent import ABOUT_ORDERS, Intent, Wish, understand
from cloudmart.ai.providers.offline_words import (
    ANSWERS,
    ASK_EMAIL,
    ASK_ORDER,
    NOT_ALLOWED,
    NOTICE,
    not_understood,
    told,
)

_TOOLS = {
    Intent.PRODUCTS: "search_products",
    Intent.ORDER: "get_order",
    Intent.CANCEL: "cancel_order",
    Intent.DELETE: "delete_order",
}


class OfflineChat:
    """Finds products, shows orders and cancels them; the same question gets the same answer."""

    name = "offline"

    async def step(self, request: StepRequest) -> AsyncGenerator[Delta | Usage | Step, None]:
        step = _next(request)
        if not step.calls:
            for line in step.text.splitlines(keepends=True):
                yield Delta(line)
        yield step


def _next(request: StepRequest) -> Step:
    if request.exchange:
        _, results = request.exchange[-1]
        return _answer(request, "\n".join(told(result) for result in results))
    wish = understand(request.history)
    tool = _TOOLS.get(wish.intent)
    offered = {each.name for each in request.tools}
    if tool is None:
        return _answer(request, ANSWERS.get(wish.intent) or not_understood(offered))
    if request.final or tool not in offered:
        # Said before anything is asked for.
        return _answer(request, NOT_ALLOWED)
    if missing := _missing(wish):
        return _answer(request, missing)
    return Step("", [ToolCall("1", tool, json.dumps(_arguments(wish)))])


def _missing(wish: Wish) -> str | None:
    """Return the question for what a wish about an order lacks."""
    if wish.intent not in ABOUT_ORDERS:
        return None
    if wish.order_id is None:
        return ASK_ORDER
    return None if wish.has_email else ASK_EMAIL


def _arguments(wish: Wish) -> dict[str, Any]:
    if wish.intent is Intent.PRODUCTS:
        return {"query": wish.query}
    return {"order_id": wish.order_id}


def _answer(request: StepRequest, text: str) -> Step:
    said = (message.text for message in request.history if message.role is Role.ASSISTANT)
    first = not any(NOTICE in text for text in said)
    return Step(f"{NOTICE}\n\n{text}" if first else text)
