"""Generates streams of requests: pipelined, cut anywhere, ordinary and odd.

For each request it is known what another parser should read, or that this service must refuse it.
h11 accepts some things that this service refuses, and the other way round.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate, pairwise, takewhile

from hypothesis import strategies as st

HOST = b"Host: x\r\n"
LAST = b"GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Oddity:
    """Something odd in a head or in a body, and how this service reads it.

    Args:
        odd: A line of the head, or bytes in place of the body.
        means: What the other parser gets instead; None if the request must be refused.
        because: Why the two parsers may differ; empty if they must agree.
    """

    odd: bytes
    means: bytes | None
    because: str = ""


_TWO_WAYS = "two servers in a row could read it in two ways, and h11 reads it in one"

DIFFERENCES: Mapping[str, Oddity] = {
    "a length beside chunks": Oddity(
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", None, _TWO_WAYS
    ),
    "two equal lengths": Oddity(b"Content-Length: 5\r\nContent-Length: 5\r\n", None, _TWO_WAYS),
    "a list of lengths": Oddity(b"Content-Length: 5, 5\r\n", None, _TWO_WAYS),
    "a folded header": Oddity(b"X-A: b\r\n c\r\n", None, _TWO_WAYS),
    "a line that ends with a bare line feed": Oddity(b"X-A: b\n", None, _TWO_WAYS),
    "a body without Content-Length's digits": Oddity(b"Content-Length:\r\n", None, _TWO_WAYS),
    "more headers than are looked at": Oddity(
        b"a:\r\n" * 200, None, "h11 counts their bytes, not how often each is looked at"
    ),
    "an Accept that is long to look through": Oddity(
        b"Accept: " + b"," * 9000 + b"\r\n", None, "what is done with it is the service's concern"
    ),
    "no host": Oddity(
        b"", HOST, "people and probes ask by hand; which host is meant makes no difference here"
    ),
}  # fmt: skip
"""All oddities of a head that this service and h11 may treat differently."""

BROKEN: Mapping[str, Oddity] = {
    name: Oddity(odd, None)
    for name, odd in {
        "a space before the colon": b"X-A : b\r\n",
        "no colon": b"X-A\r\n",
        "no name": b": b\r\n",
        "a NUL": b"X-A: \0\r\n",
        "a bare carriage return": b"X-A: b\rc\r\n",
        "another coding": b"Transfer-Encoding: xchunked\r\n",
        "two codings": b"Transfer-Encoding: gzip, chunked\r\n",
        "a coding behind chunked": b"Transfer-Encoding: chunked, identity\r\n",
        "a signed length": b"Content-Length: +5\r\n",
        "a negative length": b"Content-Length: -5\r\n",
        "a hexadecimal length": b"Content-Length: 0x5\r\n",
        "two lengths": b"Content-Length: 5\r\nContent-Length: 6\r\n",
        "two hosts": b"Host: y\r\n",
    }.items()
}

BROKEN_CHUNKS = [
    *(b"-1\r\na\r\n", b"+1\r\na\r\n", b"0x1\r\na\r\n", b"g\r\na\r\n", b"\r\n", b"1\r\nab\r\n"),
    *(
        b"1\r\na0\r\n\r\n",
        b"fffffffffffffffffffff\r\na\r\n",
        b"0\r\nX-A\r\n\r\n",
        b"0\r\n: b\r\n\r\n",
    ),
]


@dataclass(frozen=True, slots=True)
class SentRequest:
    """A request for this service, and its form for the other parser.

    Args:
        raw: The bytes for this service.
        means: The bytes for the other parser; None if the request must be refused.
        last: Whether the request says that it is the last of its connection.
    """

    raw: bytes
    means: bytes | None
    last: bool = False


@dataclass(frozen=True, slots=True, repr=False)
class Stream:
    """All bytes of one connection.

    Args:
        requests: The requests, one after the other.
        cuts: Where segments end: a number of bytes after the beginning of a request.
    """

    requests: tuple[SentRequest, ...]
    cuts: tuple[tuple[int, int], ...]

    def __repr__(self) -> str:
        """Return what is sent, without long bodies."""
        both = {"sent": self.segments(), "meant": self.meant()}
        return re.sub("a{100,}", lambda run: f"<{len(run[0])} a>", repr(both))

    @property
    def heard(self) -> list[SentRequest]:
        """Return the requests that count: those up to the one that says it is the last."""
        ends = (number for number, each in enumerate(self.requests, 1) if each.last)
        return [*self.requests[: next(ends, None)]]

    @property
    def right(self) -> list[SentRequest]:
        """Return the requests that must be answered: those before a refused one."""
        return [*takewhile(lambda each: each.means is not None, self.heard)]

    @property
    def refused(self) -> bool:
        """Return whether one of the requests must be refused."""
        return any(each.means is None for each in self.heard)

    def segments(self) -> list[bytes]:
        """Return what is sent to this service."""
        return self._cut([*(each.raw for each in self.requests), LAST])

    def meant(self) -> list[bytes]:
        """Return what is sent to the other parser, up to the request that must be refused.

        It sends nothing after a request that says it is the last. Otherwise uvicorn's protocol on
        h11 may drop the answer to that request.
        """
        parts = [each.means or b"" for each in self.right]
        open_ended = not (self.refused or self.heard[-1].last)
        return self._cut([*parts, LAST] if open_ended else [*parts, b""])

    def _cut(self, parts: list[bytes]) -> list[bytes]:
        begins = [0, *accumulate(map(len, parts))]
        places = {begins[which % len(begins)] + behind for which, behind in self.cuts}
        inside = sorted({0, begins[-1]} | {place for place in places if 0 < place < begins[-1]})
        raw = b"".join(parts)
        return [raw[start:end] for start, end in pairwise(inside)]


_words = st.text("abcXYZ019-_.~!*", min_size=1, max_size=8).map(str.encode)
_values = st.text("ab;,=\"'/ \t09\xe4", max_size=12).map(lambda text: text.encode("latin-1"))
_content = st.one_of(
    st.binary(max_size=30),
    # The rest of such a body would be read as a request.
    st.just(b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"),
    st.integers(1, 100_000).map(lambda size: b"a" * size),
)
_methods = st.sampled_from([b"GET", b"POST", b"PUT", b"DELETE", b"PATCH", b"OPTIONS"])
_places = st.sampled_from([b"/", b"/unread/", b"/soon/", b"/?a=b&c=/"])
_offers = st.sampled_from(
    [b""] * 3
    + [b"Connection: Upgrade\r\nUpgrade: %b\r\n" % name for name in (b"h2c", b"TLS/1.0", b"a/1, b")]
    + [b"Connection: upgrade\r\n", b"Upgrade: websocket\r\n"]
    + [b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAA\r\n"]
)
_CLOSES = {b"Connection: close\r\n", b"connection: Close, a\r\n"}
_connections = st.sampled_from([b""] * 8 + [b"Connection: keep-alive\r\n", *sorted(_CLOSES)])
_expectations = st.sampled_from([b""] * 6 + [b"Expect: 100-continue\r\n"])
_versions = st.sampled_from([b"HTTP/1.1"] * 9 + [b"HTTP/1.0"])
_fields = st.lists(
    st.builds(lambda name, value: b"X-%b:%b\r\n" % (name, value), _words, _values), max_size=3
).map(b"".join)
_extensions = st.sampled_from([b""] * 4 + [b";a", b";a=b", b';a="b c"', b";a=b;c"])
_trailers = st.lists(
    st.sampled_from([b"X-Forwarded-For", b"Authorization", b"Content-Type", b"X-A"]).map(
        lambda name: name + b": 203.0.113.9\r\n"
    ),
    max_size=2,
).map(b"".join)


def _chunked(pieces: list[tuple[bytes, bytes]], trailers: bytes) -> bytes:
    chunks = (b"%x%b\r\n%b\r\n" % (len(one), extension, one) for one, extension in pieces if one)
    return b"".join(chunks) + b"0\r\n" + trailers + b"\r\n"


_chunks = st.builds(_chunked, st.lists(st.tuples(_content, _extensions), max_size=3), _trailers)
_framed = st.one_of(
    st.just((b"", b"")),
    _content.map(lambda content: (b"Content-Length: %d\r\n" % len(content), content)),
    _chunks.map(lambda chunks: (b"Transfer-Encoding: chunked\r\n", chunks)),
)


@st.composite
def _right(draw: st.DrawFn) -> SentRequest:
    line = b"%b %br HTTP/1.1\r\n" % (draw(_methods), draw(_places))
    framing, body = draw(_framed)
    if not framing.startswith(b"Transfer"):
        line = line.replace(b"HTTP/1.1", draw(_versions))
    # A client that waits for `100 Continue`, and gets an answer instead, opens a new connection.
    expectation = b"" if b"/unread" in line else draw(_expectations)
    lines = draw(st.permutations([HOST, framing, draw(_fields), draw(_offers), draw(_connections)]))
    raw = line + b"".join(lines) + expectation + b"\r\n" + body
    return SentRequest(raw, raw, last=line.endswith(b"1.0\r\n") or bool({*lines} & _CLOSES))


@st.composite
def _odd(draw: st.DrawFn) -> SentRequest:
    oddity = draw(st.sampled_from([*DIFFERENCES.values(), *BROKEN.values()]))
    line = draw(_methods) + b" /r HTTP/1.1\r\n"
    around = draw(_fields) + draw(_offers)
    if oddity.means is not None:
        return SentRequest(
            line + oddity.odd + around + b"\r\n", line + oddity.means + around + b"\r\n"
        )
    return SentRequest(line + HOST + around + oddity.odd + b"\r\nhello", None)


@st.composite
def _broken_chunks(draw: st.DrawFn) -> SentRequest:
    head = b"POST /r HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + HOST + draw(_offers)
    return SentRequest(head + b"\r\n1\r\na\r\n" + draw(st.sampled_from(BROKEN_CHUNKS)), None)


def streams() -> st.SearchStrategy[Stream]:
    """Return a strategy for streams of one to four requests."""
    usual = st.one_of(_right(), _right(), _right(), _odd(), _broken_chunks())
    return st.builds(
        Stream,
        st.lists(usual, min_size=1, max_size=4).map(tuple),
        st.lists(st.tuples(st.integers(0, 5), st.integers(-50, 120)), max_size=6).map(tuple),
    )
