"""A connection of HTTP/1.1: one request at a time, with limits on all that a client can delay."""

import asyncio
from http import HTTPStatus
from typing import Any, cast

from uvicorn import Config
from uvicorn.server import ServerState

from cloudmart.http.client_address import one_client
from cloudmart.server.exchange import Exchange, Header, asgi_address
from cloudmart.server.head import RequestHead
from cloudmart.server.receive_buffer import WORTH_READING, RequestReader
from cloudmart.server.refusal import MalformedError, RefusalLog, RequestRefusedError, refusal_answer
from cloudmart.server.scheduling import READ_AHEAD, Deadline, LoopResources
from cloudmart.server.slow_readers import HELD_UNCOUNTED, ReadingRate, UnreadAnswers

HEAD_WITHIN = 10.0
"""Seconds a request's first line and headers may take."""

READ_WITHIN = 5.0
"""Seconds a client may read less of an answer than it must (`LEAST_READ`)."""

LINGER = 5.0
"""Seconds a client gets to read the last answer, while what it still sends is thrown away."""

HURRIED = 0.5
"""The same, when the process is about to end."""

HALF_CLOSED = 5.0
"""Seconds a client that sends no more is taken to wait for an answer that has not begun."""

MOST_CONNECTIONS = 10_000
"""Connections that are open at once; then one that waits for its client makes room."""

_TOO_SLOW = "The request's headers did not come in time."
_BROKEN_OFF = "The request ended in the middle."

_SHARED = LoopResources()
_REFUSALS = RefusalLog()


