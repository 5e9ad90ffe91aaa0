"""The files that a request goes through to DynamoDB, as `docs/architecture.md` lists them."""

import ast
import asyncio
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar, Token
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from cloudmart.ai.ports import ToolCall
from cloudmart.app import create_app
from cloudmart.composition.providers import Providers
from cloudmart.settings import Settings
from tests.support.asgi import served
from tests.support.ready_app import still
from tests.support.scripted_chat import ScriptedChat
from tests.support.scripted_sentiment import ScriptedSentiment

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "cloudmart"
ROUTES = ("POST /api/orders", "POST /api/ai/message")

# Asked on the way, for an answer, and not given what the client sent to keep it.
ASKED = {
    "ai/budget.py": "how many tokens are left today",
    "ai/product_search/search.py": "the tool that the model calls here",
    "http/server_sent_events.py": "waits for the answer, and for the client to go away",
    "products/cache.py": "the catalogue of another domain",
    "products/catalogue.py": "the catalogue of another domain",
    "products/repository.py": "the catalogue of another domain",
    "values/page.py": "the pages of that catalogue",
}
# What is passed on, and what goes wrong: files of the lists that call nothing.
SPOKEN = {"orders/models.py", "errors.py"}

# The parts that every domain stands on.
SHARED = {"dynamodb", "http", "errors.py"}

# Of a task: where to collect, and the files that stand behind what began it.
_behind: ContextVar[tuple[set[str], frozenset[str]] | None] = ContextVar("behind", default=None)


