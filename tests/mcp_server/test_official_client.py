"""The tools of `cloudmart mcp`, called with the official client in both of its protocols."""

import json
import os
import re
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from decimal import Decimal
from typing import Any

import mcp_types as types
import pytest
from mcp.client.client import Client
from mcp.client.session import ClientRequestContext
from mcp.client.stdio import StdioServerParameters

from cloudmart.settings import Settings
from tests.support.cli_process import running
from tests.support.shop_tables import ENVIRONMENT, put

ORDER, OTHERS = "k7mq2n4p8r5t3vwx", "z9yx8w7v6t5s4r3q"
OPTIONS = ("--customer", "ada@example.com")

Connect = Callable[..., AbstractAsyncContextManager[Client]]
Person = Callable[[str], types.ElicitResult]


def order(key: str, email: str) -> dict[str, Any]:
    """Return an order as it is stored."""
    line = {"productId": "1", "name": "Desk lamp", "quantity": 1, "price": Decimal("19.99")}
    return {
        "id": key,
        "userEmail": email,
        "items": [line],
        "total": Decimal("19.99"),
        "status": "Pending",
        "createdAt": "2026-11-23T08:00:00.000Z",
        "updatedAt": "2026-11-23T08:00:00.000Z",
    }


@pytest.fixture
def environ(settings: Settings, dynamodb: Any) -> dict[str, str]:  # noqa: ANN401
    """Provide the environment of a shop with a lamp and two customers' orders."""
    names = settings.dynamodb
    lamp = {"id": "1", "name": "Desk lamp", "price": Decimal("19.99"), "description": "Warm."}
    put(dynamodb, names.products_table, lamp)
    orders = [order(ORDER, "ada@example.com"), order(OTHERS, "ben@example.com")]
    put(dynamodb, names.orders_table, *orders)
    tables = {variable: getattr(names, field) for variable, field in ENVIRONMENT.items()}
    return {**os.environ, **tables, "ENVIRONMENT": "local"}


@pytest.fixture(params=["auto", "legacy"])
def connect(environ: dict[str, str], request: pytest.FixtureRequest) -> Connect:
    """Provide a function that connects the client to a server with some options."""

    @asynccontextmanager
    async def connected(*options: str, person: Person | None = None) -> AsyncIterator[Client]:
        async def asked(
            context: ClientRequestContext,  # noqa: ARG001 - the client's name for it
            params: types.ElicitRequestParams,
        ) -> types.ElicitResult | types.ErrorData:
            assert person is not None
            return person(params.message)

        server = StdioServerParameters(
            command=sys.executable, args=["-m", "cloudmart", "mcp", *options], env=environ
        )
        async with Client(
            server, mode=request.param, elicitation_callback=asked if person else None
        ) as client:
            yield client

    return connected


def text_of(result: types.CallToolResult) -> str:
    """Return the text of a tool's answer."""
    (content,) = result.content
    assert isinstance(content, types.TextContent)
    return content.text


async def tools_of(client: Client) -> list[str]:
    """Return the names of the tools that a client sees."""
    return [tool.name for tool in (await client.list_tools()).tools]


def types_the_code(message: str) -> types.ElicitResult:
    """Answer like a person who reads the code and types it."""
    (code,) = re.findall(r"CONFIRM (\d{6})", message)
    return types.ElicitResult(action="accept", content={"code": code})


async def test_without_a_customer_there_are_no_orders(connect: Connect) -> None:
    async with connect() as client:
        tools = await tools_of(client)
        found = await client.call_tool("search_products", {"query": "lamp"})
        order = await client.call_tool("get_order", {"order_id": ORDER})

    assert tools == ["search_products", "search_help"]
    assert json.loads(text_of(found))["products"][0]["price"] == 19.99
    assert json.loads(text_of(order))["error"] == "only_staff_can_do_this"


async def test_a_customers_orders_are_read_and_no_others(connect: Connect) -> None:
    async with connect(*OPTIONS) as client:
        tools = (await client.list_tools()).tools
        own = await client.call_tool("get_order", {"order_id": ORDER})
        others = await client.call_tool("get_order", {"order_id": OTHERS})
        cancel = await client.call_tool("cancel_order", {"order_id": ORDER})

    assert [tool.name for tool in tools] == ["search_products", "search_help", "get_order"]
    assert all(tool.annotations and tool.annotations.read_only_hint for tool in tools)
    assert json.loads(text_of(own))["order"]["status"] == "Pending"
    assert json.loads(text_of(others)) == {"error": "not_found_or_not_verified"}
    assert json.loads(text_of(cancel))["error"] == "only_staff_can_do_this"


async def test_a_change_happens_when_the_person_types_the_code(connect: Connect) -> None:
    seen: list[str] = []

    def person(message: str) -> types.ElicitResult:
        seen.append(message)
        return types_the_code(message)

    async with connect(*OPTIONS, "--allow-changes", person=person) as client:
        answer = text_of(await client.call_tool("cancel_order", {"order_id": ORDER}))
        after = await client.call_tool("get_order", {"order_id": ORDER})

    assert answer == f"Order {ORDER} is canceled."
    assert json.loads(text_of(after))["order"]["status"] == "Canceled"
    assert len(seen) == 1
    assert f"To cancel order {ORDER} (1 item, $19.99), reply: CONFIRM" in seen[0]


@pytest.mark.parametrize(
    ("answered", "told"),
    [
        (types.ElicitResult(action="decline"), "it was not confirmed"),
        (types.ElicitResult(action="cancel"), "it was not confirmed"),
        (types.ElicitResult(action="accept", content={"code": "yes"}), "code is not valid"),
        (types.ElicitResult(action="accept", content={}), "code is not valid"),
    ],
)
async def test_whatever_else_the_person_answers_changes_nothing(
    connect: Connect, answered: types.ElicitResult, told: str
) -> None:
    async with connect(*OPTIONS, "--allow-changes", person=lambda _: answered) as client:
        answer = text_of(await client.call_tool("cancel_order", {"order_id": ORDER}))
        after = await client.call_tool("get_order", {"order_id": ORDER})

    assert told in answer
    assert json.loads(text_of(after))["order"]["status"] == "Pending"


async def test_a_client_that_cannot_ask_a_person_changes_nothing(connect: Connect) -> None:
    async with connect(*OPTIONS, "--allow-changes") as client:
        answer = await client.call_tool("cancel_order", {"order_id": ORDER})
        after = await client.call_tool("get_order", {"order_id": ORDER})

    assert answer.is_error
    assert "cannot ask one" in text_of(answer)
    assert "CONFIRM" not in text_of(answer)
    assert json.loads(text_of(after))["order"]["status"] == "Pending"


@pytest.mark.parametrize("connect", ["auto"], indirect=True)
async def test_invalid_calls_are_answered(connect: Connect) -> None:
    async with connect(*OPTIONS) as client:
        unknown = await client.call_tool("drop_tables", {})
        wrong = await client.call_tool("get_order", {"order_id": {"id": ORDER}})

    assert json.loads(text_of(unknown)) == {"error": "unknown_tool"}
    assert json.loads(text_of(wrong)) == {"error": "invalid_arguments"}


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--customer", "nobody"], "an e-mail address is wanted"),
        (["--allow-changes"], "it needs --customer"),
    ],
)
def test_a_wrong_call_is_reported(options: list[str], told: str) -> None:
    with running("-m", "cloudmart", "mcp", *options) as command:
        ended = command.ended()

    assert (ended.code, ended.out) == (2, "")
    assert told in " ".join(ended.err.split())
