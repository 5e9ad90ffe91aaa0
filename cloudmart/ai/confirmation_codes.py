"""A change is carried out when the customer, and nobody else, confirms it with a code.

The code is shown by our own code beside an answer. It is in nothing that a model reads, so no
text that reached a model, and no model, can confirm.
"""

import hashlib
import re
import secrets
import time
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from cloudmart.dynamodb.expression import Condition
from cloudmart.values.model import Model

MOST_TRIES = 5
LIFETIME = 600
"""Seconds a code is good for."""

REDACTED = "[code]"
"""Stands for a code wherever a model may read it."""

MOST_CODES = 20
"""The newest codes of a conversation: they are recognised when somebody quotes them later."""

# As people type and paste them: digits of any script, in groups.
_CODE = r"\d(?:[ .\u00a0-]?\d){5}(?!\d)"
_CONFIRMATION = re.compile(rf"\W*confirm\W+({_CODE})\W*", re.IGNORECASE)
_TYPED = re.compile(rf"(?P<word>\bconfirm\W{{1,20}})?(?<!\d){_CODE}", re.IGNORECASE)
_DIGIT = re.compile(r"\d")
_ANEW = re.compile(
    r"\b(new|another|other|fresh|lost|forg[eo]t\w*|resend|again|no|not|don.t)\b[^.!?]{0,60}\bcode\b"
    r"|\bcode\b[^.!?]{0,60}\b(again|anew|lost|gone|missing|expired)\b",
    re.IGNORECASE,
)


class OrderAction(StrEnum):
    """What an assistant may change of an order."""

    CANCEL = "cancel"
    DELETE = "delete"


class _Pending(Model):
    code_hash: str
    tries: int = 0
    expires_at: int

    @property
    def open(self) -> bool:
        """Return whether its code can still confirm it."""
        return self.tries < MOST_TRIES and self.expires_at > time.time()


class PendingChange(_Pending):
    """A change that waits for its code: of one order, in the version the customer was shown."""

    action: OrderAction
    order_id: str
    version: str

    @property
    def reminder(self) -> str:
        """Return the answer to a customer who agrees without the code."""
        return (
            f"Nothing is changed yet: to {self.action} order {self.order_id}, "
            "type CONFIRM and the six digits that you were shown."
        )

    def asked_anew(self, text: str) -> bool:
        """Return whether a customer asks for the change again, and does not only agree to it."""
        return self.order_id.casefold() in text.casefold() or bool(_ANEW.search(text))


class PendingTicket(_Pending):
    """A ticket that waits for its code, as the customer was shown it."""

    ticket_id: str
    subject: str
    text: str

    @property
    def reminder(self) -> str:
        """Return the answer to a customer who agrees without the code."""
        return (
            "Nothing is sent yet: to send your request to the shop's staff, "
            "type CONFIRM and the six digits that you were shown."
        )

    def says(self, subject: str, text: str) -> bool:
        """Return whether it is just this request."""
        return (self.subject, self.text) == (subject, text)


Pending = PendingChange | PendingTicket
"""What waits for its code: one thing at a time in a conversation."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What is to be confirmed, and the code for it; the code itself is not stored anywhere."""

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


# DynamoDB keeps 38 digits: to add one to an absurdly large number changes nothing.
COUNTABLE_TRIES = Condition(
    "attribute_type(#pending.#tries, :number) AND #pending.#tries BETWEEN :none AND :most",
    {"number": "N", "none": 0, "most": MOST_TRIES},
)
"""The condition that one more wrong code can be counted."""


def right_code(lock: str, hashed: str) -> Condition:
    """Return the condition that a code confirms what waits, in a conversation under this lock."""
    return Condition(
        "#lockToken = :lock AND #pending.#codeHash = :hash"
        " AND #pending.#tries < :most AND #pending.#expiresAt > :now",
        {"lock": lock, "hash": hashed, "most": MOST_TRIES, "now": int(time.time())},
    )


def propose(
    conversation: str, action: OrderAction, order_id: str, version: str, goods: str
) -> Proposal:
    """Return the proposal to change an order in the version it has now."""
    code = _new_code()
    pending = PendingChange(
        action=action,
        order_id=order_id,
        version=version,
        code_hash=code_hash(conversation, code),
        expires_at=int(time.time()) + LIFETIME,
    )
    return Proposal(pending, f"To {action} order {order_id} ({goods}), reply: CONFIRM", code)


def propose_ticket(conversation: str, ticket_id: str, subject: str, text: str) -> Proposal:
    """Return the proposal to send a request to the shop's staff, in just these words."""
    code = _new_code()
    pending = PendingTicket(
        ticket_id=ticket_id,
        subject=subject,
        text=text,
        code_hash=code_hash(conversation, code),
        expires_at=int(time.time()) + LIFETIME,
    )
    sentence = (
        f"To send this to the shop's staff, with this chat (subject: “{subject}”, text: “{text}”), "
        "reply: CONFIRM"
    )
    return Proposal(pending, sentence, code)


def _new_code() -> str:
    return f"{secrets.randbelow(1_000_000):06}"


def code_hash(conversation: str, code: str) -> str:
    """Return what is stored of a code; it is worth nothing in another conversation."""
    return hashlib.sha256(f"{conversation} {code}".encode()).hexdigest()


def code_in(text: str) -> str | None:
    """Return the code of a message that is a confirmation and nothing else."""
    found = _CONFIRMATION.fullmatch(text)
    return _digits(found[1]) if found else None


def without_code(conversation: str, hashes: Collection[str], text: str) -> str:
    """Return a message as a model may read it: without codes, good, wrong, spent or replaced.

    A code is what follows CONFIRM, and what a conversation has shown, of which it knows the hash.
    """
    if not _DIGIT.search(text):
        # Most messages: all of a conversation are read for each step.
        return text

    def redact(typed: re.Match[str]) -> str:
        word = typed["word"] or ""
        code = _digits(typed[0][len(word) :])
        shown = bool(hashes) and code_hash(conversation, code) in hashes
        return f"{word}{REDACTED}" if word or shown else typed[0]

    return _TYPED.sub(redact, text)


def _digits(typed: str) -> str:
    return "".join(str(unicodedata.decimal(sign)) for sign in typed if sign.isdecimal())
