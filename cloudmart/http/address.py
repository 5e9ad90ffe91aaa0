"""Where the shop is for its customers: whatever an answer points at is there."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class PublicAddress:
    """Makes the paths in `Location` and `Link` addresses below the shop's own.

    Args:
        base: The shop's address, with no slash at its end.
    """

    def __init__(self, app: ASGIApp, *, base: str) -> None:
        self.app = app
        self._base = base.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def addressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [self._header(*header) for header in message["headers"]]
            await send(message)

        await self.app(scope, receive, addressed)

    def _header(self, name: bytes, value: bytes) -> tuple[bytes, bytes]:
        # `//host` would be an address already.
        if name == b"location" and value.startswith(b"/") and not value.startswith(b"//"):
            return name, self._base + value
        if name == b"link" and value.startswith(b"</") and not value.startswith(b"<//"):
            return name, b"<" + self._base + value[1:]
        return name, value
