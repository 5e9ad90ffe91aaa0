"""Ids: short enough to type in a chat, random enough not to be guessed."""

import hashlib
import hmac
import secrets

ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
"""Lower-case letters and digits without the look-alikes 0, o, 1, l and i."""

LENGTH = 16
"""31 letters to the power of 16 are 79 bits."""


def new_id() -> str:
    """Return a fresh random id."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def derived_id(secret: bytes, text: str) -> str:
    """Return the one id that belongs to a text, which nobody without the secret can compute."""
    number = int.from_bytes(hmac.digest(secret, text.encode(), hashlib.sha256))
    letters = []
    for _ in range(LENGTH):
        number, letter = divmod(number, len(ALPHABET))
        letters.append(ALPHABET[letter])
    return "".join(letters)
