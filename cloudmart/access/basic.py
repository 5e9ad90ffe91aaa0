"""Passwords by HTTP's Basic scheme (RFC 7617), checked at a cost that is bounded."""

import asyncio
import base64
import binascii
import hmac
import secrets
import time
import unicodedata
from collections.abc import Callable, Mapping

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from limits import RateLimitItemPerMinute

from cloudmart.access.authentication import REALM, Caller
from cloudmart.errors import TooManyAttemptsError, UnavailableError
from cloudmart.rates.counter import LocalCounter, RateCounter

LONGEST = 1024
"""Characters a password may have."""

# OWASP's first choice for argon2id: 19 MiB, 2 passes, one lane.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)

REMEMBERED = 60.0
"""Seconds for which a right password is not hashed again."""

_WRONG = RateLimitItemPerMinute(30)
_AT_ONCE = 2
_MOST_WAITING = 100
_BUSY = "Too many people are signing in at the moment. Please try again."


def hash_password(password: str) -> str:
    """Return the hash of a password, for ADMIN_USERS."""
    return _HASHER.hash(_as_bytes(password))


def verify_password(password: str, hash_: str) -> bool:
    """Return whether a hash is a password's. It takes tens of milliseconds and some megabytes."""
    try:
        return _HASHER.verify(hash_, _as_bytes(password))
    except (VerificationError, InvalidHashError):
        return False


def _as_bytes(password: str) -> bytes:
    # An umlaut is one character on some keyboards and two on others (RFC 8265, 4.2.1).
    return unicodedata.normalize("NFC", password).encode()


class Passwords:
    """Administrators by password.

    A hash takes tens of milliseconds of a processor and some megabytes: two are computed at once,
    in threads. A request is refused if it would wait behind more than a hundred others, or if its
    client was wrong 30 times in a minute. Each process counts by itself, for a bounded number of
    clients.
    """

    def __init__(
        self,
        admins: Mapping[str, str],
        monotonic: Callable[[], float] = time.monotonic,
        wrong: RateCounter | None = None,
    ) -> None:
        self._admins = admins
        # For unknown names: the check takes as long as for known ones, and always fails.
        self._anyones = next(iter(admins.values()), "")
        self._monotonic = monotonic
        self._key = secrets.token_bytes(32)
        self._remembered: dict[bytes, float] = {}
        self._wrong = wrong or LocalCounter()
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._waiting = 0

    def challenge(self, *, tried: bool) -> str:
        """Return its `WWW-Authenticate` header, which is always the same."""
        del tried
        return f'Basic {REALM}, charset="UTF-8"'

    async def identify(self, credentials: str, client: str) -> Caller | None:
        """Return the administrator whose name and password these are, or None.

        Raises:
            TooManyAttemptsError: the client was wrong too often.
            UnavailableError: too many are waiting already.
        """
        if (pair := _read(credentials)) is None:
            return None
        name, password = pair
        digest = hmac.digest(self._key, f"{name}:{password}".encode(), "sha256")
        if self._remembers(digest):
            return Caller(admin=True, name=name)
        if self._waiting >= _MOST_WAITING:
            raise UnavailableError(_BUSY)
        self._waiting += 1
        try:
            async with self._slots:
                # A page sends several requests at once: the first may have checked the password
                # meanwhile.
                right = self._remembers(digest) or await self._check(name, password, client)
        finally:
            self._waiting -= 1
        if right:
            self._remembered[digest] = self._monotonic() + REMEMBERED
        return Caller(admin=True, name=name) if right else None

    async def close(self) -> None:
        """Forget the passwords that were right."""
        self._remembered.clear()

    async def _check(self, name: str, password: str, client: str) -> bool:
        # Not before the wait: what a client has in flight counts as well.
        so_far = await self._wrong.look(_WRONG, client)
        if not so_far.allowed:
            raise TooManyAttemptsError(retry_after=so_far.reset)
        known = self._admins.get(name)
        same = await asyncio.to_thread(verify_password, password, known or self._anyones)
        if right := same and known is not None:
            return right
        await self._wrong.hit(_WRONG, client)
        return False

    def _remembers(self, digest: bytes) -> bool:
        until = self._remembered.get(digest)
        if until is None:
            return False
        if self._monotonic() < until:
            return True
        del self._remembered[digest]
        return False


def _read(credentials: str) -> tuple[str, str] | None:
    if len(credentials) > LONGEST * 4:
        return None
    try:
        raw = base64.b64decode(credentials, validate=True)
    except (binascii.Error, ValueError):
        return None
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        # Browsers send UTF-8, as `charset` asks; scripts that use `btoa` do not.
        text = raw.decode("latin-1")
    name, colon, password = text.partition(":")
    return (name, password) if colon and 0 < len(password) <= LONGEST else None
