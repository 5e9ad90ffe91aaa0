"""The ways in that the settings ask for."""

from collections.abc import Callable

from cloudmart.access.gate import Gate, Way
from cloudmart.settings import AccessSettings
from cloudmart.settings import Way as Named
from cloudmart.settings.admins import admins


def build_gate(settings: AccessSettings, tell: Callable[[bool], None]) -> Gate:
    """Return the gate for some settings; `tell` hears whether an issuer gives its keys.

    A way in that is named and not configured, as local mode tolerates it, lets nobody in.
    """
    ways: dict[str, Way] = {}
    if Named.BASIC in settings.ways:
        ways["basic"] = _passwords(settings)
    if Named.JWT in settings.ways:
        ways["bearer"] = _tokens(settings, tell)
    return Gate(ways, signed_in=settings.signed_in)


# What hashes and what checks signatures takes a while to import: only who needs it waits.
def _passwords(settings: AccessSettings) -> Way:
    from cloudmart.access.basic import Passwords  # noqa: PLC0415

    return Passwords(admins(settings.admin_users) if settings.admin_users else {})


def _tokens(settings: AccessSettings, tell: Callable[[bool], None]) -> Way:
    from cloudmart.access.jwks import KeyRing  # noqa: PLC0415
    from cloudmart.access.tokens import Tokens  # noqa: PLC0415

    issuer = (settings.issuer or "").rstrip("/")
    url = settings.jwks_url or f"{issuer}/.well-known/jwks.json"
    return Tokens(settings, KeyRing(url, settings.algorithm, tell))
