"""The arguments of the tools: their description for a model, and their checks."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from cloudmart.ai.help_search import LONGEST_QUESTION
from cloudmart.ai.product_search import ARGUMENT_NAMES
from cloudmart.ai.product_search.query import (
    LONGEST_QUERY,
    ProductQuery,
    ProductSort,
    read_query,
)
from cloudmart.values.text import Prose, Subject

Properties = Mapping[str, Mapping[str, Any]]
"""Arguments by name, each with its JSON schema."""

SEARCH_PROPERTIES: Properties = {
    "query": {
        "type": "string",
        "description": "English words of a product's name or description, or its number "
        "(`product 3`). Empty means all products.",
    },
    "min_price": {"type": ["number", "null"], "description": "The lowest price, in US dollars."},
    "max_price": {"type": ["number", "null"], "description": "The highest price, in US dollars."},
    "sort": {
        "type": ["string", "null"],
        "enum": [*ProductSort, None],
        "description": "The order of the products.",
    },
    "limit": {"type": ["integer", "null"], "description": "How many to show, 8 at most."},
}
HELP_PROPERTIES: Properties = {
    "question": {"type": "string", "description": "The customer's question, in English if you can."}
}
TICKET_PROPERTIES: Properties = {
    "subject": {"type": "string", "description": "What it is about, in a few words."},
    "text": {
        "type": "string",
        "description": "What the customer wants, in the customer's words and language.",
    },
}
ORDER_PROPERTIES: Properties = {"order_id": {"type": "string"}}

# A model's number may come as a text: agents of Bedrock send every value as one.
_Price = Annotated[Decimal, Field(strict=False, ge=0, le=10**9, allow_inf_nan=False)]


class ToolArguments(BaseModel):
    """What a tool takes."""

    model_config = ConfigDict(strict=True, extra="forbid")


class SearchArguments(ToolArguments):
    """What to look for. The query may also contain prices and the order."""

    query: Annotated[str, StringConstraints(strip_whitespace=True, max_length=LONGEST_QUERY)] = ""
    min_price: _Price | None = None
    max_price: _Price | None = None
    sort: Annotated[ProductSort, Field(strict=False)] | None = None
    limit: Annotated[int, Field(strict=False, ge=1)] | None = None

    def read(self) -> ProductQuery:
        """Return what is asked of the catalogue."""
        query = read_query(self.query)
        return replace(
            query,
            lowest=query.lowest if self.min_price is None else self.min_price,
            highest=query.highest if self.max_price is None else self.max_price,
            sort=self.sort or query.sort,
            limit=self.limit or query.limit,
        )


class ListArguments(SearchArguments):
    """The same for agents' action groups: one argument with any name."""

    model_config = ConfigDict(extra="ignore")

    @model_validator(mode="before")
    @classmethod
    def _of_any_name(cls, told: Any) -> Any:  # noqa: ANN401 - whatever an agent sends
        if not isinstance(told, dict):
            return told
        known = {str(name).casefold(): each for name, each in told.items()}
        query = next((known[name] for name in ARGUMENT_NAMES if known.get(name)), "")
        return {**known, "query": query}


class HelpArguments(ToolArguments):
    """What is to be known."""

    question: Annotated[
        str, StringConstraints(strip_whitespace=True, max_length=4 * LONGEST_QUESTION)
    ]


class OrderArguments(ToolArguments):
    """Which order."""

    order_id: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=64, pattern=r"^[\w-]+$"),
    ]


class TicketArguments(ToolArguments):
    """What is written to the shop's staff."""

    subject: Annotated[Subject, StringConstraints(strip_whitespace=True, min_length=1)]
    text: Annotated[Prose, StringConstraints(strip_whitespace=True, min_length=1)]
