"""The bytes received on a connection and not yet read: where its requests begin."""

from cloudmart.server.body_framing import ChunkedBody, SizedBody
from cloudmart.server.head import RequestHead
from cloudmart.server.refusal import FieldsTooLargeError

WORTH_READING = 256 * 1024
"""Bytes of a body nobody asked for that are read so that its connection can stay open."""

_NOT_WORTH_IT = "The rest of the body is not worth reading."
_HEAD_END = b"\r\n\r\n"


class RequestReader:
    """Finds the next head among what has come; exchanges take the bodies off it."""

    def __init__(self) -> None:
        self.received = bytearray()
        self.head: RequestHead | None = None
        self.unread: SizedBody | ChunkedBody | None = None
        self._worth_reading = 0
        self._searched = 0

    def __bool__(self) -> bool:
        """Return whether a request has begun, or the body of the last one is still coming."""
        return bool(self.received) or self.unread is not None

    def leave(self, body: SizedBody | ChunkedBody) -> None:
        """Leave out the rest of a body: its request has been answered without it."""
        self.unread, self._worth_reading = body, WORTH_READING

    def next_head(self) -> RequestHead | None:
        """Return the next request's head if all of it has come, or raise RefusedError."""
        if self.unread is not None and not self._skip(self.unread):
            return None
        received = self.received
        if not self._searched:
            # Empty lines before a request are passed over (RFC 9112, 2.2).
            del received[: len(received) - len(received.lstrip(_HEAD_END))]
        if not received:
            return None
        if self.head is None:
            self.head = RequestHead()
        end = received.find(_HEAD_END, max(0, self._searched - 3))
        upto = len(received) if end < 0 else end + len(_HEAD_END)
        self.head.feed(bytes(received[self._searched : upto]))
        self._searched = upto
        if end < 0:
            return None
        del received[:upto]
        self._searched = 0
        head, self.head = self.head, None
        return head

    def clear(self) -> None:
        """Forget what has come."""
        self.received.clear()
        self.unread = self.head = None

    def _skip(self, body: SizedBody | ChunkedBody) -> bool:
        before = len(self.received)
        body.take(self.received)
        self._worth_reading -= before - len(self.received)
        if self._worth_reading < 0 or body.more_waits:
            raise FieldsTooLargeError(_NOT_WORTH_IT)
        if body.complete:
            self.unread = None
        return body.complete
