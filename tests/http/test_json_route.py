"""Routes that take JSON: how much of a body they hold, and for how long."""

import asyncio
import json
import tracemalloc

import pytest
from fastapi import APIRouter, FastAPI, Request
from starlette.types import ASGIApp

from cloudmart.composition.middleware import Admission, RequestContext
from cloudmart.http.body_limits import LARGEST_BODY, MAX_BODY
from cloudmart.http.json_route import LARGE, PLAIN, JsonRoute
from cloudmart.values.model import Model
from tests.support.middleware_requests import Asked, ask

JSON = {"content_type": "application/json"}


class Note(Model):
    """The body of the route."""

    text: str = ""


class Store:
    """An application whose routes write to a slow store."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()
        self.writing = asyncio.Semaphore(0)
        self.requests: list[Request] = []
        router = APIRouter(route_class=JsonRoute)
        router.post("/notes", max_body_size=LARGEST_BODY)(self.write)
        router.post("/begun")(self.begin)
        app = FastAPI()
        app.include_router(router)
        self.app: ASGIApp = RequestContext(app, admission=Admission(requests=9, chats=1))

    async def write(self, note: Note, request: Request) -> int:
        """Write a note."""
        self.writing.release()
        self.requests.append(request)
        await self.go_on.wait()
        return len(note.text)

    async def begin(self) -> str:
        """Take no body."""
        return "begun"


def post(store: Store, path: str, length: int) -> tuple[Asked, asyncio.Task[None]]:
    """Begin a request with a body of known length."""
    return ask(store.app, path, "POST", content_length=str(length), **JSON)


async def writing(store: Store, number: int) -> None:
    """Wait until this many requests have reached the store; a thread reads large bodies."""
    for _ in range(number):
        await asyncio.wait_for(store.writing.acquire(), 60)


async def test_a_body_is_released_while_the_store_writes() -> None:
    content = json.dumps({"x": ["y" * 100] * 10_000, "text": "abc"}).encode()

    # Other threads of the tests' process may take memory meanwhile, which counts, too.
    measured = [await _memory_of(content) for _ in range(3)]
    held, most = map(min, zip(*measured, strict=True))

    assert held < len(content) / 10
    assert len(content) < most < len(content) * 2.5


async def _memory_of(content: bytes) -> tuple[int, int]:
    """Return the memory that is held while the store writes, and the most before that."""
    store = Store()
    asked, answered = post(store, "/notes", len(content))
    tracemalloc.start()
    asked.send(content)
    await writing(store, 1)
    held, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    store.go_on.set()
    await answered
    assert (asked.status, asked.json) == (200, 3)
    return held, most


async def test_one_large_body_waits_for_no_other_to_come_or_to_be_written() -> None:
    store = Store()
    content = json.dumps({"x": "y" * MAX_BODY}).encode()
    late, late_answered = post(store, "/notes", len(content))
    late.send(content[:-1], more=True)
    others = [post(store, "/notes", len(content)) for _ in range(3)]
    for asked, _ in others:
        asked.send(content)

    await writing(store, 3)
    store.go_on.set()
    late.send(content[-1:])
    await asyncio.gather(late_answered, *(answered for _, answered in others))

    assert {asked.status for asked, _ in [*others, (late, None)]} == {200}


async def test_a_route_that_takes_no_body_waits_for_none() -> None:
    asked, answered = post(Store(), "/begun", MAX_BODY)

    await answered

    assert (asked.status, asked.json) == (200, "begun")


@pytest.mark.parametrize("size", [PLAIN - 100, PLAIN + 100, LARGE + 100])
async def test_a_body_gets_the_same_message_whatever_its_size(size: int) -> None:
    store = Store()
    content = json.dumps({"x": "y" * size, "text": []}).encode()
    asked, answered = post(store, "/notes", len(content))

    asked.send(content)
    await answered

    assert asked.status == 422
    assert asked.json["detail"][0]["loc"] == ["body", "text"]
    assert asked.json["detail"][0]["type"] == "string_type"
