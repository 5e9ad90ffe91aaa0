"""Whoever calls, as far as it was asked and proved."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from cloudmart.errors import ForbiddenError
from cloudmart.values.email import folded


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever calls: an administrator, the owner of a verified e-mail address, or neither."""

    admin: bool = False
    email: str | None = None

    def check_may_see_orders_of(self, address: str) -> None:
        """Raise ForbiddenError unless the orders of an address are the caller's to see."""
        if not self.admin and (self.email is None or folded(self.email) != folded(address)):
            raise ForbiddenError


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
