"""The two lists of `docs/architecture.md`: the files that a request goes through to DynamoDB."""

import ast
import asyncio
import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar, Token
from pathlib import Path
from types import FrameType

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

_behind: ContextVar[frozenset[str] | None] = ContextVar("files behind a task", default=None)


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


@contextmanager
def files_behind_calls() -> Iterator[set[str]]:
    """Collect the files, from the router on, whose functions wait for a call of DynamoDB.

    A task stands behind what began it.
    """
    found: set[str] = set()
    tokens: dict[FrameType, Token[frozenset[str] | None]] = {}
    create_task = asyncio.BaseEventLoop.create_task.__code__

    def note(frame: FrameType, event: str, _: object) -> None:
        behind = _behind.get()
        if behind is None:
            return
        if frame.f_code is create_task and event == "call":
            tokens[frame] = _behind.set(behind | stack(frame))
        elif frame in tokens and event == "return":
            _behind.reset(tokens.pop(frame))
        elif event == "call" and frame.f_code.co_qualname == "Transport._send":
            found.update(behind | stack(frame))

    mark = _behind.set(frozenset())
    sys.setprofile(note)
    try:
        yield found
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
