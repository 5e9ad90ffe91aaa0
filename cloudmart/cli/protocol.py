"""HTTP on one connection: uvicorn's, with an end to everything that a client may draw out."""

import asyncio
import json
from asyncio import TimerHandle
from http import HTTPStatus

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_WITHIN = 10.0
"""Seconds a request's first line and headers may take."""

READ_WITHIN = 30.0
"""Seconds a client may go without taking anything of an answer that waits for it."""

LARGEST_HEAD = 64 * 1024
"""Bytes a request's first line and headers may have."""

MOST_CONNECTIONS = 10_000
"""Connections that are open at once; then one on which nothing is asked makes room."""

_MALFORMED = "This is not a request of HTTP/1.1."
_TOO_LARGE = f"The request's headers are larger than {LARGEST_HEAD // 1024} KiB."
_TOO_SLOW = "The request's headers did not come in time."


class BoundedProtocol(HttpToolsProtocol):
    """Closes connections whose client sends headers too slowly or at too great a length.

    uvicorn's own waits for them for ever and keeps whatever comes. Bodies are
    `cloudmart.http.bodies`' concern.
    """

    head_within = HEAD_WITHIN
    read_within = READ_WITHIN
    most_connections = MOST_CONNECTIONS

    _in_head = False
    _head_size = 0
    _deadline: TimerHandle | None = None
    _stalled: TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for a request, but not for ever."""
        super().connection_made(transport)
        self._expect_head()
        if len(self.connections) > self.most_connections:
            self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop all clocks."""
        self._stop_clocks()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on, and see that what has begun will end."""
        super().data_received(data)
        if self._in_head:
            self._head_size += len(data)
            if self._head_size > LARGEST_HEAD:
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, _TOO_LARGE)
            elif self._deadline is None:
                self._expect_head()
        elif self._deadline is None and self.is_idle() and self.timeout_keep_alive_task is None:
            # Line breaks between two requests, or the rest of a body that nobody wants.
            self._expect_head()

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self._in_head = True
        self._head_size = 0

    def on_headers_complete(self) -> None:
        """Begin its answer."""
        self._in_head = False
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        super().on_headers_complete()

    def pause_writing(self) -> None:
        """Wait for a client that reads slowly, but not for ever."""
        super().pause_writing()
        if self._stalled is None:
            self._stalled = self.loop.call_later(self.read_within, self._abort)

    def resume_writing(self) -> None:
        """Go on writing."""
        super().resume_writing()
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None

    def send_400_response(self, msg: str) -> None:
        """Say that what was sent is no HTTP."""
        del msg
        self._refuse(HTTPStatus.BAD_REQUEST, _MALFORMED)

    def _make_room(self) -> None:
        """Close a connection on which nothing is asked; this one, if there is none."""
        others = (each for each in self.connections if isinstance(each, BoundedProtocol))
        idle = (each for each in others if each is not self and each.is_idle())
        next(idle, self).transport.close()

    def is_idle(self) -> bool:
        """Tell whether nothing is being answered."""
        return self.cycle is None or self.cycle.response_complete

    def _expect_head(self) -> None:
        self._deadline = self.loop.call_later(self.head_within, self._give_up)

    def _give_up(self) -> None:
        if self._in_head:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT, _TOO_SLOW)
        else:
            self.transport.close()

    def _abort(self) -> None:
        self.transport.abort()

    def _refuse(self, status: HTTPStatus, sentence: str) -> None:
        self._in_head = False
        # In the middle of another answer it would be taken for a part of that.
        if self.is_idle() and not self.transport.is_closing():
            self.transport.write(_answer(status, sentence))
        self.transport.close()

    def _stop_clocks(self) -> None:
        for clock in (self._deadline, self._stalled):
            if clock is not None:
                clock.cancel()


def _answer(status: HTTPStatus, sentence: str) -> bytes:
    problem = {
        "type": "about:blank",
        "title": status.phrase,
        "status": int(status),
        "detail": sentence,
        "error": sentence,
    }
    body = json.dumps(problem).encode()
    head = (
        f"HTTP/1.1 {int(status)} {status.phrase}\r\n"
        "content-type: application/problem+json\r\n"
        f"content-length: {len(body)}\r\n"
        "x-content-type-options: nosniff\r\n"
        "connection: close\r\n\r\n"
    )
    return head.encode() + body
