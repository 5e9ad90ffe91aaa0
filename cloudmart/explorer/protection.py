"""What the document says of who may call an operation, and how they prove it."""

from collections.abc import Mapping
from typing import Any

from cloudmart.access.rights import RIGHTS, Right
from cloudmart.errors import (
    ForbiddenError,
    ReservedAddressError,
    TooManyAttemptsError,
    UnauthorizedError,
    UnavailableError,
)
from cloudmart.http.documented import Answers, may_fail
from cloudmart.settings import AccessSettings, Way

Operation = dict[str, Any]

_SCHEMES: Mapping[Way, tuple[str, dict[str, str]]] = {
    Way.BASIC: (
        "password",
        {
            "type": "http",
            "scheme": "basic",
            "description": "An administrator's name and password.",
        },
    ),
    Way.JWT: (
        "token",
        {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "A token of the shop's issuer: of an administrator's group or scope, or "
            "of a customer whose e-mail address is verified.",
        },
    ),
}


def schemes(access: AccessSettings) -> dict[str, dict[str, str]]:
    """Return the security schemes that are in use."""
    return dict(_SCHEMES[way] for way in access.ways)


def security(access: AccessSettings, method: str, path: str) -> list[dict[str, list[str]]]:
    """Return what an operation asks of its callers: one of these, or nothing."""
    right = RIGHTS[f"{method} {path}"]
    if right in {Right.ANYONE, Right.READER, Right.TESTER}:
        return []
    if right is Right.CUSTOMER and not access.signed_in:
        return []
    if right is Right.GUEST:
        # Nothing is a choice as well.
        return [{}, {_SCHEMES[Way.JWT][0]: []}] if Way.JWT in access.ways else []
    return [{_SCHEMES[way][0]: []} for way in access.ways]


def refusals(access: AccessSettings, method: str, path: str) -> Answers:
    """Return the answers of an operation to whoever may not call it, or cannot be told apart."""
    right = RIGHTS[f"{method} {path}"]
    if right is Right.TESTER and access.ways:
        return may_fail(ReservedAddressError)
    if not security(access, method, path):
        return {}
    if right is Right.GUEST:
        return may_fail(UnauthorizedError, UnavailableError)
    # A password is always an administrator's: only a token can be of somebody else.
    forbidden = [ForbiddenError] if Way.JWT in access.ways else []
    guessed = [TooManyAttemptsError] if Way.BASIC in access.ways else []
    return may_fail(UnauthorizedError, *forbidden, *guessed, UnavailableError)
