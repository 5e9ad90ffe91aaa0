"""The headers for browsers in every answer, and which pages may make browsers send changes."""

from collections.abc import Collection, Iterable, Sequence
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

Header = tuple[bytes, bytes]

# What is the same for everybody; all else may be somebody's own.
_PUBLIC = (
    *("/api/products", "/api/problems", "/docs", "/api/docs", "/openapi.json"),
    *("/api/openapi.json", "/.well-known/"),
)
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_OK = 200
_PORTS = {"http": 80, "https": 443}


def origin_of(url: str) -> str:
    """Return the origin of an address as browsers name it; `*` stays what it is."""
    if url == "*":
        return url
    parts = urlsplit(url)
    port = "" if parts.port in {None, _PORTS[parts.scheme]} else f":{parts.port}"
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme}://{host}{port}"


class CorsPolicy:
    """Which pages may read answers, what they may send, and what they see of an answer."""

    def __init__(
        self,
        origins: Sequence[str],
        *,
        allowed_headers: Sequence[str] = (),
        exposed_headers: Sequence[str] = (),
    ) -> None:
        self.any_origin = "*" in origins
        self._origins = origins
        self._allowed = allowed_headers
        self._exposed = exposed_headers

    def around(self, app: ASGIApp) -> CORSMiddleware:
        """Return what answers a request that names its page's origin."""
        return CORSMiddleware(
            app,
            allow_origins=self._origins,
            allow_methods=["*"] if self.any_origin else ["GET", "POST", "PUT", "DELETE"],
            allow_headers=["*"] if self.any_origin else self._allowed,
            expose_headers=self._exposed,
        )


class ResponseHeaders:
    """The outer middleware: the headers for browsers in every answer.

    Errors of inner layers get these headers, too. A header that an answer has already is left as it
    is. Here HEAD becomes GET: every route that answers GET answers HEAD, and the server sends no
    body for it.

    Args:
        https: Whether customers come by https alone.
        cors: Which pages of other origins may read answers; by default none.
        base: The shop's address, with no slash at its end: `Location` and `Link` are below it.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        https: bool = False,
        cors: CorsPolicy | None = None,
        base: str | None = None,
    ) -> None:
        cors = cors or CorsPolicy([])
        self.app = app
        self._cross_origin = cors.around(app)
        # Answers differ by the origin that asks, unless any may.
        self._vary = not cors.any_origin
        self._base = base.encode() if base else None
        self._wanted: list[Header] = [
            (b"x-content-type-options", b"nosniff"),
            (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
            (b"referrer-policy", b"no-referrer"),
        ]
        if https:
            self._wanted.append((b"strict-transport-security", b"max-age=31536000"))
        self._wanted_in_private = [*self._wanted, (b"cache-control", b"no-store")]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if scope["method"] == "HEAD":
            # A copy: by its own scope the server knows that it is to leave out the body.
            scope = {**scope, "method": "GET"}

        async def completed(message: Message) -> None:
            if message["type"] == "http.response.start":
                public = message["status"] == _OK and scope["path"].startswith(_PUBLIC)
                wanted = self._wanted if public else self._wanted_in_private
                message["headers"] = self._complete(message["headers"], wanted)
            await send(message)

        app = self.app
        for name, _ in scope["headers"]:
            # A request that names no origin comes from no page of another one.
            if name == b"origin":
                app = self._cross_origin
        await app(scope, receive, completed)

    def _complete(self, headers: Iterable[Header], wanted: Iterable[Header]) -> list[Header]:
        if self._base:
            headers = [below(self._base, *header) for header in headers]
        complete = [*headers]
        there = set()
        vary = self._vary
        for name, value in complete:
            there.add(name)
            if name == b"vary" and b"Origin" in value:
                vary = False
        complete += [header for header in wanted if header[0] not in there]
        if vary:
            complete.append((b"vary", b"Origin"))
        return complete


def below(base: bytes, name: bytes, value: bytes) -> Header:
    """Return a header with the path in a `Location` or a `Link` made an address of the shop."""
    # `//host` would be an address already.
    if name == b"location" and value.startswith(b"/") and not value.startswith(b"//"):
        return name, base + value
    if name == b"link" and value.startswith(b"</") and not value.startswith(b"<//"):
        return name, b"<" + base + value[1:]
    return name, value


class SameOrigin:
    """Finds the requests by which a page of another origin makes a browser change something.

    The page needs no answer for that, and the browser adds a password that it remembers. CORS does
    not help: it is about reading. Browsers name the page's origin; a client that names none is no
    browser.
    """

    def __init__(self, allowed: Collection[str]) -> None:
        self._allowed = frozenset(allowed)

    def allows(self, scope: Scope) -> bool:
        """Return whether a request may be carried out."""
        if scope["method"] in _SAFE:
            return True
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        if origin in self._allowed:
            return True
        site = headers.get("sec-fetch-site")
        if site is not None:
            return site in {"same-origin", "none"}
        # An old browser, or a page without TLS.
        return origin is None or origin.partition("://")[2] == headers.get("host")
