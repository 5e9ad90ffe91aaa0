"""What may be shown of a setting's value: all of it, a part, or that there is one."""

import hashlib
import re

from pydantic import SecretStr

_MOST = 80
_CREDENTIALS = re.compile(
    r"(?<=://)[^/@\s]*(?=@)"  # a URL's user and password
    r"|\b(?:sk-|AKIA|ASIA|gh[opsu]_)[\w-]+"  # keys known by how they begin
    r"|[A-Za-z0-9+=]{24,}"  # what is random enough to be one
)


def masked(value: str) -> str:
    """Return a value without what could be a secret that was put in the wrong place."""
    hidden = _CREDENTIALS.sub("…", value)
    return hidden if len(hidden) <= _MOST else f"{hidden[:_MOST]}…"


def digest(name: str, secret: SecretStr) -> str:
    """Return eight characters that tell two values of one secret apart, and give neither away.

    The same on every replica, so that pods can be compared. Slow on purpose, and salted with the
    setting's name: two settings of one value show different digests.
    """
    salt = f"cloudmart/{name}".encode()
    key = hashlib.pbkdf2_hmac("sha256", secret.get_secret_value().encode(), salt, 100_000)
    return key.hex()[:8]
