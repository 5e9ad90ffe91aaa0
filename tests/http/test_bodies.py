"""Bodies: how large, how slow, and how many at once."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import Message

from cloudmart.errors import OverloadedError, SlowBodyError
from cloudmart.http.body_limits import MAX_BODY, SMALL, Bodies, Body

CHUNKED = {"transfer-encoding": "chunked"}


@dataclass
class Sender:
    """A client that sends a body in small parts."""

    headers: dict[str, str]
    client: str = "203.0.113.9"
    crowd: bool = False
    incoming: asyncio.Queue[Message] = field(default_factory=asyncio.Queue)

    @property
    def scope(self) -> dict[str, Any]:
        """Return the request as a server passes it on."""
        headers = [(name.encode(), value.encode()) for name, value in self.headers.items()]
        state = {"client": self.client, "crowd": self.crowd}
        return {"type": "http", "headers": headers, "state": state}

    def send(self, body: bytes, *, more: bool = False) -> None:
        """Send a part of the body."""
        self.incoming.put_nowait({"type": "http.request", "body": body, "more_body": more})

    def read_by(self, bodies: Bodies, most: int = MAX_BODY) -> asyncio.Task[Body]:
        """Begin to read the body."""
        return asyncio.create_task(bodies.read(self.scope, self.incoming.get, most))


def sender(length: int, **options: Any) -> Sender:  # noqa: ANN401
    """Return a client that has announced the length of its body."""
    return Sender({"content-length": str(length)}, **options)


async def settle() -> None:
    """Let every task run until it waits."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_body_is_read_as_a_whole() -> None:
    client = sender(6)
    reading = client.read_by(Bodies())

    client.send(b"abc", more=True)
    await settle()
    assert not reading.done()
    client.send(b"def")

    assert (await reading).content == b"abcdef"


@pytest.mark.parametrize("headers", [{}, {"content-length": "0"}])
async def test_without_a_body_the_service_does_not_wait_for_one(headers: dict[str, str]) -> None:
    body = await Sender(headers).read_by(Bodies())

    assert body.content == b""


@pytest.mark.parametrize("headers", [{"content-length": "99"}, CHUNKED])
async def test_a_body_that_does_not_come_is_given_up(headers: dict[str, str]) -> None:
    client = Sender(headers)
    reading = client.read_by(Bodies(grace=0.05))

    client.send(b"a", more=True)

    with pytest.raises(SlowBodyError):
        await reading


async def test_a_body_that_stops_is_given_up_however_fast_it_began() -> None:
    client = sender(MAX_BODY)
    reading = client.read_by(Bodies(grace=0.05))

    client.send(b"a" * (MAX_BODY - 1), more=True)

    with pytest.raises(SlowBodyError):
        await reading


async def test_a_body_that_trickles_is_given_up() -> None:
    client = sender(1000)
    reading = client.read_by(Bodies(grace=0.2))

    for _ in range(100):
        client.send(b"a", more=True)
        await asyncio.sleep(0.02)
        if reading.done():
            break

    with pytest.raises(SlowBodyError):
        await reading


async def test_a_slow_body_that_is_fast_enough_is_read() -> None:
    client = sender(5200)
    # In total this is longer than the grace period, but never slower than the lowest rate, even on
    # a busy machine.
    reading = client.read_by(Bodies(grace=2))

    for _ in range(10):
        await asyncio.sleep(0.25)
        client.send(b"a" * 512, more=True)
    client.send(b"a" * 80)

    assert len((await reading).content) == 5200


async def test_however_fast_it_comes_a_body_has_its_time() -> None:
    client = sender(MAX_BODY)
    reading = client.read_by(Bodies(within=0.1))

    for _ in range(100):
        client.send(b"a" * 5000, more=True)
        await asyncio.sleep(0.01)
        if reading.done():
            break

    with pytest.raises(SlowBodyError):
        await reading


