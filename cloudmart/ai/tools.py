"""The tools a model may call, and what comes back: always JSON, never an exception of its making.

| tool | arguments | result |
|---|---|---|
| search_products | query | products: id, name, price, description |
| get_order | order_id | order: id, status, placed, total, items |
| cancel_order, delete_order | order_id | status: customer_is_asked_to_confirm; order |

A customer who agrees without the code gets no other one: status customer_must_type_the_code.

What cannot be done comes back as `error` with a word that says why.
"""

import heapq
import json
import re
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from operator import itemgetter
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from cloudmart.ai.conversations import Turn
from cloudmart.ai.order_changes.confirmation import OrderAction
from cloudmart.ai.order_changes.service import OrderChanges
from cloudmart.ai.ports import ToolCall, ToolSpec
from cloudmart.observability.metrics import TOOL_CALLS
from cloudmart.products.catalogue import Catalogue
from cloudmart.products.models import Product
from cloudmart.settings import OrderTools
from cloudmart.values.text import searchable

MOST_FOUND = 5
_LONGEST_DESCRIPTION = 300
_WORD = re.compile(r"\w{3,}")

# A word of the name says more of a product than one of its description.
_IN_NAME, _IN_DESCRIPTION = 3, 1

ONLY_STAFF = {
    "error": "only_staff_can_do_this",
    "advice": "The customer ends the chat: staff read it.",
}


async def search_products(products: Catalogue, query: str) -> list[dict[str, Any]]:
    """Return the few products that a query fits best; any few for one without words."""
    words = {_singular(word) for word in _WORD.findall(searchable(query))}
    best: list[tuple[int, Product]] = []
    found = await products.find()
    async for page in found.pages:
        ranked = [(_rank(product, words), product) for product in page.items]
        fitting = [pair for pair in ranked if pair[0]]
        best = heapq.nlargest(MOST_FOUND, [*best, *fitting], key=itemgetter(0))
    return [_shown(product) for _, product in best]


def _singular(word: str) -> str:
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word


def _rank(product: Product, words: Collection[str]) -> int:
    name, description = searchable(product.name), searchable(product.description)
    if not words:
        return 1
    return sum(
        _IN_NAME * (word in name) + _IN_DESCRIPTION * (word in description) for word in words
    )


def _shown(product: Product) -> dict[str, Any]:
    return {
        "id": product.id,
        "name": product.name[:200],
        "price": float(product.price),
        "description": product.description[:_LONGEST_DESCRIPTION],
    }


Run = Callable[[Turn, str], Awaitable[dict[str, Any]]]


class _Arguments(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")


class SearchArguments(_Arguments):
    """What to look for."""

    query: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]


class OrderArguments(_Arguments):
    """Which order."""

    order_id: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=64, pattern=r"^[\w-]+$"),
    ]


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool: what a model is told of it, what it takes, what it does."""

    name: str
    description: str
    argument: str
    takes: type[_Arguments]
    run: Run
    right: OrderTools = OrderTools.OFF
    """What the shop must allow."""

    @property
    def spec(self) -> ToolSpec:
        """Return what a model is told."""
        schema = {
            "type": "object",
            "properties": {self.argument: {"type": "string"}},
            "required": [self.argument],
            "additionalProperties": False,
        }
        return ToolSpec(self.name, self.description, schema)


class Toolbox:
    """The tools; which of them a model may use depends on the shop's policy and on who speaks."""

    def __init__(self, products: Catalogue, changes: OrderChanges) -> None:
        self._products = products
        self._changes = changes
        self._tools = {tool.name: tool for tool in self._all()}

    def specs(self, turn: Turn) -> list[ToolSpec]:
        """Return what a model is told of the tools that it may use for whoever speaks now."""
        return [
            tool.spec for tool in self._tools.values() if self._changes.allows(turn, tool.right)
        ]

    def may_read(self, turn: Turn) -> bool:
        """Tell whether orders may be shown to whoever speaks now."""
        return self._changes.allows(turn, OrderTools.READ)

    def may_change(self, turn: Turn) -> bool:
        """Tell whether orders may be changed for whoever speaks now."""
        return self._changes.allows(turn, OrderTools.CANCEL)

    async def run(self, turn: Turn, call: ToolCall) -> str:
        """Run a tool and return its result, or what was wrong with the call, as JSON."""
        tool = self._tools.get(call.name)
        result = await self._result(tool, turn, call) if tool else {"error": "unknown_tool"}
        # A model makes names up; a metric's labels must not grow with them.
        TOOL_CALLS.labels(tool.name if tool else "unknown", result.get("error", "ok")).inc()
        return json.dumps(result)

    async def _result(self, tool: Tool, turn: Turn, call: ToolCall) -> dict[str, Any]:
        if not self._changes.allows(turn, tool.right):
            # Agents of Bedrock have tools of their own list.
            return ONLY_STAFF
        try:
            arguments = tool.takes.model_validate_json(call.arguments or "{}")
        except (ValidationError, UnicodeError):
            return {"error": "invalid_arguments"}
        return await tool.run(turn, getattr(arguments, tool.argument))

    def _all(self) -> list[Tool]:
        return [
            Tool(
                "search_products",
                "Find products of the shop by words of their names or descriptions.",
                "query",
                SearchArguments,
                self._search,
            ),
            _order_tool(
                "get_order",
                "Look an order of the customer up, with its status, date and total.",
                self._changes.show,
                OrderTools.READ,
            ),
            _order_tool(
                "cancel_order",
                "Ask the customer to confirm that an order is to be canceled. "
                "Possible until it has shipped.",
                self._cancel,
                OrderTools.CANCEL,
            ),
            _order_tool(
                "delete_order",
                "Ask the customer to confirm that an order that is canceled is to be deleted.",
                self._delete,
                OrderTools.DELETE,
            ),
        ]

    async def _search(self, _: Turn, query: str) -> dict[str, Any]:
        return {"products": await search_products(self._products, query)}

    async def _cancel(self, turn: Turn, order_id: str) -> dict[str, Any]:
        return await self._changes.propose(turn, OrderAction.CANCEL, order_id)

    async def _delete(self, turn: Turn, order_id: str) -> dict[str, Any]:
        return await self._changes.propose(turn, OrderAction.DELETE, order_id)


def _order_tool(name: str, description: str, run: Run, right: OrderTools) -> Tool:
    return Tool(name, description, "order_id", OrderArguments, run, right)
