"""Bodies of requests: how large, how slow, and how many at once."""

import asyncio
from collections import Counter
from contextlib import suppress

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope

from cloudmart.errors import OverloadedError, SlowBodyError
from cloudmart.http.client_address import one_client
from cloudmart.observability.metrics import OVERLOADED

MAX_BODY = 1024 * 1024
"""Bytes a body may have, where its route does not say otherwise."""

LARGEST_BODY = 8 * 1024**2
"""Bytes that no route may exceed."""

WITHIN = 60.0
"""Seconds a body may take: no page waits for an answer longer than that."""

LEAST_SENT = 1024
"""Bytes a second of a body that a client must send."""

GRACE = 5.0
"""Seconds for which a client may send less than that, or a body waits for room."""

SMALL = 16 * 1024
"""Bytes up to which a body needs no reserved room: large ones must not keep an order out."""

MOST_HELD = 96 * 1024**2
"""Bytes of larger bodies that a process holds at once."""

SHARE = 4 * LARGEST_BODY
"""Bytes of bodies that are not complete, for each client."""

_STEP = 256 * 1024


class Body:
    """The body of one request, and the room that is kept for it until it is read."""

    def __init__(self, bodies: "Bodies", client: str | None) -> None:
        self.content = bytearray()
        self.bodies = bodies
        self._client = client
        self._incoming = 0
        self._held = 0

    async def reserve(self, size: int) -> None:
        """Return once there is room for so many bytes, or raise OverloadedError."""
        more = size - self._incoming
        if more > 0:
            await self.bodies.reserve(more, self._client, held=size > SMALL)
            self._incoming += more
            self._held += more if size > SMALL else 0

    def complete(self) -> None:
        """Note that all of it is there: it is no longer a part of its client's share."""
        if self._incoming:
            self.bodies.arrived(self._incoming, self._client)
            self._incoming = 0

    def release(self) -> None:
        """Let go of the content, and give all room back."""
        # The traceback of a refusal may still look at it.
        with suppress(BufferError):
            self.content.clear()
        self.complete()
        if self._held:
            self.bodies.give_back(self._held)
            self._held = 0


class Bodies:
    """Reads the bodies of a process's requests, in bounded memory and time.

    Args:
        held: Bytes of large bodies, over all clients.
        share: Bytes of bodies that are not complete, for each client.
        within: Seconds for a whole body.
        grace: Seconds for which less than the least rate may come, or a body waits for room.
    """

    def __init__(
        self,
        *,
        held: int = MOST_HELD,
        share: int = SHARE,
        within: float = WITHIN,
        grace: float = GRACE,
    ) -> None:
        self._room = held
        self._share = share
        self._within = within
        self._grace = grace
        self._incoming: Counter[str] = Counter()
        self._changed = asyncio.Event()
        self.decoding = asyncio.Lock()
        """Held while a large body is decoded: one at a time."""

    async def read(self, scope: Scope, receive: Receive, most: int) -> Body:
        """Return a body, whole.

        Raises:
            HTTPException: it is larger than it may be.
            SlowBodyError: it comes too slowly.
            OverloadedError: there is no room for it.
        """
        body = Body(self, one_client(scope))
        length = content_length(scope)
        if length == 0:
            return body
        if length and length > most:
            raise too_large(most)
        try:
            await self._read(body, receive, length, most)
        except BaseException:
            body.release()
            raise
        body.complete()
        return body

    async def _read(self, body: Body, receive: Receive, length: int | None, most: int) -> None:
        loop = asyncio.get_running_loop()
        content, left, more = body.content, self._grace, True
        asked = loop.time()
        end = asked + self._within
        while more:
            try:
                async with asyncio.timeout_at(min(end, asked + left)):
                    message = await receive()
            except TimeoutError:
                raise SlowBodyError from None
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            chunk = message.get("body", b"")
            content += chunk
            more = message.get("more_body", False)
            if len(content) > most:
                raise too_large(most)
            left = min(self._grace, left - loop.time() + asked + len(chunk) / LEAST_SENT)
            if more or len(content) > SMALL:
                await body.reserve(length or _ahead(len(content), most))
            # What a body waits for room is not its client's fault.
            asked = loop.time()

    async def reserve(self, size: int, client: str | None, *, held: bool) -> None:
        """Keep room for so many bytes of a client, or raise OverloadedError if there is none."""
        try:
            async with asyncio.timeout(self._grace):
                while not self._fits(size, client, held=held):
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            OVERLOADED.labels("bodies").inc()
            raise OverloadedError from None
        if client is not None:
            self._incoming[client] += size
        if held:
            self._room -= size

    def arrived(self, size: int, client: str | None) -> None:
        """Give so many bytes of a client's share back."""
        if client is not None:
            self._incoming[client] -= size
            if not self._incoming[client]:
                del self._incoming[client]
            self._changed.set()

    def give_back(self, size: int) -> None:
        """Give back the room of so many bytes."""
        self._room += size
        self._changed.set()

    def _fits(self, size: int, client: str | None, *, held: bool) -> bool:
        fair = client is None or self._incoming[client] + size <= self._share
        return fair and (not held or size <= self._room)


def content_length(scope: Scope) -> int | None:
    """Return how long a body says it is; None if that shows when it is there."""
    length = 0
    for name, value in scope["headers"]:
        if name == b"transfer-encoding":
            return None
        if name == b"content-length" and value.isdigit():
            length = int(value[:20])
    return length


def too_large(most: int) -> HTTPException:
    """Return the refusal of a body of more bytes than that."""
    return HTTPException(413, f"The body is larger than {most // 1024**2} MiB.")


def _ahead(size: int, most: int) -> int:
    """Return the room for a body without a length, of which so many bytes have arrived."""
    return size if size <= SMALL else min(most, size + _STEP)
