"""A change is carried out when the customer, and nobody else, confirms it with a code.

The code is shown by our own code beside an answer. It is in nothing that a model reads, so no
text that reached a model, and no model, can confirm.
"""

import hashlib
import re
import secrets
import time
from dataclasses import dataclass
from enum import StrEnum

from cloudmart.values.model import Model

MOST_TRIES = 5
LIFETIME = 600
"""Seconds a code is good for."""

REDACTED = "[code]"
"""Stands for a code wherever a model may read it."""

_CONFIRMATION = re.compile(r"\W*confirm\W+([0-9]{6})\W*", re.IGNORECASE)
_SIX_DIGITS = re.compile(r"(?<![0-9])[0-9]{6}(?![0-9])")


class Action(StrEnum):
    """What an assistant may change of an order."""

    CANCEL = "cancel"
    DELETE = "delete"


class Pending(Model):
    """A change that waits for its code: of one order, in the version the customer was shown."""

    action: Action
    order_id: str
    version: str
    code_hash: str
    tries: int = 0
    expires_at: int


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change and the code that will confirm it; the code itself is nowhere stored."""

    pending: Pending
    sentence: str
    code: str

    @property
    def shown(self) -> str:
        """Return what the customer is asked."""
        return f"{self.sentence} {self.code}"

    @property
    def kept(self) -> str:
        """Return what a model may know of that."""
        return f"{self.sentence} {REDACTED}"


def propose(conversation: str, action: Action, order_id: str, version: str, goods: str) -> Proposal:
    """Return the proposal to change an order in the version it has now."""
    code = f"{secrets.randbelow(1_000_000):06}"
    pending = Pending(
        action=action,
        order_id=order_id,
        version=version,
        code_hash=code_hash(conversation, code),
        expires_at=int(time.time()) + LIFETIME,
    )
    return Proposal(pending, f"To {action} order {order_id} ({goods}), reply: CONFIRM", code)


def code_hash(conversation: str, code: str) -> str:
    """Return what is stored of a code; it is worth nothing in another conversation."""
    return hashlib.sha256(f"{conversation} {code}".encode()).hexdigest()


def code_in(text: str) -> str | None:
    """Return the code of a message that is a confirmation and nothing else."""
    found = _CONFIRMATION.fullmatch(text)
    return found[1] if found else None


def without_code(conversation: str, pending: Pending | None, text: str) -> str:
    """Return a message as a model may read it."""

    def redact(digits: re.Match[str]) -> str:
        known = pending is not None and code_hash(conversation, digits[0]) == pending.code_hash
        return REDACTED if known else digits[0]

    return _SIX_DIGITS.sub(redact, text)
