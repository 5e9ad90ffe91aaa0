"""Whoever calls, as far as it was asked and proved."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from cloudmart.errors import ForbiddenError
from cloudmart.values.email import owner_form


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever calls: an administrator, the owner of a verified e-mail address, or neither.

    `name` is what an administrator is known by where changes are written down.
    """

    admin: bool = False
    email: str | None = None
    name: str | None = None

    def check_may_see_orders_of(self, address: str) -> None:
        """Raise ForbiddenError unless the orders of an address are the caller's to see."""
        if not self.admin and (self.email is None or owner_form(self.email) != owner_form(address)):
            raise ForbiddenError

    @property
    def owner(self) -> str | None:
        """Return the address whose orders are all that the caller may see; None for any."""
        return None if self.admin else self.email


STRANGER = Caller()
"""Somebody who has proved nothing."""
UNASKED = Caller(admin=True)
"""Whoever calls where nobody is asked: it may be anyone, and all is allowed."""


async def _caller(request: Request) -> Caller:
    # Without a gate before the route nobody was asked, and nobody gets in.
    caller: Caller = getattr(request.state, "caller", STRANGER)
    return caller


CurrentCaller = Annotated[Caller, Depends(_caller)]
"""What an endpoint may ask for: whoever calls it."""
