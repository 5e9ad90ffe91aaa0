"""One request and its answer, between a connection and the application (ASGI)."""

import asyncio
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, Protocol

import structlog
from starlette.types import ASGIApp, Message, Scope

from cloudmart.server.body_framing import ChunkedBody, SizedBody

_log = structlog.stdlib.get_logger(__name__)

Header = tuple[bytes, bytes]

_CONTROLS = bytes({*range(0x20), 0x7F})
_NO_NAME = _CONTROLS + b'()<>@,;:[]={} \\"'
_NO_VALUE = bytes({*_CONTROLS} - {ord("\t")})
_STATUS_LINES = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus
}
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_OURS = frozenset((b"connection", b"content-length", b"transfer-encoding"))
_WITHOUT_BODY = frozenset((HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED))
_MAPPED = "::ffff:"
_BROKEN = b"Internal Server Error"
_BROKEN_HEADERS = [
    (b"content-type", b"text/plain; charset=utf-8"),
    (b"content-length", b"%d" % len(_BROKEN)),
    (b"connection", b"close"),
]
_GONE: Message = {"type": "http.disconnect"}


class ExchangeConnection(Protocol):
    """What an exchange needs of its connection."""

    transport: asyncio.Transport
    loop: asyncio.AbstractEventLoop
    presumed_gone: bool

    def read_body(self) -> bytes | None:
        """Return the body's bytes that have arrived, or None if the body is broken."""
        ...

    def body_begun(self) -> bool:
        """Return whether anything of the body has come."""
        ...

    def default_headers(self) -> list[Header]:
        """Return the headers of each answer."""
        ...

    def may_stay_open(self) -> bool:
        """Return whether what is left of the body is worth reading for the next request's sake."""
        ...

    def answered(self) -> None:
        """Go on to the next request."""
        ...

    async def writable(self) -> None:
        """Wait until the client has taken enough of what was written."""
        ...


