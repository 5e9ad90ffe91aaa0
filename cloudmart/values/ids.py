"""Ids: short enough to type in a chat, random enough not to be guessed."""

import hashlib
import hmac
import secrets

ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
"""Lower-case letters and digits without the look-alikes 0, o, 1, l and i."""

LENGTH = 16
"""31 letters to the power of 16 are 79 bits."""

PRODUCT = "1"
ORDER = "k7m2p9q4r6t8v3w5"
TICKET = "n4b7c2d9f6g3h8j5"
THREAD = "thread_2wXcq8ZrTn5vKdLp7HsGm4JbYf9aRe3u"
CONVERSATION = "conv_6hNtq2VbWs8yPxKd4RmZf7LcJg9aTe3u"
CUSTOMER = "user@example.com"
"""The address under which every visitor of the storefront starts."""

PICTURE = (
    "data:image/svg+xml,%3Csvg%20xmlns='http://www.w3.org/2000/svg'%20viewBox='0%200%2024%2024'"
    "%3E%3Cpath%20d='M8%202h8l4%2010H4zM11%2012h2v8h4v2H7v-2h4z'/%3E%3C/svg%3E"
)
"""The picture of a lamp; the address holds the picture itself."""


def new_id() -> str:
    """Return a fresh random id."""
    # One call of the kernel; a choice for each letter would be sixteen.
    return _letters(secrets.randbelow(len(ALPHABET) ** LENGTH))


def derived_id(secret: bytes, text: str) -> str:
    """Return the one id that belongs to a text, which nobody without the secret can compute."""
    return _letters(int.from_bytes(hmac.digest(secret, text.encode(), hashlib.sha256)))


def _letters(number: int) -> str:
    letters = []
    for _ in range(LENGTH):
        number, letter = divmod(number, len(ALPHABET))
        letters.append(ALPHABET[letter])
    return "".join(letters)
