"""Bodies in chunks, compared with what httptools reads."""

import httptools
from hypothesis import given
from hypothesis import strategies as st

from cloudmart.server.body_framing import ChunkedBody
from cloudmart.server.refusal import RequestRefusedError

HEAD = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"

_token = st.text('!#$a1;=" \t\\\r\n', max_size=4).map(str.encode)
_size = st.one_of(
    st.integers(0, 20).map(lambda size: b"%x" % size),
    st.sampled_from([b"", b"-1", b"+1", b" 1", b"1 ", b"0x1", b"00a", b"A", b"g", b"1" * 17]),
)
_end = st.sampled_from([b"\r\n"] * 8 + [b"\n", b"\r", b"\r\r\n", b""])
_chunk = st.builds(
    lambda size, extension, end, content, behind: size + extension + end + content + behind,
    *(_size, st.just(b"") | _token.map(lambda token: b";" + token), _end),
    *(st.binary(max_size=20), _end),
)
_right = st.binary(min_size=1, max_size=20).map(
    lambda content: b"%x\r\n%b\r\n" % (len(content), content)
)
_trailer = st.sampled_from(
    [b"X-A: b\r\n", b"X-A:\r\n", b"X-A\r\n", b" a: b\r\n", b"A : b\r\n", b"a: \0\r\n"]
)
_streams = st.builds(
    lambda chunks, trailers, end: b"".join(chunks) + b"0\r\n" + b"".join(trailers) + end,
    *(st.lists(_right | _chunk, max_size=4), st.lists(_trailer, max_size=2), _end),
)


class Seen:
    """The callbacks of httptools."""

    def __init__(self) -> None:
        self.body = b""
        self.complete = False

    def on_body(self, piece: bytes) -> None:
        self.body += piece

    def on_message_complete(self) -> None:
        self.complete = True


def _by_httptools(stream: bytes) -> Seen | None:
    seen = Seen()
    parser = httptools.HttpRequestParser(seen)
    try:
        parser.feed_data(HEAD)
        # The bytes after the end would be the next request.
        for byte in stream:
            if not seen.complete:
                parser.feed_data(bytes([byte]))
    except httptools.HttpParserError:
        return None
    return seen


@given(_streams, st.lists(st.integers(1, 60), max_size=3))
def test_chunks_are_what_httptools_takes_them_for_or_refused(
    stream: bytes, cuts: list[int]
) -> None:
    body, received, content = ChunkedBody(1024), bytearray(), b""
    cuts = sorted(cuts)
    refused = False
    try:
        for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
            received += stream[start:end]
            content += body.take(received)
    except RequestRefusedError:
        refused = True

    theirs = _by_httptools(stream)
    if not refused:
        assert theirs is not None
        assert (content, body.complete) == (theirs.body, theirs.complete)


@given(st.lists(st.binary(min_size=1, max_size=50)), st.integers(1, 30))
def test_what_is_behind_the_last_chunk_is_left(contents: list[bytes], step: int) -> None:
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(content), content) for content in contents)
    stream = chunks + b"0\r\nX-A: b\r\n\r\nGET / HTTP/1.1"
    body, received, content = ChunkedBody(64 * 1024), bytearray(), b""

    for start in range(0, len(stream), step):
        received += stream[start : start + step]
        content += body.take(received)

    assert (content, body.complete) == (b"".join(contents), True)
    assert received == b"GET / HTTP/1.1"
