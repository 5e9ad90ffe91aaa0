"""Passwords: how they are hashed, and how a hash is checked."""

import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

LONGEST = 1024
"""Characters a password may have."""

# OWASP's first choice for argon2id: 19 MiB, 2 passes, one lane.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


def hashed(password: str) -> str:
    """Return the hash of a password, for ADMIN_USERS."""
    return _HASHER.hash(_as_bytes(password))


def is_right(password: str, hash_: str) -> bool:
    """Tell whether a hash is a password's. It takes tens of milliseconds and some megabytes."""
    try:
        return _HASHER.verify(hash_, _as_bytes(password))
    except (VerificationError, InvalidHashError):
        return False


def _as_bytes(password: str) -> bytes:
    # An umlaut is one character on some keyboards and two on others (RFC 8265, 4.2.1).
    return unicodedata.normalize("NFC", password).encode()
