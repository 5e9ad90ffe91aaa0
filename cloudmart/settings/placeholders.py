"""What a placeholder looks like: a value that somebody was meant to replace.

Whole values and whole labels only, never a part of one: a random key may contain `xxx`, and
`shop.example.com` is a good host.
"""

import base64
import binascii
import re

QUOTES = "\"'`\u201c\u201d\u2018\u2019"

_WORDS = frozenset(
    {"changeme", "change-me", "change_me", "todo", "tbd", "placeholder", "example", "none", "-"}
)
_BRACKETED = re.compile(r"<.*>|\$\{.*\}|\{\{.*\}\}", re.DOTALL)
_CROSSES = re.compile(r"x{3,}[x._…-]*", re.IGNORECASE)
_YOURS = ("your-", "your_")
_AUTHORITY = re.compile(r"[a-z][a-z0-9+.-]*://(?:[^/?#@]*@)?([^/?#:]*)", re.IGNORECASE)
_DOCUMENTATION_ACCOUNT = re.compile(r"arn:[^:]*:[^:]*:[^:]*:123456789012(:.*)?", re.DOTALL)


def is_placeholder(value: str) -> bool:
    """Tell whether a value, or what it is the base64 of, was meant to be replaced."""
    bare = value.strip().strip(QUOTES).strip()
    return _stands_in(bare) or _stands_in(_decoded(bare))


def _stands_in(value: str) -> bool:
    lowered = value.lower()
    return bool(
        lowered in _WORDS
        or lowered.startswith(_YOURS)
        or _BRACKETED.fullmatch(value)
        or _CROSSES.fullmatch(value)
        or _DOCUMENTATION_ACCOUNT.fullmatch(value)
        or any(label.startswith(_YOURS) for label in _labels(lowered))
    )


def _labels(url: str) -> list[str]:
    authority = _AUTHORITY.match(url)
    return authority[1].split(".") if authority else []


def _decoded(value: str) -> str:
    try:
        return base64.b64decode(value, validate=True).decode().strip()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return ""
