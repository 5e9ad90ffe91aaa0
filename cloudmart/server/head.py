"""The head of a request: its first line and its headers."""

from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

import httptools

from cloudmart.server.body_framing import ChunkedBody, SizedBody
from cloudmart.server.refusal import FieldsTooLargeError, MalformedError, RequestRefusedError

LARGEST_HEAD = 64 * 1024
"""Bytes a request may have beside its body: first line, headers, chunk extensions, trailers."""

LARGEST_LINE = 8 * 1024
"""Bytes that the first line may have."""

LARGEST_ACCEPT = 8 * 1024
"""Bytes that the `Accept` headers may have together: they are looked through more than once."""

MOST_HEADERS = 128
"""Headers that a request may have: each is looked at many times."""

_HEAD_TOO_LARGE = f"The request's headers are larger than {LARGEST_HEAD // 1024} KiB."
_LINE_TOO_LONG = f"The request's first line is longer than {LARGEST_LINE // 1024} KiB."
_ACCEPT_TOO_LARGE = f"The Accept header is larger than {LARGEST_ACCEPT // 1024} KiB."
_TOO_MANY = f"The request has more than {MOST_HEADERS} headers."
_CODING = "Chunked is the only transfer coding that this server accepts."
_HOSTS = "A request must have exactly one Host header."
_NO_TUNNEL = "CONNECT is for proxies, and this server is not one."

_VERSIONS = {b" HTTP/1.1": "1.1", b" HTTP/1.0": "1.0"}
_LOOKED_AT = frozenset((b"accept", b"content-length", b"expect", b"host", b"transfer-encoding"))


class RequestHead:
    """Reads one request's head, in as many pieces as it comes in.

    The parser of httptools sees the head alone: it takes what follows an offer to change the
    protocol for that other protocol (and a body for none), and does not say where a request ends.
    """

    def __init__(self) -> None:
        self.headers: list[tuple[bytes, bytes]] = []
        self.keep_alive = False
        self.expects_continue = False
        self.version = ""
        self._size = 0
        self._url = b""
        self._line = b""
        self._fields: dict[bytes, list[bytes]] = {}
        self._parser = httptools.HttpRequestParser(self)

    def feed(self, piece: bytes) -> None:
        """Read on, or raise RefusedError."""
        self._size += len(piece)
        try:
            self._parser.feed_data(piece)
        except httptools.HttpParserUpgrade:
            # An offer. Nobody has to take it up (RFC 9110, 7.8), and nobody does here.
            pass
        except httptools.HttpParserError:
            raise MalformedError from None
        if not self.version:
            self._read_line(piece)
        if self._size > LARGEST_HEAD:
            raise FieldsTooLargeError(_HEAD_TOO_LARGE)
        if len(self.headers) > MOST_HEADERS:
            raise FieldsTooLargeError(_TOO_MANY)

    def on_url(self, url: bytes) -> None:
        """Take a piece of the address: httptools calls this."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header: httptools calls this."""
        name, value = name.lower(), value.rstrip(b" \t")
        self.headers.append((name, value))
        if name in _LOOKED_AT:
            self._fields.setdefault(name, []).append(value)

    def on_headers_complete(self) -> None:
        """Take what the parser forgets with the end of the message: httptools calls this."""
        self.keep_alive = self._parser.should_keep_alive()

    def finish(self) -> SizedBody | ChunkedBody:
        """Return the body that follows, now that all of the head has come."""
        fields = self._fields
        if len(fields.get(b"host", ())) > 1:
            raise MalformedError(_HOSTS)
        if sum(map(len, fields.get(b"accept", ()))) > LARGEST_ACCEPT:
            raise FieldsTooLargeError(_ACCEPT_TOO_LARGE)
        if self.version != "1.1":
            self.keep_alive = False
        elif b"expect" in fields:
            # A list may hold it, too.
            self.expects_continue = b"100-continue" in b",".join(fields[b"expect"]).lower()
        if coding := b",".join(fields.get(b"transfer-encoding", ())):
            if coding.lower() != b"chunked":
                raise MalformedError(_CODING)
            return ChunkedBody(LARGEST_HEAD - self._size)
        # The parser refuses all but digits, a second length, and one beside a coding.
        return SizedBody(int(*fields.get(b"content-length", (b"0",))))

    def scope(self) -> dict[str, Any]:
        """Return what a request's scope has of its head."""
        method = self._parser.get_method()
        # Each refers to the other, and the garbage collector looks seldom.
        del self._parser
        if method == b"CONNECT":
            raise RequestRefusedError(HTTPStatus.NOT_IMPLEMENTED, _NO_TUNNEL)
        try:
            url = httptools.parse_url(self._url)
        except httptools.HttpParserError:
            raise MalformedError from None
        raw_path = url.path or b"/"
        path = raw_path.decode("ascii")
        return {
            "http_version": self.version,
            "method": method.decode("ascii"),
            "path": unquote(path) if "%" in path else path,
            "raw_path": raw_path,
            "query_string": url.query or b"",
            "headers": self.headers,
        }

    def _read_line(self, piece: bytes) -> None:
        self._line += piece[: LARGEST_LINE + 2]
        end = self._line.find(b"\r\n")
        if not 0 <= end <= LARGEST_LINE:
            if len(self._line) > LARGEST_LINE + 1:
                raise RequestRefusedError(HTTPStatus.REQUEST_URI_TOO_LONG, _LINE_TOO_LONG)
            return
        version = _VERSIONS.get(self._line[end - 9 : end])
        if version is None:
            raise MalformedError
        self.version = version
        self._line = b""