class Exchange:
    """Hands a request to the application, its body as it is asked for, and writes the answer."""

    def __init__(
        self,
        connection: ExchangeConnection,
        scope: Scope,
        body: SizedBody | ChunkedBody,
        *,
        keep_alive: bool,
        expects_continue: bool,
    ) -> None:
        self.body = body
        self.keep_alive = keep_alive
        self.expects_continue = expects_continue
        self.started = False
        self.complete = False
        self.disconnected = False
        self._connection = connection
        self.scope = scope
        self._bodiless = scope["method"] == "HEAD"
        self._chunked = False
        # Bytes of the answer that are still to be written; None where nobody counts them.
        self._left: int | None = None
        self._told_all = False
        self._head = b""
        """The head of the answer until it is written."""
        self._news = asyncio.Event()

    async def run(self, app: ASGIApp) -> None:
        """Have the application answer."""
        try:
            await app(self.scope, self.receive, self.send)
        except asyncio.CancelledError:
            await self._break_off()
        except Exception as error:  # noqa: BLE001 - one request must not end the server
            _log.error("request_broke", exc_info=error)
            await self._break_off()
        else:
            if not (self.complete or self.disconnected or self._connection.presumed_gone):
                _log.error("request_not_answered", started=self.started)
            await self._break_off()

    async def receive(self) -> Message:
        """Return the next piece of the body, or that the client is gone: ASGI's `receive`."""
        while not (self.complete or self.disconnected):
            if not self._told_all:
                if await self._others_went_first():
                    continue
                piece = self._connection.read_body()
                if piece is None:
                    continue
                if piece or self.body.complete:
                    self._told_all = self.body.complete
                    return {"type": "http.request", "body": piece, "more_body": not self._told_all}
                if self.body.more_waits:
                    continue
                if self.expects_continue:
                    self.expects_continue = False
                    if not self._connection.body_begun():
                        self._connection.transport.write(_CONTINUE)
            elif self._connection.presumed_gone and not self.started:
                break
            self._news.clear()
            await self._news.wait()
        return _GONE

    async def _others_went_first(self) -> bool:
        """Let others have their turn where the last piece of the body was much work."""
        if not self.body.more_waits:
            return False
        self.body.more_waits = False
        await asyncio.sleep(0)
        return True

    async def send(self, message: Message) -> None:
        """Write a piece of the answer: ASGI's `send`."""
        await self._connection.writable()
        if self.disconnected:
            return
        expected = "http.response.body" if self.started else "http.response.start"
        if self.complete or message["type"] != expected:
            raise RuntimeError(f"{message['type']} was sent out of turn.")
        if self.started:
            self._write(message.get("body", b""), last=not message.get("more_body", False))
        else:
            self._start(message["status"], message.get("headers", ()))

    def wake(self) -> None:
        """Have the application look again: something came, or nothing will any more."""
        self._news.set()

    def leave_body(self) -> None:
        """Hand on no more of the body, and let this answer be the last one."""
        self.keep_alive = False
        self._told_all = True

    def disconnect(self) -> None:
        """Leave out the rest of the answer: nobody will read it."""
        self.disconnected = True
        self.wake()

    def _start(self, status: int, headers: Iterable[Header]) -> None:
        self.started = True
        unread = not self.body.complete
        if unread and (self.expects_continue or not self._connection.may_stay_open()):
            # Where a client waits for 100 it may never send the body: what comes next is unclear.
            self.keep_alive = False
        all_headers = [*self._connection.default_headers(), *headers]
        names, values = zip(*all_headers, strict=True) if all_headers else ((), ())
        # All at once: a search in each takes as long as all else here.
        if _has(b"".join(names), _NO_NAME) or _has(b"".join(values), _NO_VALUE):
            raise RuntimeError("A header of the answer cannot be written.")
        lines = [_STATUS_LINES.get(status) or b"HTTP/1.1 %d \r\n" % status]
        for name, value in all_headers:
            lower = name.lower()
            if lower in _OURS:
                self._heed(lower, value.lower())
                if lower == b"connection":
                    continue
            lines += (lower, b": ", value, b"\r\n")
        if not (self._chunked or self._bodiless or self._left is not None):
            lines.append(self._delimit(status))
        if not self.keep_alive:
            lines.append(b"connection: close\r\n")
        lines.append(b"\r\n")
        self._head = b"".join(lines)
        # Mostly the body comes at once: both together are one call of the kernel.
        self._connection.loop.call_soon(self._write_head)

    def _write_head(self) -> None:
        """Write the head of an answer whose body lets wait for itself."""
        if self._head and not self.disconnected:
            head, self._head = self._head, b""
            self._connection.transport.write(head)

    def _heed(self, name: bytes, value: bytes) -> None:
        """Let the application's headers say how its answer ends."""
        if name == b"content-length" and not self._chunked:
            self._left = int(value)
        elif name == b"transfer-encoding" and value == b"chunked":
            self._chunked, self._left = True, None
        elif name == b"connection" and b"close" in value:
            self.keep_alive = False

    def _delimit(self, status: int) -> bytes:
        """Return the header that says how an answer ends whose application did not say."""
        if status in _WITHOUT_BODY:
            self._left = 0
        elif self.scope["http_version"] == "1.1":
            self._chunked = True
            return b"transfer-encoding: chunked\r\n"
        else:
            # HTTP/1.0 knows no chunks: such an answer ends with its connection.
            self.keep_alive = False
        return b""

    def _write(self, piece: bytes, *, last: bool) -> None:
        if self._bodiless:
            self._left = 0
            self._write_head()
        elif self._chunked:
            end = b"0\r\n\r\n" if last else b""
            self._write_piece(b"%x\r\n%b\r\n%b" % (len(piece), piece, end) if piece else end)
        else:
            if self._left is not None:
                self._left -= len(piece)
                if self._left < 0:
                    raise RuntimeError("The answer is longer than its Content-Length.")
            self._write_piece(piece)
        if last:
            if self._left:
                raise RuntimeError("The answer is shorter than its Content-Length.")
            self.complete = True
            self.wake()
            self._connection.answered()

    def _write_piece(self, piece: bytes) -> None:
        """Write a piece of the body, behind the head where this waits for it."""
        head, self._head = self._head, b""
        if head:
            self._connection.transport.writelines((head, piece))
        else:
            self._connection.transport.write(piece)

    async def _break_off(self) -> None:
        """End an answer that will not end by itself; half of one must not look like a whole one."""
        if self.complete or self.disconnected:
            return
        if self.started or self._connection.presumed_gone:
            self._write_head()
            self.disconnect()
            self._connection.transport.close()
            return
        start = {"type": "http.response.start", "status": 500, "headers": _BROKEN_HEADERS}
        await self.send(start)
        await self.send({"type": "http.response.body", "body": _BROKEN})


def _has(text: bytes, refused: bytes) -> bool:
    return len(text.translate(None, refused)) < len(text)


def asgi_address(name: tuple[Any, ...] | None) -> tuple[str, int] | None:
    """Return an address as the application is to see it: a client of IPv4 as one of IPv4."""
    if not isinstance(name, tuple):
        return None
    return str(name[0]).removeprefix(_MAPPED), int(name[1])
