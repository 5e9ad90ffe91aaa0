"""HEAD is GET without the body (RFC 9110, 9.3.2)."""

from starlette.types import ASGIApp, Receive, Scope, Send


class Head:
    """Lets every route that answers GET answer HEAD; the server sends no body for it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http" and scope["method"] == "HEAD":
            # A copy: by its own scope the server knows that it is to leave out the body.
            scope = {**scope, "method": "GET"}
        await self.app(scope, receive, send)
