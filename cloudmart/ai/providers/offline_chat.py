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
    if wish.intent in ABOUT_ORDERS and wish.order_id is None:
        return _answer(request, ASK_ORDER)
    if wish.intent in ABOUT_ORDERS and not wish.has_email:
        return _answer(request, ASK_EMAIL)
    tool = _TOOLS.get(wish.intent)
    if tool is None:
        return _answer(request, ANSWERS[wish.intent])
    if request.final or tool not in {offered.name for offered in request.tools}:
        return _answer(request, NOT_ALLOWED)
    return Step("", [ToolCall("1", tool, json.dumps(_arguments(wish)))])


def _arguments(wish: Wish) -> dict[str, Any]:
    if wish.intent is Intent.PRODUCTS:
        return {"query": wish.query}
    return {"order_id": wish.order_id}


def _answer(request: StepRequest, text: str) -> Step:
    said = (message.text for message in request.history if message.role is Role.ASSISTANT)
    first = not any(NOTICE in text for text in said)
    return Step(f"{NOTICE}\n\n{text}" if first else text)
