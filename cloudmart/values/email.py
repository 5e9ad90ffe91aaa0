"""E-mail addresses: checked, trimmed, and otherwise kept as they were given."""

from typing import Annotated, Any

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, WithJsonSchema

from cloudmart.values.text import NO_NUL

# The longest address SMTP can carry (RFC 5321, 4.5.3.1: a path of 256 octets less its brackets).
_LONGEST = 254

# RFC 6762's names of a local network. The library refuses them; shops inside one use them.
_LOCAL_NETWORK = ".local"


def _checked(address: str) -> str:
    subject = address
    if address.lower().endswith(_LOCAL_NETWORK):
        subject = address[: -len(_LOCAL_NETWORK)] + ".test"
    try:
        # The test environment lets `.test` pass; no name is looked up.
        validate_email(subject, check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise ValueError(str(error)) from error
    return address


def _absent_if_blank(value: Any) -> Any:  # noqa: ANN401 - whatever a caller sends
    return None if isinstance(value, str) and not value.strip() else value


Email = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=_LONGEST),
    AfterValidator(_checked),
]
OptionalEmail = Annotated[
    Email | None,
    BeforeValidator(_absent_if_blank),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "format": "email", "maxLength": _LONGEST},
                {"type": "string", "pattern": r"^\s*$"},
                {"type": "null"},
            ]
        }
    ),
    Field(description="An e-mail address; kept as given. Leave it out for a guest."),
]


AskedEmail = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=500, pattern=NO_NUL),
]
"""An address to look for: whatever was stored, which nobody may have checked."""


def spellings(address: str) -> tuple[str, ...]:
    """Return the forms under which a customer's orders may be stored, the exact one first.

    An address has no spaces: where one arrives, it was a `+` that a page did not encode.
    """
    exact = address.strip(" ").replace(" ", "+")
    local, at, domain = exact.rpartition("@")
    return tuple(dict.fromkeys((exact, f"{local}{at}{domain.lower()}")))


def folded(address: str) -> bytes:
    """Return an address as two are compared: letter case does not count, all else does.

    ASCII's letters only: by Unicode's rules the Kelvin sign is a `k`, and another's address ours.
    """
    return address.strip(" ").replace(" ", "+").encode().lower()
