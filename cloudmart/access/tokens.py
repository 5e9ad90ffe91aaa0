"""Tokens by HTTP's Bearer scheme (RFC 6750): JSON Web Tokens of one issuer (RFC 7519, RFC 8725)."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import jwt
import structlog

from cloudmart.access.authentication import REALM, Caller
from cloudmart.access.jwks import IssuerKeys
from cloudmart.settings import AccessSettings

LONGEST = 8 * 1024
"""Characters a token may have."""

_NAME = 200
"""Characters of a caller's name that are kept."""

_KINDS = frozenset({"jwt", "at+jwt", "application/at+jwt"})
_OURS = ("exp", "iss", "sub")

_log = structlog.stdlib.get_logger(__name__)


class Tokens:
    """Identifies callers by the tokens of an issuer.

    The settings name the algorithm, and the issuer publishes the keys. What a token says of its
    algorithm and keys is compared with these, and never followed.
    """

    def __init__(self, settings: AccessSettings, keys: IssuerKeys) -> None:
        self._settings = settings
        self._keys = keys

    def challenge(self, *, tried: bool) -> str:
        """Return its `WWW-Authenticate` header, after an attempt or before one."""
        return f"Bearer {REALM}" + (', error="invalid_token"' if tried else "")

    async def identify(self, credentials: str, client: str) -> Caller | None:
        """Return the owner of a token, or None if the token is not valid.

        Raises:
            UnavailableError: the issuer's keys are not available.
        """
        del client
        try:
            claims = await self._verified(credentials)
        except (jwt.PyJWTError, ValueError) as error:
            # The kind of error alone: its words may have parts of the token in them.
            _log.info("token_refused", reason=type(error).__name__)
            return None
        return self._caller(claims)

    async def close(self) -> None:
        """Stop asking the issuer."""
        await self._keys.close()

    async def _verified(self, token: str) -> Mapping[str, Any]:
        if len(token) > LONGEST:
            raise jwt.DecodeError("too long")
        header = jwt.get_unverified_header(token)
        # Checked before a key is looked for: a token of another kind must not cause a fetch.
        if header.get("alg") != self._settings.algorithm or "crit" in header:
            raise jwt.InvalidAlgorithmError
        if str(header.get("typ", "jwt")).lower() not in _KINDS:
            raise jwt.InvalidTokenError
        for key in await self._keys.find(str(header.get("kid", ""))):
            with suppress(jwt.InvalidSignatureError):
                return self._decoded(token, key)
        raise jwt.InvalidKeyError

    def _decoded(self, token: str, key: jwt.PyJWK) -> Mapping[str, Any]:
        claims: Mapping[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[self._settings.algorithm],
            issuer=self._settings.issuer,
            leeway=self._settings.leeway,
            options={"require": list(_OURS), "verify_aud": False},
        )
        if not self._is_for_us(claims):
            raise jwt.InvalidAudienceError
        return claims

    def _is_for_us(self, claims: Mapping[str, Any]) -> bool:
        # Cognito's access tokens have no `aud`: the client's id stands in its place.
        named = claims["aud"] if "aud" in claims else claims.get("client_id")
        return any(one in self._settings.audience for one in _texts(named))

    def _caller(self, claims: Mapping[str, Any]) -> Caller:
        settings = self._settings
        groups = _texts(claims.get(settings.groups_claim))
        scopes = str(claims.get("scope", "")).split()
        email = claims.get("email")
        # Cognito writes it as a word in some places.
        verified = str(claims.get("email_verified")).lower() == "true"
        return Caller(
            admin=settings.admin_group in groups
            or (settings.admin_scope is not None and settings.admin_scope in scopes),
            email=email if isinstance(email, str) and verified else None,
            name=str(email if isinstance(email, str) and verified else claims["sub"])[:_NAME],
        )


def _texts(value: Any) -> list[str]:  # noqa: ANN401 - any JSON
    values = value if isinstance(value, list) else [value]
    return [one for one in values if isinstance(one, str)]
