"""Changes only of what the client has seen: `ETag` and `If-Match` (RFC 9110, 8.8.3 and 13.1.1)."""

import re
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header, Request
from pydantic.json_schema import SkipJsonSchema

from cloudmart.errors import PreconditionFailedError

_TAGS = re.compile(r'(W/)?("[\x21\x23-\x7e\x80-\xff]*")')


@dataclass(frozen=True, slots=True)
class Precondition:
    """What a change depends on: the value of `If-Match`, without which nothing."""

    condition: str | None = None

    @property
    def is_given(self) -> bool:
        """Tell whether anything depends on the present state."""
        return self.condition is not None and self.condition.strip() != "*"

    def check(self, etag: str, *others: str) -> None:
        """Raise PreconditionFailedError if what has a tag must not change.

        `others` are those of the same state as other clients see it.
        """
        # A weak tag says that two states are alike, which is not enough for a change.
        strong = {tag for weak, tag in _TAGS.findall(self.condition or "") if not weak}
        if self.is_given and strong.isdisjoint({etag, *others}):
            raise PreconditionFailedError(etag)


def is_seen(condition: str, etag: str) -> bool:
    """Tell whether `If-None-Match` names what has a tag (weak comparison, RFC 9110, 13.1.2)."""
    if condition == etag:
        return True
    return condition.strip() == "*" or any(tag == etag for _, tag in _TAGS.findall(condition))


UNCONDITIONAL = Precondition()


async def _sent(request: Request) -> Precondition:
    lines = request.headers.getlist("if-match")
    return Precondition(", ".join(lines) if lines else None)


_Sent = Annotated[Precondition, Depends(_sent)]


async def _documented(
    sent: _Sent,
    if_match: Annotated[
        str | SkipJsonSchema[None],
        Header(
            alias="If-Match",
            description="The `ETag` of what you have seen. Where it is another now, nothing is "
            "changed, and the answer is 412.",
            examples=["*"],
        ),
    ] = None,
) -> Precondition:
    del if_match  # the last of several lines
    return sent


IfMatch = Annotated[Precondition, Depends(_documented)]
"""What an endpoint that changes something may ask for."""

IfMatchToDelete = _Sent
"""The same for one that deletes: an example in the document could be tried but once."""
