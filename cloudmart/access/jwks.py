"""An issuer's public keys: found, fetched, kept, and fetched again when they may have changed."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import httpx2
import jwt
import structlog
from pydantic import TypeAdapter, ValidationError

from cloudmart.errors import UnavailableError
from cloudmart.observability.dependency_reporter import SILENT, Reporter
from cloudmart.settings import AccessSettings, Algorithm
from cloudmart.settings.formats import check_endpoint

FRESH = 60 * 60.0
"""Seconds after which the keys are fetched again."""
STALE = 24 * 60 * 60.0
"""Seconds for which fetched keys stay valid while the issuer does not answer."""
FLOOR = 10.0
"""The least seconds between two fetches, whatever callers send."""
AGAIN = 60.0
"""Seconds after which a failed fetch is repeated, even if no caller needs the keys."""

_WITHIN = 3.0
_MOST_BYTES = 256 * 1024
_MOST_KEYS = 100
_MOST_TRIED = 10
_SHORTEST_RSA = 2048
_KINDS = {Algorithm.RS256: ("RSA", None), Algorithm.ES256: ("EC", "P-256")}
_AWAY = "Sign-in cannot be checked at the moment: the issuer's keys are not available."
_FAILURES = (
    httpx2.HTTPError,
    httpx2.InvalidURL,
    ValidationError,
    ValueError,
    TimeoutError,
    OSError,
)

_log = structlog.stdlib.get_logger(__name__)
_document = TypeAdapter(dict[str, Any])


class _NotFoundError(ValueError):
    """The issuer has nothing at an address."""


class IssuerKeys:
    """The keys of one issuer, by their ids.

    They are at the address that is configured, or where the issuer's discovery document says
    (OpenID Connect Discovery 1.0). The document is read again with the keys, which may move. While
    the issuer does not answer, its last keys stay valid for a day. For an unknown id the keys are
    fetched again, at most every ten seconds for all callers together. A key need not have an id
    (RFC 7517, 4.5): such keys are tried where no id fits. `reporter` hears of each fetch.
    """

    def __init__(
        self,
        settings: AccessSettings,
        reporter: Reporter = SILENT,
        monotonic: Callable[[], float] = time.monotonic,
        again: float = AGAIN,
    ) -> None:
        self._issuer = settings.issuer or ""
        self._keys_url = settings.jwks_url
        self._algorithm = settings.algorithm
        self._reporter = reporter
        self._monotonic = monotonic
        self._again = again
        self._client: httpx2.AsyncClient | None = None
        self._keys: Mapping[str, Sequence[jwt.PyJWK]] = {}
        self._had_at = float("-inf")
        self._asked_at = float("-inf")
        self._fetching: asyncio.Task[bool] | None = None
        self._timer: asyncio.TimerHandle | None = None

    async def find(self, key_id: str) -> Sequence[jwt.PyJWK]:
        """Return the keys that may have signed a token; none if the issuer has none.

        `key_id` is the one that the token names, empty where it names none.

        Raises:
            UnavailableError: the issuer does not answer, and its last keys do not fit.
        """
        age = self._monotonic() - self._had_at
        if age < STALE and (keys := self._matching(key_id)):
            if age >= FRESH or key_id not in self._keys:
                # Nobody waits for the fetch: these keys are good enough until it ends.
                self._fetch_soon()
            return keys
        fetching = self._fetch_soon()
        # A caller who goes away must not cancel the fetch that others wait for.
        known = await asyncio.shield(fetching) if fetching else self._had_at >= self._asked_at
        if not known:
            raise UnavailableError(_AWAY, retry_after=round(FLOOR))
        return self._matching(key_id)

    def _matching(self, key_id: str) -> Sequence[jwt.PyJWK]:
        return (self._keys.get(key_id) or self._keys.get("", ()))[:_MOST_TRIED]

    async def close(self) -> None:
        """Stop fetching."""
        if self._timer:
            self._timer.cancel()
        if self._fetching:
            self._fetching.cancel()
            await asyncio.gather(self._fetching, return_exceptions=True)
        if self._client:
            await self._client.aclose()

    def _fetch_soon(self) -> asyncio.Task[bool] | None:
        """Return the fetch that is under way; begin one if the last is long enough ago."""
        if self._fetching and not self._fetching.done():
            return self._fetching
        if self._monotonic() - self._asked_at < FLOOR:
            return None
        self._asked_at = self._monotonic()
        self._fetching = asyncio.create_task(self._fetch())
        return self._fetching

    async def _fetch(self) -> bool:
        try:
            async with asyncio.timeout(_WITHIN):
                keys = self._read(await self._download(await self._locate()))
        except _FAILURES as error:
            _log.warning("keys_not_fetched", issuer=self._issuer, cause=repr(error)[:200])
            self._reporter.trouble(error)
            # Health shows it until a fetch succeeds, and the next caller may be hours away.
            self._timer = asyncio.get_running_loop().call_later(self._again, self._fetch_soon)
            return False
        if self._keys.keys() != keys.keys():
            _log.info("keys_fetched", issuer=self._issuer, keys=len(keys))
        self._keys, self._had_at = keys, self._monotonic()
        self._reporter.ok()
        return True

    async def _locate(self) -> str:
        """Return the address of the keys."""
        if self._keys_url:
            return self._keys_url
        base = self._issuer.rstrip("/")
        try:
            body = await self._download(f"{base}/.well-known/openid-configuration")
        except _NotFoundError:
            # Not every issuer of tokens speaks OpenID Connect. Cognito has this address as well.
            return f"{base}/.well-known/jwks.json"
        document = _document.validate_json(body)
        if document.get("issuer") != self._issuer:
            raise ValueError(f"JWT_ISSUER is not the document's issuer, {document.get('issuer')!r}")
        url = document.get("jwks_uri")
        if not isinstance(url, str):
            raise ValueError("the discovery document has no jwks_uri")  # noqa: TRY004 - as the rest
        check_endpoint(url)
        if self._is_https(self._issuer) and not self._is_https(url):
            raise ValueError("the jwks_uri of an https issuer is not https")
        return url

    @staticmethod
    def _is_https(url: str) -> bool:
        return url[:6].lower() == "https:"

    async def _download(self, url: str) -> bytes:
        # Not earlier: proxies and certificates of the environment may be wrong, which counts as an
        # issuer that cannot be reached.
        self._client = self._client or httpx2.AsyncClient(timeout=_WITHIN, follow_redirects=False)
        async with self._client.stream("GET", url) as answer:
            if answer.status_code == httpx2.codes.NOT_FOUND:
                raise _NotFoundError(f"the issuer has nothing at {url}")
            if answer.status_code != httpx2.codes.OK:
                raise ValueError(f"the issuer answers {answer.status_code}")
            body = bytearray()
            async for chunk in answer.aiter_bytes():
                body += chunk
                if len(body) > _MOST_BYTES:
                    raise ValueError("the issuer's answer does not end")
        return bytes(body)

    def _read(self, body: bytes) -> dict[str, list[jwt.PyJWK]]:
        listed = _document.validate_json(body).get("keys")
        if not isinstance(listed, list):
            raise ValueError("the issuer's answer has no keys in it")  # noqa: TRY004 - as the rest
        keys: dict[str, list[jwt.PyJWK]] = {}
        for one in listed[:_MOST_KEYS]:
            if isinstance(one, dict) and self._is_meant(one):
                try:
                    key = jwt.PyJWK(one, self._algorithm)
                except (jwt.PyJWTError, ValueError, TypeError, KeyError):
                    continue
                if self._algorithm is not Algorithm.RS256 or key.key.key_size >= _SHORTEST_RSA:
                    keys.setdefault(one.get("kid") or "", []).append(key)
        if not keys:
            raise ValueError(f"the issuer has no key for {self._algorithm}")
        return keys

    def _is_meant(self, key: Mapping[str, Any]) -> bool:
        return (
            isinstance(key.get("kid") or "", str)
            and (key.get("kty"), key.get("crv")) == _KINDS[self._algorithm]
            and key.get("use", "sig") == "sig"
            and key.get("alg", self._algorithm) == self._algorithm
            and "d" not in key
        )
