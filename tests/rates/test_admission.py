"""How many requests are worked on at once, and what happens to the rest."""

import asyncio

import pytest
from prometheus_client import REGISTRY
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from cloudmart.app import create_app
from cloudmart.composition.middleware import Admission, RequestContext
from cloudmart.errors import OverloadedError
from cloudmart.http.concurrency import ConcurrencyLimit, slot_of
from cloudmart.http.problem import failure_response
from cloudmart.settings import Environment, Settings
from tests.support.middleware_requests import ask

READ, CHAT = "/api/products", "/api/ai/message"
FREE = ["/health", "/ready", "/api/health", "/startupz", "/livez", "/metrics", "/docs"]
CLASSES = create_app(Settings(environment=Environment.LOCAL)).classes


class Slow:
    """An application that takes a slot, and answers when a test lets it."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()
        self.within = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer when it may."""
        if scope["path"] in FREE:
            assert "slot" not in scope["state"]
            await PlainTextResponse("done")(scope, receive, send)
            return
        try:
            await slot_of(scope).take()
        except OverloadedError as error:
            await failure_response(scope, error)(scope, receive, send)
            return
        self.within += 1
        try:
            await self.go_on.wait()
            await PlainTextResponse("done")(scope, receive, send)
        finally:
            self.within -= 1


async def settle() -> None:
    """Let every task run until it waits."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_what_is_too_much_is_sent_away_at_once_and_the_rest_is_answered() -> None:
    slow = Slow()
    app = RequestContext(slow, classes=CLASSES, admission=Admission(requests=2, chats=1))

    asked = [ask(app, READ) for _ in range(5)]
    await settle()

    # Two are worked on, two wait, and the fifth is refused at once.
    assert slow.within == 2
    assert [one.status for one, _ in asked] == [None, None, None, None, 503]
    refused = asked[4][0]
    assert refused.headers[b"retry-after"] == b"2"
    assert refused.json["type"] == "/api/problems/overloaded"
    slow.go_on.set()
    await asyncio.gather(*(task for _, task in asked))
    assert [one.status for one, _ in asked] == [200, 200, 200, 200, 503]
    assert slow.within == 0


async def test_chats_and_other_requests_do_not_wait_for_each_other() -> None:
    slow = Slow()
    app = RequestContext(slow, classes=CLASSES, admission=Admission(requests=1, chats=1))

    asked = [ask(app, path, method) for path, method in [(CHAT, "POST"), (READ, "GET")] * 3]
    await settle()

    assert slow.within == 2
    assert [one.status for one, _ in asked] == [None, None, None, None, 503, 503]
    slow.go_on.set()
    await asyncio.gather(*(task for _, task in asked))


@pytest.mark.parametrize("path", FREE)
async def test_who_asks_how_it_does_is_answered_all_the_same(path: str) -> None:
    slow = Slow()
    app = RequestContext(slow, classes=CLASSES, admission=Admission(requests=1, chats=1))
    asked = [ask(app, READ) for _ in range(3)]
    await settle()

    probe, answered = ask(app, path)
    await answered

    assert probe.status == 200
    slow.go_on.set()
    await asyncio.gather(*(task for _, task in asked))


async def test_nobody_waits_longer_than_patience_lasts() -> None:
    limit = ConcurrencyLimit("requests", 1, patience=0.01)
    await limit.acquire()
    before = _refused()

    with pytest.raises(OverloadedError, match="very busy"):
        await limit.acquire()
    limit.release()
    await limit.acquire()

    assert _refused() == before + 1


async def test_what_was_begun_waits_until_there_is_a_slot_again() -> None:
    limit = ConcurrencyLimit("requests", 1, patience=0.01)
    await limit.acquire()

    again = asyncio.create_task(limit.acquire_again())
    await asyncio.sleep(0.05)
    assert not again.done()
    limit.release()
    await again


async def test_a_request_that_is_given_up_makes_room() -> None:
    slow = Slow()
    app = RequestContext(slow, classes=CLASSES, admission=Admission(requests=1, chats=1))
    (_, working), (_, waiting), (third, last) = (ask(app, READ) for _ in range(3))
    await settle()
    assert third.status == 503
    await last

    waiting.cancel()
    working.cancel()
    await settle()
    slow.go_on.set()
    again, answered = ask(app, READ)
    await answered

    assert again.status == 200


def _refused() -> float:
    return REGISTRY.get_sample_value("cloudmart_overloaded_total", {"lane": "requests"}) or 0