class BoundedProtocol(asyncio.BufferedProtocol):
    """Reads requests one after the other, each when the one before it is answered.

    What is not yet read stays in the kernel but for `READ_AHEAD`, or the head that is being read.
    uvicorn makes one for each connection, and asks of it what it asks of its own protocols.
    """

    head_within = HEAD_WITHIN
    read_within = READ_WITHIN
    linger = LINGER
    half_closed = HALF_CLOSED
    most_connections = MOST_CONNECTIONS
    unread = UnreadAnswers()

    transport: asyncio.Transport
    loop: asyncio.AbstractEventLoop

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        if not config.loaded:
            config.load()
        self._config = config
        self._server = server_state
        # uvicorn's names the classes of its own connections alone.
        self._connections = cast("set[BoundedProtocol]", server_state.connections)
        self._app_state = app_state
        self.loop = _loop or asyncio.get_running_loop()
        self._buffer = _SHARED.buffer
        self._turns = _SHARED.turns_of(self.loop)
        self._reader = RequestReader()
        self._exchange: Exchange | None = None
        self._waits_its_turn = False
        self._waits_to_write = False
        self._idle = False
        self._paused = False
        self._ended = False
        self._lingering = False
        self.presumed_gone = False
        self._can_write = asyncio.Event()
        self._can_write.set()
        self._deadline = Deadline(self.loop, self._too_late)

    # --- What the event loop calls ---------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for a request, but not for ever."""
        self.transport = transport
        transport.set_write_buffer_limits(high=HELD_UNCOUNTED)
        self._scope = {
            "type": "http",
            "asgi": {"version": self._config.asgi_version, "spec_version": "2.3"},
            "scheme": "https" if transport.get_extra_info("sslcontext") else "http",
            "root_path": self._config.root_path,
            "client": asgi_address(transport.get_extra_info("peername")),
            "server": asgi_address(transport.get_extra_info("sockname")),
        }
        self._reading = ReadingRate(transport, self.unread, grace=self.read_within)
        self._connections.add(self)
        self._deadline.within(self.head_within)
        if len(self._connections) > self.most_connections:
            self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop all timers, and let the application know."""
        del exc
        self._connections.discard(self)
        self._lingering = True
        self._reader.clear()
        self._deadline.close()
        self._reading.stop()
        self._can_write.set()
        self._note_head()
        if self._exchange is not None:
            self._exchange.disconnect()

    def get_buffer(self, sizehint: int) -> memoryview:
        """Say where to read to, and how much."""
        del sizehint
        if self.is_idle():
            return self._buffer
        return self._buffer[: max(1, READ_AHEAD - len(self._reader.received))]

    def buffer_updated(self, nbytes: int) -> None:
        """Go on with what was read."""
        if self._lingering:
            return
        self._reader.received += self._buffer[:nbytes]
        if self._exchange is not None:
            self._exchange.wake()
        elif not self._waits_its_turn:
            if self._idle:
                self._idle = False
                self._deadline.within(self.head_within)
            self._advance()
        self._note_head()
        if len(self._reader.received) >= READ_AHEAD and not self.is_idle():
            self._pause()

    def eof_received(self) -> bool:
        """Answer what was asked: that a client sends no more does not say that it is gone."""
        self._ended = True
        if self._lingering:
            self._close()
        elif self._exchange is not None:
            self._exchange.wake()
            self._deadline.within(self.half_closed)
        elif not self._waits_its_turn:
            self._finish()
        return True

    def pause_writing(self) -> None:
        """Wait for a client that reads slowly, but not for ever."""
        self._can_write.clear()
        self._reading.pause(self._client())

    def resume_writing(self) -> None:
        """Go on writing."""
        self._can_write.set()
        self._reading.resume()
        if self._waits_to_write:
            self._waits_to_write = False
            self._wait_for_turn()

    # --- What the server calls -------------------------------------------------------------

    def is_idle(self) -> bool:
        """Return whether nothing is being answered, or about to be."""
        return self._exchange is None and not self._waits_its_turn

    def dismiss(self) -> None:
        """Let the answer that is being given be the last one."""
        if self._exchange is not None:
            self._exchange.keep_alive = False

    def shutdown(self) -> None:
        """Close, once what is being answered is answered."""
        if self._exchange is not None:
            self.dismiss()
        elif self._lingering:
            self._deadline.within(HURRIED)
        else:
            self._end()

    # --- What another connection calls -----------------------------------------------------

    def waits_for_client(self) -> bool:
        """Return whether this connection waits for more bytes of the client."""
        if self.transport.is_closing():
            return False
        exchange = self._exchange
        if exchange is None:
            return not self._waits_its_turn
        return not (exchange.started or exchange.body.complete or self._reader.received)

    # --- What an exchange calls ------------------------------------------------------------

    def default_headers(self) -> list[Header]:
        """Return the headers of each answer."""
        return self._server.default_headers

    def body_begun(self) -> bool:
        """Return whether anything of the body has come."""
        return bool(self._reader.received)

    def may_stay_open(self) -> bool:
        """Return whether what is left of the body is worth reading for the next request's sake."""
        body = self._exchange.body if self._exchange is not None else None
        return body is None or body.left is None or body.left <= WORTH_READING

    def read_body(self) -> bytes | None:
        """Return the body's bytes that have arrived, or None if the body is broken."""
        exchange = self._exchange
        if exchange is None:
            return None
        try:
            piece = exchange.body.take(self._reader.received)
            if self._ended and not (piece or exchange.body.complete or exchange.body.more_waits):
                raise MalformedError(_BROKEN_OFF)
        except RequestRefusedError as refused:
            self._refuse(refused)
            return None
        self._resume()
        return piece

    async def writable(self) -> None:
        """Wait until the client has taken enough of what was written."""
        if not self._can_write.is_set():
            await self._can_write.wait()

    def answered(self) -> None:
        """Go on to the next request."""
        exchange, self._exchange = self._exchange, None
        self._server.total_requests += 1
        if exchange is None or self._lingering:
            return
        if not exchange.body.complete:
            self._reader.leave(exchange.body)
        if not exchange.keep_alive:
            self._end()
            return
        if self._reader:
            self._wait_for_turn()
        elif self._ended:
            self._finish()
        else:
            self._idle = True
            self._deadline.within(self._config.timeout_keep_alive)
        self._resume()

    def _client(self) -> str | None:
        return one_client(self._exchange.scope) if self._exchange is not None else None

    # --- Reading ---------------------------------------------------------------------------

    def _wait_for_turn(self) -> None:
        self._waits_its_turn = True
        self._deadline.within(self.head_within)
        self._turns.wait(self._take_turn)

    def _take_turn(self) -> None:
        self._waits_its_turn = False
        if not self._lingering:
            self._advance()
            self._note_head()
            self._resume()

    def _note_head(self) -> None:
        begun = len(self._reader.received) if self._reader.head is not None else 0
        _SHARED.heads.note(self.transport, begun)

    def _advance(self) -> None:
        """Read on to the next request, as far as it has come."""
        if not self._can_write.is_set():
            # An answer that is not read holds memory, and so would the next one.
            self._waits_its_turn = self._waits_to_write = True
            self._deadline.lift()
            return
        try:
            head = self._reader.next_head()
            if head is not None:
                self._begin(head)
        except RequestRefusedError as refused:
            if self._reader.unread is None:
                self._refuse(refused)
            else:
                # Its request has been answered.
                self._end()
        else:
            if self._ended and self._exchange is None:
                self._finish()

    def _begin(self, head: RequestHead) -> None:
        body = head.finish()
        scope = {**self._scope, **head.scope(), "state": self._app_state.copy()}
        if self._ended:
            self._deadline.within(self.half_closed)
        else:
            self._deadline.lift()
        exchange = Exchange(
            self,
            scope,
            body,
            keep_alive=head.keep_alive,
            expects_continue=head.expects_continue,
        )
        self._exchange = exchange
        task = self.loop.create_task(exchange.run(self._config.loaded_app))
        self._server.tasks.add(task)
        task.add_done_callback(self._server.tasks.discard)

    def _pause(self) -> None:
        if not (self._paused or self._ended or self.transport.is_closing()):
            self._paused = True
            self.transport.pause_reading()

    def _resume(self) -> None:
        # In large pieces: a read for the few bytes of each request costs the kernel milliseconds.
        room = self.is_idle() or len(self._reader.received) <= READ_AHEAD // 2
        if self._paused and room and not self.transport.is_closing():
            self._paused = False
            self.transport.resume_reading()

    # --- Ending ----------------------------------------------------------------------------

    def _refuse(self, refused: RequestRefusedError) -> None:
        exchange = self._exchange
        if exchange is not None and exchange.started:
            # In the middle of another answer it would be taken for a part of that.
            exchange.leave_body()
            return
        if exchange is not None:
            self._exchange = None
            exchange.disconnect()
        _REFUSALS.tell(refused)
        self.transport.write(refusal_answer(refused))
        self._linger()

    def _finish(self) -> None:
        """Close behind a client that sends no more and has been answered."""
        if self._reader.head is not None:
            self._refuse(MalformedError(_BROKEN_OFF))
        else:
            self._close()

    def _end(self) -> None:
        """Close behind the last answer."""
        if self._reader or self._paused:
            self._linger()
        else:
            self._close()

    def _linger(self) -> None:
        """Throw away what still comes: unread, it would have the client lose the answer."""
        if self._ended:
            self._close()
            return
        self._lingering = True
        self._reader.clear()
        self._resume()
        self.transport.write_eof()
        self._deadline.within(self.linger)

    def _close(self) -> None:
        self._lingering = True
        self._reader.clear()
        if self.transport.get_write_buffer_size():
            self._deadline.within(self.read_within)
        self.transport.close()

    def _make_room(self) -> None:
        """End a connection that waits for its client; this one, if there is none."""
        waiting = (each for each in self._connections if each.waits_for_client())
        next((each for each in waiting if each is not self), self).transport.abort()

    def _too_late(self) -> None:
        if self._exchange is not None:
            self.presumed_gone = True
            self._exchange.wake()
        elif self._lingering:
            self._give_up()
        elif self._reader.head is not None:
            self._refuse(RequestRefusedError(HTTPStatus.REQUEST_TIMEOUT, _TOO_SLOW))
        else:
            self._end()

    def _give_up(self) -> None:
        if not self._reading.watching:
            self.transport.abort()
        else:
            # Much is still to be read of the answer: how slowly has a clock of its own.
            self._deadline.within(self.read_within)
