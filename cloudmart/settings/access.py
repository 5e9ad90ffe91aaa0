"""Settings of who gets in: how administrators and customers prove who they are."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from cloudmart.settings.formats import SPACED, Endpoint, Listed, SettingsGroup

_NAME = re.compile(r"[\w.@+-]{1,64}")
_HASH = re.compile(
    r"\$argon2id\$v=19\$m=(\d{1,9}),t=(\d{1,9}),p=(\d{1,9})"
    r"\$[A-Za-z0-9+/]{11,86}\$[A-Za-z0-9+/]{22,86}",
    re.ASCII,
)
# Below, a stolen hash is guessed too fast; above, checking one takes what the shop needs.
_KIBIBYTES = range(8 * 1024, 256 * 1024 + 1)
_PASSES = range(1, 11)
_LANES = range(1, 9)


def parse_admins(told: SecretStr) -> Mapping[str, str]:
    """Return the hash of each administrator by name, or raise ValueError with a message.

    No message has a name or a hash in it: a password may stand in their place.
    """
    found: dict[str, str] = {}
    for number, pair in enumerate(told.get_secret_value().split(), 1):
        name, colon, hashed = pair.partition(":")
        if not colon or not _NAME.fullmatch(name):
            raise ValueError(f"has no name and colon before the hash in pair {number}")
        if name in found:
            raise ValueError(f"has a name twice, again in pair {number}")
        cost = _HASH.fullmatch(hashed)
        if not cost:
            raise ValueError(f"has no argon2id hash in pair {number}")
        memory, passes, lanes = map(int, cost.groups())
        if memory not in _KIBIBYTES or passes not in _PASSES or lanes not in _LANES:
            raise ValueError(
                f"has a hash that is too cheap or too expensive to check in pair {number}"
            )
        found[name] = hashed
    return found


def _checked(told: SecretStr) -> SecretStr:
    parse_admins(told)
    return told


AdminUsers = Annotated[SecretStr, AfterValidator(_checked)]


class SignInMethod(StrEnum):
    """A method to sign in; with `off` nobody signs in."""

    BASIC = "basic"
    JWT = "jwt"
    OFF = "off"


class CustomerOrders(StrEnum):
    """Who may list the orders of an e-mail address; `auto` depends on the sign-in method."""

    AUTO = "auto"
    OPEN = "open"
    SIGNED_IN = "signed-in"


class Algorithm(StrEnum):
    """The algorithm with which tokens are signed; all others are refused."""

    RS256 = "RS256"
    ES256 = "ES256"


_Name = Annotated[str, Field(max_length=256)]


class AccessSettings(SettingsGroup):
    """Access: how administrators and customers sign in."""

    auth: Annotated[tuple[SignInMethod, ...], Listed] = Field(
        (),
        validation_alias="AUTH",
        description="How administrators prove who they are: `basic` (a password), `jwt` (a "
        "token), both separated by a comma, or `off`: then anyone may do everything. "
        "Outside local mode `serve` refuses to start until it is set. "
        "[Access](access.md) says how to choose.",
        examples=["basic, jwt or both (basic,jwt); or off"],
    )
    admin_users: AdminUsers | None = Field(
        None,
        validation_alias="ADMIN_USERS",
        description="The administrators for `basic`: pairs `name:hash`, separated by white space. "
        "`cloudmart auth hash` makes a hash.",
        examples=["ann:$argon2id$v=19$…, with the hash `cloudmart auth hash` prints"],
        json_schema_extra=SPACED,
    )
    issuer: Endpoint | None = Field(
        None,
        validation_alias="JWT_ISSUER",
        description="The issuer that signs the tokens of `jwt`, exactly as in their `iss`.",
        examples=["https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_…"],
    )
    audience: Annotated[tuple[_Name, ...], Listed] = Field(
        (),
        validation_alias="JWT_AUDIENCE",
        description="The audience of a token: its `aud`, or its `client_id` if it has no `aud`. "
        "Separate several with commas.",
        examples=["the id of the app client, from the user pool's page"],
    )
    jwks_url: Endpoint | None = Field(
        None,
        validation_alias="JWT_JWKS_URL",
        description="The address of the issuer's keys. Unset means the address that the issuer's "
        "discovery document names (`/.well-known/openid-configuration`), as for Cognito.",
        examples=["https://login.example.com/keys"],
    )
    algorithm: Algorithm = Field(
        Algorithm.RS256,
        validation_alias="JWT_ALGORITHM",
        description="The only algorithm for signatures that the service accepts: `RS256` or "
        "`ES256`.",
        examples=["RS256"],
    )
    admin_group: _Name = Field(
        "cloudmart-admins",
        validation_alias="JWT_ADMIN_GROUP",
        description="The group whose members are administrators.",
        examples=["cloudmart-admins"],
    )
    groups_claim: _Name = Field(
        "cognito:groups",
        validation_alias="JWT_GROUPS_CLAIM",
        description="The claim that lists a token's groups.",
        examples=["cognito:groups"],
    )
    admin_scope: _Name | None = Field(
        None,
        validation_alias="JWT_ADMIN_SCOPE",
        description="A scope that also makes its holder an administrator, for programs. Unset "
        "means no scope does.",
        examples=["cloudmart/admin"],
    )
    leeway: float = Field(
        30,
        validation_alias="JWT_LEEWAY",
        ge=0,
        le=300,
        description="How many seconds the issuer's clock and ours may differ.",
        examples=["30"],
    )
    customer_orders: CustomerOrders = Field(
        CustomerOrders.AUTO,
        validation_alias="CUSTOMER_ORDERS",
        description="Who may list the orders of an e-mail address. `open`: anyone who names it, "
        "which the storefront needs while its customers do not sign in. `signed-in`: "
        "a customer whose token has that address, verified. `auto`: `signed-in` if "
        "AUTH contains jwt, otherwise `open`.",
        examples=["auto"],
    )

    @property
    def ways(self) -> tuple[SignInMethod, ...]:
        """The ways in, none while nobody is asked."""
        return tuple(way for way in self.auth if way is not SignInMethod.OFF)

    @property
    def signed_in(self) -> bool:
        """Whether customers must have signed in to see their orders."""
        if self.customer_orders is CustomerOrders.AUTO:
            return SignInMethod.JWT in self.ways
        return self.customer_orders is CustomerOrders.SIGNED_IN
