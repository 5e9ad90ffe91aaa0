"""The files that Swagger UI consists of: read and compressed once, and served from memory."""

import asyncio
import gzip
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files

from fastapi import Request, Response, status

from cloudmart.http.accept import quality

ASSETS = {
    "swagger-ui-bundle.js": ("fastapi_offline", "static", "text/javascript"),
    "swagger-ui.css": ("fastapi_offline", "static", "text/css"),
    "favicon.png": ("fastapi_offline", "static", "image/png"),
    "start-swagger.js": (__package__, "assets", "text/javascript"),
}
"""By name: the package and folder it is in, and its media type."""


@dataclass(frozen=True, slots=True)
class _Content:
    plain: bytes
    compressed: bytes
    version: str


class Asset:
    """One file. A page asks each time whether it has changed; if not, nothing is sent."""

    def __init__(self, name: str) -> None:
        package, folder, self._media_type = ASSETS[name]
        self._file = files(package) / folder / name
        self._content: _Content | None = None
        self._reading = asyncio.Lock()

    async def serve(self, request: Request) -> Response:
        """Answer the file, compressed for clients that take it so."""
        content = self._content or await self._read()
        headers = {
            "Cache-Control": "no-cache",
            "ETag": content.version,
            "Vary": "Accept-Encoding",
        }
        if content.version in request.headers.get("if-none-match", ""):
            return Response(None, status.HTTP_304_NOT_MODIFIED, headers)
        body = content.plain
        if quality(request.headers.get("accept-encoding", ""), "gzip") > 0:
            body, headers["Content-Encoding"] = content.compressed, "gzip"
        return Response(body, headers=headers, media_type=self._media_type)

    async def _read(self) -> _Content:
        async with self._reading:
            if self._content is None:
                # To compress the largest takes 50 ms, for which a thread needs no one's patience.
                self._content = await asyncio.to_thread(self._compress)
            return self._content

    def _compress(self) -> _Content:
        plain = self._file.read_bytes()
        version = f'W/"{sha256(plain).hexdigest()[:16]}"'
        return _Content(plain, gzip.compress(plain, mtime=0), version)
