"""Checks before a route who calls, and whether they may."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Protocol

from fastapi import Depends, Request
from starlette.datastructures import Headers
from starlette.types import Scope

from cloudmart.access.rights import Right
from cloudmart.errors import CloudmartError, ForbiddenError, UnauthorizedError
from cloudmart.http.client_address import UNKNOWN, client_address
from cloudmart.http.dependencies import FromRequest
from cloudmart.observability.metrics import SIGN_INS
from cloudmart.values.email import owner_form

REALM = 'realm="CloudMart"'


@dataclass(frozen=True, slots=True)
class Caller:
    """The caller: an administrator, the owner of a verified e-mail address, or neither.

    `name` is what an administrator is known by where changes are written down, `client` the
    address they call from.
    """

    admin: bool = False
    email: str | None = None
    name: str | None = None
    client: str = UNKNOWN

    def check_may_see_orders_of(self, address: str) -> None:
        """Raise ForbiddenError unless the caller may see the orders of an address."""
        if not self.admin and (self.email is None or owner_form(self.email) != owner_form(address)):
            raise ForbiddenError

    @property
    def owner(self) -> str | None:
        """Return the only address whose orders the caller may see; None for any address."""
        return None if self.admin else self.email


ANONYMOUS = Caller()
"""A caller who has proved nothing."""
EVERYBODY_ADMIN = Caller(admin=True)
"""The caller while AUTH is off: it may be anyone, and everything is allowed."""


def _caller(request: Request) -> Caller:
    # A route without a gate has not identified its caller: nobody gets in.
    caller: Caller = getattr(request.state, "caller", ANONYMOUS)
    return replace(caller, client=client_address(request.scope))


CurrentCaller = Annotated[Caller, Depends(FromRequest(_caller))]
"""What an endpoint can depend on: its caller."""


class AuthenticationScheme(Protocol):
    """A method by which callers prove who they are."""

    def challenge(self, *, tried: bool) -> str:
        """Return its `WWW-Authenticate` header, after an attempt or before one."""
        ...

    async def identify(self, credentials: str, client: str) -> Caller | None:
        """Return the owner of credentials, or None; raise CloudmartError if nobody can tell."""
        ...

    async def close(self) -> None:
        """Release what it holds."""
        ...


class Authentication:
    """Lets callers do what they have the right to do. Without any method, anyone may do everything.

    Args:
        ways: By the scheme of the `Authorization` header, in lower case; the first is the one a
            browser is offered first.
        signed_in: Whether customers must prove an address to see its orders.
    """

    def __init__(self, ways: Mapping[str, AuthenticationScheme], *, signed_in: bool) -> None:
        self._ways = ways
        self._signed_in = signed_in

    async def admit(self, scope: Scope, right: Right) -> Caller:
        """Return who calls, or raise CloudmartError if they may not."""
        if not self._ways or (right is Right.CUSTOMER and not self._signed_in):
            return EVERYBODY_ADMIN
        credentials = Headers(scope=scope).getlist("authorization")
        scheme, _, proof = credentials[0].partition(" ") if len(credentials) == 1 else ("", "", "")
        scheme = scheme.lower()
        if right in {Right.READER, Right.TESTER}:
            return await self._recognized(scheme, proof.strip(" "), scope)
        if right is Right.GUEST and not (scheme == "bearer" and scheme in self._ways):
            # A browser sends an administrator's password along wherever it can.
            return ANONYMOUS
        caller = await self._identify(scheme, proof.strip(" "), client_address(scope))
        if right is Right.ADMIN and not caller.admin:
            raise ForbiddenError([f'Bearer {REALM}, error="insufficient_scope"'])
        return caller

    async def _recognized(self, scheme: str, proof: str, scope: Scope) -> Caller:
        # What anyone may do is never refused, even with wrong credentials.
        if scheme not in self._ways:
            return ANONYMOUS
        try:
            return await self._identify(scheme, proof, client_address(scope))
        except CloudmartError:
            return ANONYMOUS

    async def close(self) -> None:
        """Release what the methods hold."""
        for way in self._ways.values():
            await way.close()

    async def _identify(self, scheme: str, proof: str, client: str) -> Caller:
        way = self._ways.get(scheme)
        if way is None:
            # A browser asks its user only where it is offered to: a program with a token is not.
            raise UnauthorizedError([each.challenge(tried=False) for each in self._ways.values()])
        try:
            caller = await way.identify(proof, client)
        except CloudmartError as error:
            SIGN_INS.labels(scheme, error.code).inc()
            raise
        SIGN_INS.labels(scheme, "refused" if caller is None else "accepted").inc()
        if caller is None:
            raise UnauthorizedError([way.challenge(tried=True)])
        return caller
