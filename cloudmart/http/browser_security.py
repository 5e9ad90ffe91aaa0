"""What browsers are told with every answer, and which pages may have them change something."""

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cloudmart.errors import CrossOriginError
from cloudmart.http.problem import failure_response

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


class SecurityHeaders:
    """Says with every answer what a browser must not do with it, unless the answer does.

    Args:
        https: Whether customers come by https alone.
        vary: Whether answers differ by the origin that asks.
    """

    def __init__(self, app: ASGIApp, *, https: bool, vary: bool) -> None:
        self.app = app
        self._vary = vary
        self._wanted = {
            b"x-content-type-options": b"nosniff",
            b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
            b"referrer-policy": b"no-referrer",
        }
        if https:
            self._wanted[b"strict-transport-security"] = b"max-age=31536000"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        public = scope["path"].startswith(_PUBLIC)

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                private = not (public and message["status"] == _OK)
                message["headers"] = self._completed(message["headers"], private=private)
            await send(message)

        await self.app(scope, receive, guarded)

    def _completed(
        self, headers: list[tuple[bytes, bytes]], *, private: bool
    ) -> list[tuple[bytes, bytes]]:
        missing = self._wanted | ({b"cache-control": b"no-store"} if private else {})
        varies = self._vary
        for name, value in headers:
            missing.pop(name, None)
            if name == b"vary" and b"Origin" in value:
                varies = False
        return [*headers, *missing.items(), *([(b"vary", b"Origin")] if varies else [])]


class CrossOrigin(CORSMiddleware):
    """Lets pages of some origins read answers; who names no origin is no such page."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http" and any(name == b"origin" for name, _ in scope["headers"]):
            await super().__call__(scope, receive, send)
        else:
            await self.app(scope, receive, send)


class SameOrigin:
    """Refuses what a page of another origin has a browser change.

    The page needs no answer for that, and the browser sends along a password it remembers: what
    may be read by whom (CORS) does not help. Browsers name the page's origin; who names none is
    no browser.
    """

    def __init__(self, app: ASGIApp, *, allowed: Collection[str]) -> None:
        self.app = app
        self._allowed = frozenset(allowed)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] == "http" and scope["method"] not in _SAFE and not self._may(scope):
            await failure_response(scope, CrossOriginError())(scope, receive, send)
            return
        await self.app(scope, receive, send)

    def _may(self, scope: Scope) -> bool:
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        if origin in self._allowed:
            return True
        site = headers.get("sec-fetch-site")
        if site is not None:
            return site in {"same-origin", "none"}
        # An old browser, or a page without TLS.
        return origin is None or origin.partition("://")[2] == headers.get("host")
