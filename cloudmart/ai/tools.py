"""The tools that a model may call. Their answers are always JSON, never an exception.

| tool | arguments | result |
|---|---|---|
| search_products | query, min_price, max_price, sort, limit | products, not_shown |
| search_help | question | sections: section, text; or topics and contact, if no section fits |
| get_order | order_id | order: id, status, placed, total, items |
| cancel_order, delete_order | order_id | status: customer_is_asked_to_confirm; order |
| open_ticket | subject, text | status: customer_is_asked_to_confirm |

A customer who agrees without the code gets no other one: status customer_must_type_the_code.

What cannot be done comes back as `error` with a word that says why. `list_products` is a name that
action groups of Bedrock agents have for search_products; whatever they call its argument will do.
"""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from cloudmart.ai.confirmation_codes import OrderAction
from cloudmart.ai.conversations import Turn
from cloudmart.ai.help_search import HelpIndex, HelpSection
from cloudmart.ai.order_changes import OrderChanges
from cloudmart.ai.ports import ToolCall, ToolSpec
from cloudmart.ai.product_search.search import search_products
from cloudmart.ai.step_span import tool_span
from cloudmart.ai.ticket_requests import TicketRequests
from cloudmart.ai.tool_arguments import (
    HELP_PROPERTIES,
    ORDER_PROPERTIES,
    SEARCH_PROPERTIES,
    TICKET_PROPERTIES,
    HelpArguments,
    ListArguments,
    OrderArguments,
    Properties,
    SearchArguments,
    TicketArguments,
    ToolArguments,
)
from cloudmart.observability.metrics import TOOL_CALLS
from cloudmart.products.catalogue import Catalogue
from cloudmart.settings import OrderTools

ONLY_STAFF = {
    "error": "only_staff_can_do_this",
    "advice": "The customer ends the chat: staff read it.",
}

_SEARCH = (
    "Find products of the shop. The answer has those that fit and the number of those not shown."
)
_HELP = (
    "Find what the shop says about itself. Name the section you answer from. Without a section, "
    "you do not know the answer."
)
_NO_HELP = (
    "The shop says nothing about this: tell the customer that you do not know, and that the shop's "
    "staff read this chat once it is ended."
)
_TICKET = (
    "Ask the customer to confirm that a request is sent to the shop's staff, who read it with this "
    "chat. For what the other tools cannot do, or where the customer wants a person."
)

Run = Callable[[Turn, Any], Awaitable[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool: its description for a model, its arguments, and what it does."""

    name: str
    description: str
    properties: Properties
    takes: type[ToolArguments]
    run: Run
    right: OrderTools = OrderTools.OFF
    """What the shop must allow."""

    def taking(self, takes: type[ToolArguments]) -> "Tool":
        """Return the same tool with other arguments."""
        return replace(self, takes=takes)

    @property
    def spec(self) -> ToolSpec:
        """Return the tool's description for a model."""
        schema = {
            "type": "object",
            "properties": self.properties,
            "required": list(self.properties),
            "additionalProperties": False,
        }
        return ToolSpec(self.name, self.description, schema)


class Toolbox:
    """The tools; which of them a model may use depends on the shop's policy and on who speaks."""

    def __init__(
        self,
        products: Catalogue,
        help_index: HelpIndex,
        changes: OrderChanges,
        tickets: TicketRequests,
    ) -> None:
        self._products = products
        self._help = help_index
        self._changes = changes
        self._tickets = tickets
        self._tools = {tool.name: tool for tool in self._all()}
        self._told = [(tool.right, tool.spec) for tool in self._tools.values()]
        self._hidden = {"list_products": self._tools["search_products"].taking(ListArguments)}

    @property
    def has_help(self) -> bool:
        """Return whether the shop has told something about itself."""
        return not self._help.empty

    def specs(self, turn: Turn) -> list[ToolSpec]:
        """Return the descriptions of the tools that a model may use for the current speaker."""
        return [spec for right, spec in self._told if self._changes.allows(turn, right)]

    async def run(self, turn: Turn, call: ToolCall) -> str:
        """Run a tool and return its result, or what was wrong with the call, as JSON."""
        tool = self._tools.get(call.name) or self._hidden.get(call.name)
        with tool_span(tool.name if tool else None):
            result = await self._result(tool, turn, call) if tool else {"error": "unknown_tool"}
        # A model makes names up; a metric's labels must not grow with them.
        TOOL_CALLS.labels(tool.name if tool else "unknown", result.get("error", "ok")).inc()
        return json.dumps(result)

    async def _result(self, tool: Tool, turn: Turn, call: ToolCall) -> dict[str, Any]:
        if not self._changes.allows(turn, tool.right):
            # Agents of Bedrock have their own list of tools.
            return ONLY_STAFF
        try:
            arguments = tool.takes.model_validate_json(call.arguments or "{}")
        except (ValidationError, UnicodeError):
            return {"error": "invalid_arguments"}
        return await tool.run(turn, arguments)

    def _all(self) -> list[Tool]:
        tools = [Tool("search_products", _SEARCH, SEARCH_PROPERTIES, SearchArguments, self._search)]
        if self.has_help:
            description = f"{_HELP} Topics: {', '.join(self._help.topics)}."
            tools.append(
                Tool("search_help", description, HELP_PROPERTIES, HelpArguments, self._search_help)
            )
        if self._tickets.allowed:
            tools.append(
                Tool("open_ticket", _TICKET, TICKET_PROPERTIES, TicketArguments, self._open_ticket)
            )
        return [
            *tools,
            _order_tool(
                "get_order",
                "Look an order of the customer up, with its status, date and total.",
                self._show,
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

    async def _open_ticket(self, turn: Turn, asked: TicketArguments) -> dict[str, Any]:
        return await self._tickets.propose(turn, asked.subject, asked.text)

    async def _search(self, _: Turn, asked: SearchArguments) -> dict[str, Any]:
        return (await search_products(self._products, asked.read())).shown()

    async def _search_help(self, _: Turn, asked: HelpArguments) -> dict[str, Any]:
        found = self._help.search(asked.question)
        if not found:
            nothing = {"sections": [], "topics": self._help.topics, "advice": _NO_HELP}
            contact = self._help.contact
            return nothing | ({"contact": _told(contact)} if contact else {})
        return {"sections": [_told(each) for each in found]}

    async def _show(self, turn: Turn, asked: OrderArguments) -> dict[str, Any]:
        return await self._changes.show(turn, asked.order_id)

    async def _cancel(self, turn: Turn, asked: OrderArguments) -> dict[str, Any]:
        return await self._changes.propose(turn, OrderAction.CANCEL, asked.order_id)

    async def _delete(self, turn: Turn, asked: OrderArguments) -> dict[str, Any]:
        return await self._changes.propose(turn, OrderAction.DELETE, asked.order_id)


def _told(section: HelpSection) -> dict[str, str]:
    return {"section": section.heading, "text": section.text}


def _order_tool(name: str, description: str, run: Run, right: OrderTools) -> Tool:
    return Tool(name, description, ORDER_PROPERTIES, OrderArguments, run, right)
