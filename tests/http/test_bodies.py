"""Bodies as a whole, however they come."""

import asyncio

import pytest
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from cloudmart.http.bodies import MAX_BODY, WholeBodies
from tests.support.requests import ask

LARGER = {"/larger": 2 * MAX_BODY}


class Reader:
    """An application that reads a body and answers its length."""

    def __init__(self) -> None:
        self.begun = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        self.begun += 1
        body = await Request(scope, receive).body()
        await PlainTextResponse(str(len(body)))(scope, receive, send)


async def settle() -> None:
    """Let every task go on until it waits."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_what_follows_begins_when_the_body_is_there() -> None:
    reader = Reader()
    asked, answered = ask(WholeBodies(reader, larger=LARGER), "/", "POST", content_length="6")

    asked.send(b"abc", more=True)
    await settle()
    assert reader.begun == 0
    asked.send(b"def")
    await answered

    assert asked.json == 6


@pytest.mark.parametrize("headers", [{}, {"content_length": "0"}])
async def test_without_a_body_nobody_waits_for_one(headers: dict[str, str]) -> None:
    reader = Reader()
    asked, answered = ask(WholeBodies(reader, larger=LARGER), "/", "POST", **headers)

    await settle()
    assert reader.begun == 1
    asked.send()
    await answered


async def test_a_body_that_does_not_come_is_given_up() -> None:
    reader = Reader()
    app = WholeBodies(reader, larger=LARGER, within=0.01)
    asked, answered = ask(app, "/", "POST", transfer_encoding="chunked")

    asked.send(b"a", more=True)
    await answered

    assert asked.status == 408
    assert asked.json["type"] == "/api/problems/body-too-slow"
    assert reader.begun == 0


async def test_a_client_that_goes_away_is_given_up() -> None:
    reader = Reader()
    asked, answered = ask(WholeBodies(reader, larger=LARGER), "/", "POST", content_length="9")

    asked.send(b"a", more=True)
    asked.go()

    with pytest.raises(ClientDisconnect):
        await answered
    assert reader.begun == 0


async def test_no_more_is_held_than_there_is_room_for_and_room_is_given_back() -> None:
    reader = Reader()
    app = WholeBodies(reader, larger=LARGER, held=100)
    first, first_answered = ask(app, "/", "POST", content_length="80")
    first.send(b"a" * 60, more=True)
    await settle()

    second, second_answered = ask(app, "/", "POST", content_length="60")
    second.send(b"a" * 60)
    await second_answered
    first.send(b"a" * 20)
    await first_answered
    third, third_answered = ask(app, "/", "POST", content_length="100")
    third.send(b"a" * 100)
    await third_answered

    assert (first.status, second.status, third.status) == (200, 503, 200)


@pytest.mark.parametrize(("path", "most"), [("/", MAX_BODY), ("/larger", 2 * MAX_BODY)])
async def test_a_length_that_is_too_much_is_refused_before_anything_is_read(
    path: str, most: int
) -> None:
    reader = Reader()
    app = WholeBodies(reader, larger=LARGER)

    refused, answered = ask(app, path, "POST", content_length=str(most + 1))
    await answered
    taken, answered = ask(app, path, "POST", content_length=str(most))
    taken.send(b" " * most)
    await answered

    assert (refused.status, taken.status) == (413, 200)
    assert reader.begun == 1


async def test_a_body_without_a_length_is_handed_on_as_far_as_it_may_come() -> None:
    reader = Reader()
    app = WholeBodies(reader, larger=LARGER)
    asked, answered = ask(app, "/", "POST", transfer_encoding="chunked")

    asked.send(b" " * MAX_BODY, more=True)
    await settle()
    assert reader.begun == 0
    asked.send(b" ", more=True)
    await settle()
    assert reader.begun == 1
    asked.send()
    await answered
