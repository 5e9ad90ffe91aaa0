"""E-mail addresses: checked, trimmed, kept as they were given, and compared."""

import re
from functools import lru_cache
from typing import Annotated, Any
from unicodedata import normalize

import idna
from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, WithJsonSchema

from cloudmart.values.text import NO_NUL

# The longest address SMTP can carry (RFC 5321, 4.5.3.1: a path of 256 octets less its brackets).
_LONGEST = 254

# RFC 6762's names of a local network. The library refuses them; shops inside one use them.
_LOCAL_NETWORK = ".local"

TEST_ADDRESSES = "@verify.invalid"
"""How the addresses of test orders end: a domain that nobody can have (RFC 2606)."""

_WRITTEN = WithJsonSchema(
    {
        "anyOf": [
            {"type": "string", "format": "email", "maxLength": _LONGEST},
            {"type": "string", "pattern": r"^\s*$"},
            {"type": "null"},
        ]
    }
)
_GUEST = "An e-mail address; kept as given. Leave it out for a guest."
_LONGEST_KEY = 2048
"""UTF-8 bytes that the partition key of an index may have (DynamoDB's limit)."""

# Bounded on both sides, so that no text makes it look twice at much.
_PART = r"[^\s@<>()\[\]{},;:\"'`|«»“”„‘’]"  # noqa: RUF001 - quotes as people type them
_ADDRESS = re.compile(f"{_PART}{{1,64}}@{_PART}{{1,255}}")


# A customer who orders again has the same address, and all visitors of the storefront begin with
# one.
@lru_cache(maxsize=1024)
def _checked(address: str) -> str:
    subject = address
    if address.lower().endswith(_LOCAL_NETWORK):
        subject = address[: -len(_LOCAL_NETWORK)] + ".test"
    # The pipeline's Lambda reads this module for its words, and has no such library.
    from email_validator import EmailNotValidError, validate_email  # noqa: PLC0415

    try:
        # The test environment lets `.test` pass; no name is looked up.
        validate_email(subject, check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise ValueError(str(error)) from error
    return address


def is_test_address(address: object) -> bool:
    """Return whether an address is one under which `cloudmart verify` places orders."""
    return isinstance(address, str) and address.lower().endswith(TEST_ADDRESSES)


def _checked_for_order(address: str) -> str:
    if is_test_address(address):
        # The library refuses the domain, as it should everywhere else.
        _checked(f"{address[: -len(TEST_ADDRESSES)]}@shop.test")
        return address
    return _checked(address)


def _absent_if_blank(value: Any) -> Any:  # noqa: ANN401 - whatever a caller sends
    return None if isinstance(value, str) and not value.strip() else value


Email = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=_LONGEST),
    AfterValidator(_checked),
]
OptionalEmail = Annotated[
    Email | None, BeforeValidator(_absent_if_blank), _WRITTEN, Field(description=_GUEST)
]
OrderEmail = Annotated[
    Annotated[
        str,
        StringConstraints(strip_whitespace=True, max_length=_LONGEST),
        AfterValidator(_checked_for_order),
    ]
    | None,
    BeforeValidator(_absent_if_blank),
    _WRITTEN,
    Field(description=f"{_GUEST} One that ends in `{TEST_ADDRESSES}` makes a test order."),
]
"""A customer's address, or one of a test order."""


AskedEmail = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=500, pattern=NO_NUL),
]
"""An address to look for. It may be malformed: older releases stored any text."""


def email_key(address: object) -> str | None:
    """Return the one key under which all spellings of an address are found; None for no address.

    Neither letter case nor Unicode form counts, and a domain is its IDNA form. Several people's
    addresses may have the same key: `owner_form` tells them apart.
    """
    if not isinstance(address, str):
        return None
    local, at, domain = _parts(address)
    letters = normalize("NFC", normalize("NFC", local).casefold())
    key = f"{letters}{at}{_in_ascii(domain) or domain.lower()}"
    return key if 0 < len(key.encode(errors="replace")) <= _LONGEST_KEY else None


def owner_form(address: str) -> bytes:
    """Return an address as it is compared with one that somebody proved to own.

    In the local part ASCII's letter case alone does not count: by Unicode's rules the Kelvin sign
    is a `k` and `ß` is `ss`, and another's address ours.
    """
    local, at, domain = _parts(address)
    host = _in_ascii(domain) or domain
    return f"{local}{at}{host}".encode(errors="replace").lower()


def _parts(address: str) -> tuple[str, str, str]:
    # An address has no spaces: where one arrives, it was a `+` that a page did not encode.
    local, at, domain = address.strip().replace(" ", "+").rpartition("@")
    return (local, at, domain) if at else (domain, "", "")


def _in_ascii(domain: str) -> str | None:
    """Return a domain as DNS knows it (UTS 46), or None where IDNA refuses it."""
    if domain.isascii():
        return domain.lower()
    try:
        return idna.encode(domain, uts46=True).decode()
    except (UnicodeError, ValueError):
        return None


def address_in(message: str) -> str | None:
    """Return the e-mail address a customer gives in a message; None if there are several."""
    matches = (match.strip("*_.!?") for match in _ADDRESS.findall(message))
    found = {owner_form(match): match.encode().lower().decode() for match in matches}
    return found.popitem()[1] if len(found) == 1 else None