def listed(route: str) -> list[str]:
    """Return the files that the page lists for a route."""
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    (block,) = re.findall(rf"^```\n{route}\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    return [line.split()[0] for line in block.splitlines()]


def imports(path: str) -> set[str]:
    """Return the files of the package that a file imports."""
    tree = ast.parse((PACKAGE / path).read_text("utf-8"))
    modules = {
        name
        for each in ast.walk(tree)
        if isinstance(each, ast.ImportFrom) and each.module
        for name in (each.module, *(f"{each.module}.{alias.name}" for alias in each.names))
    }
    return {
        f"{'/'.join(parts[1:])}.py"
        for parts in (name.split(".") for name in modules)
        if parts[0] == "cloudmart"
    }


@pytest.mark.parametrize("route", ROUTES)
def test_a_reader_opens_at_most_eight_files_and_none_twice(route: str) -> None:
    files = listed(route)

    assert len(files) <= 8
    assert sorted(set(files)) == sorted(files)
    assert {"errors.py", "dynamodb/transport.py"} <= set(files)


@pytest.mark.parametrize("route", ROUTES)
def test_the_files_follow_each_other_and_never_go_back(route: str) -> None:
    files = listed(route)

    above: set[str] = {files[0]}
    for file in files[1:]:
        assert any(file in imports(each) for each in above), f"nothing above imports {file}"
        assert imports(file) & above == set()
        above.add(file)


@pytest.mark.parametrize("route", ROUTES)
async def test_the_list_names_the_files_that_a_request_goes_through(
    route: str, stocked: Settings, pytestconfig: pytest.Config
) -> None:
    if pytestconfig.getoption("transport") != "direct":
        pytest.skip("The SDK's way to DynamoDB does not go through the transport.")
    search = ToolCall("1", "search_products", '{"query": "lamp"}')
    chat = ScriptedChat(search, "We sell a lamp.")
    moods = ScriptedSentiment("none")
    providers = Providers(chat, chat, moods, moods)
    app = create_app(stocked, lambda *_: nullcontext(providers), process=still(stocked))
    async with served(app) as server:
        started = await server.send("POST", "/api/ai/start")
        thread = json.loads(started.body)["threadId"]
        bodies = {
            "POST /api/orders": {"productId": "1", "quantity": 1},
            "POST /api/ai/message": {"threadId": thread, "message": "Which lamps do you have?"},
        }

        with files_behind_calls() as passed:
            exchange = await server.send("POST", route.removeprefix("POST "), bodies[route])

    assert exchange.status in {200, 201}, exchange.body
    assert passed - set(ASKED) == set(listed(route)) - SPOKEN


OTHERS: Sequence[tuple[str, str, Mapping[str, Any] | None]] = [
    ("GET", "/api/orders/{order}", None),
    ("GET", "/api/orders", None),
    ("PUT", "/api/orders/{order}", {"status": "Shipped"}),
    ("DELETE", "/api/orders/{order}", None),
    ("POST", "/api/tickets", {"subject": "A lamp", "message": "It is dark."}),
    ("GET", "/api/tickets/{ticket}", None),
    ("GET", "/api/tickets", None),
    ("PUT", "/api/tickets/{ticket}", {"status": "closed"}),
    ("DELETE", "/api/tickets/{ticket}", None),
    ("GET", "/api/products/1", None),
    ("GET", "/api/products", None),
    ("POST", "/api/products", {"name": "Rug", "price": 9, "description": "Soft."}),
    ("PUT", "/api/products/1", {"name": "Lamp", "price": 8, "description": "Bright."}),
    ("DELETE", "/api/products/1", None),
]


async def test_no_other_request_goes_through_more_files_or_other_domains(
    stocked: Settings, pytestconfig: pytest.Config
) -> None:
    if pytestconfig.getoption("transport") != "direct":
        pytest.skip("The SDK's way to DynamoDB does not go through the transport.")
    ways = {}
    async with served(create_app(stocked, process=still(stocked))) as server:
        ids = {}
        for kind, body in [
            ("order", {"productId": "1", "quantity": 1}),
            ("ticket", {"subject": "A lamp", "message": "It is dark."}),
        ]:
            made = await server.send("POST", f"/api/{kind}s", body)
            ids[kind] = json.loads(made.body)["id"]
        for method, path, body in OTHERS:
            with files_behind_calls() as passed:
                exchange = await server.send(method, path.format_map(ids), body)
            assert exchange.status in {200, 201}, (method, path, exchange.body)
            domain = path.split("/")[2]
            ways[method, path] = {*passed, f"{domain}/models.py", "errors.py"}

    strange = {
        route: {
            file for file in files if file.partition("/")[0] not in {*route[1].split("/"), *SHARED}
        }
        for route, files in ways.items()
    }
    assert {route: files for route, files in ways.items() if len(files) > 8} == {}
    assert {route: files for route, files in strange.items() if files} == {}


@contextmanager
def files_behind_calls() -> Iterator[set[str]]:
    """Collect the files, from the router on, whose functions wait for a call of DynamoDB.

    A task stands behind what began it.
    """
    ours: set[str] = set()
    tokens: dict[FrameType, Token[tuple[set[str], frozenset[str]] | None]] = {}
    create_task = asyncio.BaseEventLoop.create_task.__code__

    def note(frame: FrameType, event: str, _: object) -> None:
        context = _behind.get()
        if context is None:
            return
        # A task that outlives its request still collects for that one.
        found, behind = context
        if frame.f_code is create_task and event == "call":
            tokens[frame] = _behind.set((found, behind | stack(frame)))
        elif frame in tokens and event == "return":
            _behind.reset(tokens.pop(frame))
        elif event == "call" and frame.f_code.co_qualname == "Transport._send":
            found.update(behind | stack(frame))

    mark = _behind.set((ours, frozenset()))
    sys.setprofile(note)
    try:
        yield ours
    finally:
        sys.setprofile(None)
        _behind.reset(mark)


def stack(frame: FrameType | None) -> set[str]:
    """Return the package's files in a stack, from a router on."""
    files = set()
    while frame is not None:
        path = Path(frame.f_code.co_filename)
        if path.is_relative_to(PACKAGE):
            files.add(str(path.relative_to(PACKAGE)))
            if path.name == "router.py":
                return files
        frame = frame.f_back
    return files
