"""Which trace a request belongs to: W3C's `traceparent`, read, kept and written."""

import random
import re
from collections.abc import Iterable
from contextvars import ContextVar
from typing import NamedTuple

# https://www.w3.org/TR/trace-context/: a version after 00 may have more behind a hyphen.
_TRACEPARENT = re.compile(
    rb"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-[!-~]*)?"
)
_LONGEST = 256
_SAMPLED = 1

_HEADER = b"traceparent"


class TraceParent(NamedTuple):
    """A place in a trace."""

    trace_id: int
    span_id: int
    sampled: bool

    @classmethod
    def begin(cls) -> "TraceParent":
        """Return the beginning of a trace that is not recorded."""
        # An id is no secret, and zero is not valid: as the SDK makes them.
        return cls(random.getrandbits(128) or 1, _new_span_id(), sampled=False)

    @classmethod
    def of_headers(cls, headers: Iterable[tuple[bytes, bytes]]) -> "TraceParent | None":
        """Return the place that a client names; None where it names none, or not exactly one."""
        given = [value for name, value in headers if name == _HEADER]
        return cls.read(given[0]) if len(given) == 1 else None

    @classmethod
    def read(cls, value: bytes) -> "TraceParent | None":
        """Return the place that a header's value names, or None where it is none."""
        match = _TRACEPARENT.fullmatch(value) if len(value) <= _LONGEST else None
        if match is None or (match[1] == b"00" and match[5]):
            return None
        return cls(int(match[2], 16), int(match[3], 16), bool(int(match[4], 16) & _SAMPLED))

    def child(self) -> "TraceParent":
        """Return a place below this one that is not recorded."""
        return TraceParent(self.trace_id, _new_span_id(), sampled=False)

    def log_fields(self) -> dict[str, str]:
        """Return what log lines have of it."""
        return {"trace_id": f"{self.trace_id:032x}", "span_id": f"{self.span_id:016x}"}

    def __str__(self) -> str:
        """Return it as the header has it."""
        return f"00-{self.trace_id:032x}-{self.span_id:016x}-{int(self.sampled):02x}"


CURRENT: ContextVar[TraceParent | None] = ContextVar("current trace", default=None)
"""The place of the request that is being answered; None while nothing is traced."""


def current_traceparent() -> str | None:
    """Return the place of this request in its trace, or None while nothing is traced."""
    place = CURRENT.get()
    return None if place is None else str(place)


def current_trace_id() -> str | None:
    """Return the id of the trace that this request is recorded in, or None where it is not."""
    place = CURRENT.get()
    return f"{place.trace_id:032x}" if place is not None and place.sampled else None


def _new_span_id() -> int:
    return random.getrandbits(64) or 1