async def test_a_client_that_goes_away_is_given_up() -> None:
    client = sender(9)
    reading = client.read_by(Bodies())

    client.send(b"a", more=True)
    client.incoming.put_nowait({"type": "http.disconnect"})

    with pytest.raises(ClientDisconnect):
        await reading


@pytest.mark.parametrize("most", [MAX_BODY, 2 * MAX_BODY])
async def test_a_length_that_is_too_much_is_refused_before_anything_is_read(most: int) -> None:
    with pytest.raises(HTTPException, match=f"larger than {most // MAX_BODY} MiB") as refused:
        await sender(most + 1).read_by(Bodies(), most)

    assert refused.value.status_code == 413


async def test_a_body_without_a_length_is_refused_where_it_becomes_too_large() -> None:
    client = Sender(CHUNKED)
    reading = client.read_by(Bodies())

    client.send(b" " * MAX_BODY, more=True)
    await settle()
    assert not reading.done()
    client.send(b" ", more=True)

    with pytest.raises(HTTPException):
        await reading


async def test_large_bodies_wait_for_room_until_others_were_read() -> None:
    bodies = Bodies(held=100_000)
    first = sender(80_000)
    first.send(b"a" * 80_000)
    held = await first.read_by(bodies)
    second = sender(60_000, client="203.0.113.10")
    second.send(b"a" * 60_000)

    reading = second.read_by(bodies)
    await settle()
    assert not reading.done()
    held.release()

    assert len((await reading).content) == 60_000
    assert held.content == b""


async def test_a_body_for_which_there_is_no_room_in_time_is_refused() -> None:
    bodies = Bodies(held=100_000, grace=0.05)
    first = sender(80_000)
    first.send(b"a" * 80_000)
    await first.read_by(bodies)
    second = Sender(CHUNKED, client="203.0.113.10")
    second.send(b"a" * 60_000, more=True)

    with pytest.raises(OverloadedError):
        await second.read_by(bodies)


async def test_a_small_body_always_has_room() -> None:
    bodies = Bodies(held=100_000, grace=60)
    large = sender(100_000)
    large.send(b"a" * 100_000)
    await large.read_by(bodies)
    small = sender(SMALL, client="203.0.113.10")

    reading = small.read_by(bodies)
    small.send(b"a" * (SMALL - 1), more=True)
    await settle()
    small.send(b"a")

    assert len((await reading).content) == SMALL


async def test_what_one_client_does_not_finish_costs_no_other_and_the_rest_is_room_again() -> None:
    bodies = Bodies(share=100_000, grace=0.3)
    unfinished = sender(100_000)
    reading = unfinished.read_by(bodies)
    unfinished.send(b"a", more=True)
    await settle()
    theirs, others = sender(50_000), sender(50_000, client="203.0.113.10")
    for each in (theirs, others):
        each.send(b"a" * 50_000)

    assert len((await others.read_by(bodies)).content) == 50_000
    with pytest.raises(OverloadedError):
        await theirs.read_by(bodies)
    with pytest.raises(SlowBodyError):
        await reading
    theirs.send(b"a" * 50_000)
    assert len((await theirs.read_by(bodies)).content) == 50_000


async def test_bodies_that_are_complete_are_not_part_of_a_clients_share() -> None:
    bodies = Bodies(share=100_000, grace=0.05)

    for _ in range(3):
        client = sender(90_000)
        client.send(b"a" * 90_000)
        assert len((await client.read_by(bodies)).content) == 90_000


async def test_a_proxy_that_is_not_trusted_has_no_share_but_that_of_all() -> None:
    bodies = Bodies(share=100_000, grace=0.05)
    unfinished = sender(100_000, crowd=True)
    reading = unfinished.read_by(bodies)
    unfinished.send(b"a", more=True)
    await settle()
    another = sender(50_000, crowd=True)
    another.send(b"a" * 50_000)

    assert len((await another.read_by(bodies)).content) == 50_000
    reading.cancel()
