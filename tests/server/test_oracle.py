"""Streams of requests, compared with what uvicorn's own protocol on h11 reads.

`make fuzz` runs it longer, with other requests each time. Half-closes have separate tests
(`test_scheduling.py`), because uvicorn's protocols do not answer after one.
"""

import os
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings

from tests.support.echo_app import Echo, echoing_by_h11
from tests.support.raw_http import Raw
from tests.support.request_streams import DIFFERENCES, LAST, Stream, streams

EXAMPLES = 150
SILENCE = 3.0
"""A server that sends nothing for this many seconds has nothing more to send."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a stream: which request each answer is for, refusals, the connection's end."""

    answered: list[tuple[str, str, list[str]]]
    refused: int
    closed: bool


@pytest.fixture(scope="module")
def theirs() -> Iterator[int]:
    """Provide the port of a server on h11."""
    with echoing_by_h11(Echo()) as port:
        yield port


def test_answers_are_those_of_another_parser(port: int, theirs: int) -> None:
    seconds = float(os.environ.get("FUZZ_SECONDS", "0"))
    deadline = time.monotonic() + seconds

    # The suite uses the same examples on every run; `make fuzz` uses others each time.
    @settings(
        max_examples=EXAMPLES, derandomize=not seconds, suppress_health_check=list(HealthCheck)
    )
    @given(streams())
    def compare(stream: Stream) -> None:
        assert _outcome(port, stream.segments()) == _expected(theirs, stream)

    compare()
    while time.monotonic() < deadline:
        compare()


@pytest.mark.parametrize("name", DIFFERENCES)
def test_each_difference_has_a_reason(name: str) -> None:
    assert DIFFERENCES[name].because


def _expected(port: int, stream: Stream) -> Outcome:
    """Return the other parser's result for a stream. A refusal comes where it belongs."""
    if not stream.refused:
        return _outcome(port, stream.meant())
    by_them = _outcome(port, stream.meant(), answers=len(stream.right))
    if by_them.closed:
        return by_them
    return Outcome(by_them.answered, by_them.refused + 1, closed=True)


def _outcome(port: int, segments: list[bytes], answers: int | None = None) -> Outcome:
    """Return the result of some segments, up to the close or this many answers."""
    with socket.create_connection(("127.0.0.1", port), timeout=SILENCE) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            for segment in segments:
                connection.sendall(segment)
                # The server should read this segment by itself.
                time.sleep(0.0005)
        except OSError:
            pass
        received, closed = b"", False
        try:
            while not closed and (answers is None or _complete(received) < answers):
                piece = connection.recv(65_536)
                received += piece
                closed = not piece
        except TimeoutError:
            pass
        except ConnectionResetError:
            closed = True
    return _told(received, closed=closed)


def _complete(received: bytes) -> int:
    answers = Raw(received).answers
    return sum(str(len(each.body)) == each.headers["content-length"] for each in answers)


def _told(received: bytes, *, closed: bool) -> Outcome:
    answers = Raw(received).answers
    told = [each.json() for each in answers if each.status == 200]
    return Outcome(
        [
            # The host may be missing here: see the differences.
            (f"{each['path']}?{each['query']}", each["body"], sorted({*each["names"]} - {"host"}))
            for each in told
        ],
        sum(each.status != 200 for each in answers),
        closed,
    )


def test_the_last_request_of_a_stream_closes_the_connection(port: int) -> None:
    assert _outcome(port, [LAST]).closed
