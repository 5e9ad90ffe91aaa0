"""Conversations in their table: locked for a turn, changed by it as a whole or not at all."""

import asyncio
import hashlib
import re
import secrets
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import Annotated

import structlog
from botocore.exceptions import ClientError
from pydantic import Field

from cloudmart.access.authentication import Caller
from cloudmart.ai.confirmation_codes import (
    COUNTABLE_TRIES,
    MOST_CODES,
    Pending,
    Proposal,
    code_in,
    right_code,
    without_code,
)
from cloudmart.ai.ports import ProviderMessage, Role
from cloudmart.dynamodb.codec import Item
from cloudmart.dynamodb.expression import Condition, Increment
from cloudmart.dynamodb.table import RefusedError, Table
from cloudmart.errors import (
    CloudmartError,
    ConflictError,
    ConversationBusyError,
    UnknownConversationError,
)
from cloudmart.http.server_sent_events import run_to_completion
from cloudmart.values.email import address_in
from cloudmart.values.model import Entity, Model
from cloudmart.values.timestamp import now, stamp

_log = structlog.stdlib.get_logger(__name__)

MOST_TURNS = 60
MOST_BYTES = 200_000
"""UTF-8 bytes of text that are kept: an item may have 400 kB in all."""

READ_AT_ONCE = 8
"""Conversations that are read at once, locked ones too: each takes some megabytes meanwhile."""

LOCK_MARGIN = 15
"""Seconds a lock outlasts the longest turn."""

_LAST_TIME = 10**11
"""Seconds since 1970 that no clock will show: a lock that ends later is no lock."""

_LOCK = ("lockToken", "lockUntil")

_RETRY_AFTER = 3
_ID = re.compile(r"(thread|conv)_[A-Za-z0-9_-]{32}")


class ConversationKind(StrEnum):
    """What a conversation is called on the wire, and what its id begins with."""

    THREAD = "thread"
    CONVERSATION = "conv"


class StoredMessage(Model):
    """A message as it is kept."""

    role: Role
    text: str


Count = Annotated[int, Field(ge=0, le=10**12)]


class Conversation(Entity):
    """A conversation. Its id is a bearer's secret: it goes to no log and to no provider."""

    history: list[StoredMessage] = []
    email: str | None = None
    pending: Pending | None = None
    codes: list[str] = []
    tokens: Count = 0
    failed_lookups: Count = 0
    open_tickets: list[str] = []

    @cached_property
    def fingerprint(self) -> str:
        """Return what logs and providers know the conversation by."""
        return hashlib.sha256(self.id.encode()).hexdigest()

    @property
    def messages(self) -> list[ProviderMessage]:
        """Return the messages as a provider gets them."""
        hashes = self._code_hashes()
        return [
            ProviderMessage(spoken.role, without_code(self.id, hashes, spoken.text))
            for spoken in self.history
        ]

    def without_codes(self, text: str) -> str:
        """Return a message as a model may read it."""
        return without_code(self.id, self._code_hashes(), text)

    def _code_hashes(self) -> set[str]:
        return {*self.codes, self.pending.code_hash} if self.pending else {*self.codes}


class Turn:
    """One message of a conversation while it is answered, and the result.

    `email` is the address that a token proved or, where the shop believes customers, the last one
    they gave. Elsewhere a customer without a token `must_sign_in`.
    """

    def __init__(
        self,
        conversation: Conversation,
        lock: str,
        caller: Caller,
        message: str,
        *,
        believes: bool = True,
    ) -> None:
        self.conversation = conversation
        self.lock = lock
        self.caller = caller
        self.message = message
        self.proved = caller.email is not None
        self.must_sign_in = not believes and not self.proved
        self.email = caller.email
        if believes and not caller.email:
            given = None if code_in(message) else address_in(message)
            self.email = given or conversation.email
        self._proposal: Proposal | None = None
        self._reminder = ""
        self._tokens = 0
        self._failed_lookups = conversation.failed_lookups
        self._ended = False

    @property
    def proposal(self) -> Proposal | None:
        """Return what the customer is to confirm, if something was proposed."""
        return self._proposal

    @property
    def reminder(self) -> str:
        """Return what is said under the answer where something waits for its code already."""
        return self._reminder

    @property
    def tokens(self) -> int:
        """Return what the turn has cost."""
        return self._tokens

    @property
    def failed_lookups(self) -> int:
        """Return how many look-ups of the conversation have found nothing."""
        return self._failed_lookups

    @property
    def ended(self) -> bool:
        """Return whether the turn was written, so that its lock is free."""
        return self._ended

    def propose(self, proposal: Proposal) -> None:
        """Ask the customer to confirm something."""
        self._proposal = proposal

    def remind(self, reminder: str) -> None:
        """Have the customer told that something waits for its code."""
        self._reminder = reminder

    def spend(self, tokens: int) -> None:
        """Count what a step has cost."""
        self._tokens += tokens

    def fail_lookup(self) -> int:
        """Count a look-up that found nothing, and return how many there were."""
        self._failed_lookups += 1
        return self._failed_lookups

    def end(self) -> None:
        """Note that the turn was written."""
        self._ended = True


BeginTurn = Callable[[Conversation, str], Turn]
"""Makes the turn of a locked conversation."""


@dataclass(slots=True)
class _Lock:
    """The lock of a conversation, which may be held though nobody heard of it any more."""

    key: str
    token: str = field(default_factory=lambda: secrets.token_hex(16))
    held: bool = False


class ConversationRepository:
    """The conversations with the assistants."""

    def __init__(self, table: Table, *, lifetime: timedelta, longest_turn: float) -> None:
        self._table = table
        self._lifetime = int(lifetime.total_seconds())
        self._lock_seconds = int(longest_turn) + LOCK_MARGIN
        self._reads = asyncio.Semaphore(READ_AT_ONCE)

    async def start(self, kind: ConversationKind) -> str:
        """Start a conversation and return its id, which nobody can guess."""
        return await self.open(f"{kind}_{secrets.token_urlsafe(24)}")

    async def open(self, key: str) -> str:
        """Start the conversation of an id, which must be free, and return the id."""
        item = {"id": key, "createdAt": stamp(now()), "expiresAt": self._expiry()}
        await self._table.put(item, new=True)
        return key

    @asynccontextmanager
    async def turn(self, kind: ConversationKind, key: str, begin: BeginTurn) -> AsyncIterator[Turn]:
        """Lock a conversation for a turn; what is not committed inside leaves no trace.

        Only what the turn cost is kept in any case.

        Raises:
            UnknownConversationError: there is none of that id and kind, or it has expired.
            ConversationBusyError: an earlier turn has not ended.
        """
        if not _ID.fullmatch(key) or not key.startswith(f"{kind}_"):
            raise UnknownConversationError
        lock, turn = _Lock(key), None
        try:
            item = await run_to_completion(self._take(lock))
            turn = begin(Conversation.read(item), lock.token)
            yield turn
        finally:
            if lock.held and not (turn and turn.ended):
                await run_to_completion(self._release(lock, turn))

    async def commit(self, turn: Turn, question: str, answer: str) -> None:
        """Write a turn and end it, or raise ConflictError where its lock was lost."""
        said = [
            StoredMessage(role=Role.USER, text=question),
            StoredMessage(role=Role.ASSISTANT, text=answer),
        ]
        history = newest_turns([*turn.conversation.history, *said])
        changes: dict[str, object] = {
            "history": [{"role": spoken.role.value, "text": spoken.text} for spoken in history],
            "expiresAt": self._expiry(),
            "updatedAt": stamp(now()),
        }
        if turn.email is not None:
            changes["email"] = turn.email
        if turn.proposal is not None:
            pending = turn.proposal.pending
            changes["pending"] = pending.model_dump()
            changes["codes"] = [*turn.conversation.codes, pending.code_hash][-MOST_CODES:]
        await run_to_completion(self._end(turn, changes))

    async def consume(self, turn: Turn, code_hash: str) -> Pending | None:
        """Return what a code confirms, and forget it; count a wrong code."""
        consumed = {"confirmedBy": turn.lock, "pending": None}
        key = turn.conversation.id
        try:
            await self._table.update(key, set=consumed, when=right_code(turn.lock, code_hash))
        except RefusedError as error:
            if error.item.get("confirmedBy") == turn.lock:
                return turn.conversation.pending
            with suppress(RefusedError):
                wrong = {"pending.tries": Increment(1)}
                await self._table.update(key, set=wrong, when=COUNTABLE_TRIES)
            return None
        return turn.conversation.pending

    async def count_failed_lookup(self, turn: Turn) -> None:
        """Count a look-up that found nothing, at once: a turn may be broken off."""
        count = {"failedLookups": turn.fail_lookup()}
        await self._table.update(turn.conversation.id, set=count)

    async def note_ticket(self, turn: Turn, ticket_id: str) -> None:
        """Keep the number of a ticket that was opened, for the end of the chat."""
        opened = [*turn.conversation.open_tickets, ticket_id]
        await self._table.update(turn.conversation.id, set={"openTickets": opened})

    async def tickets_of(self, key: str) -> list[str]:
        """Return the numbers of the tickets that were opened in a conversation, if it is known."""
        item = await self._table.get(key) if _ID.fullmatch(key) else None
        return Conversation.read(item).open_tickets if item else []

    async def forget_customer(self, key: str) -> None:
        """Forget the customer and the pending question: the next speaker must give both again."""
        if not _ID.fullmatch(key):
            return
        # A turn that is still being answered loses its lock, or it would write both again.
        forgotten = dict.fromkeys(("email", "pending", *_LOCK))
        await self._table.update(key, set=forgotten)

    async def claim_sentiment(self, key: str) -> bool:
        """Return whether the sentiment of one of our conversations is rated for the first time."""
        if not _ID.fullmatch(key):
            return False
        moment = int(time.time())
        unread = Condition(
            "#expiresAt > :now AND attribute_not_exists(#moodReadAt)", {"now": moment}
        )
        try:
            claimed = await self._table.update(key, set={"moodReadAt": moment}, when=unread)
        except RefusedError:
            return False
        return claimed is not None

    async def _take(self, lock: _Lock) -> Item:
        moment = int(time.time())
        until = moment + self._lock_seconds
        # A value that is not a time is no lock: it would never end.
        free = Condition(
            "#expiresAt > :now AND (attribute_not_exists(#lockUntil)"
            " OR NOT attribute_type(#lockUntil, :number)"
            " OR #lockUntil < :now OR #lockUntil > :last)",
            {"now": moment, "last": _LAST_TIME, "number": "N"},
        )
        try:
            # A refusal brings the whole item, too.
            async with self._table.database.budget(), self._reads:
                item = await self._table.update(
                    lock.key,
                    set={"lockToken": lock.token, "lockUntil": until},
                    when=free,
                    returning=True,
                )
        except RefusedError as error:
            if _has_expired(error.item, moment):
                raise UnknownConversationError from error
            raise ConversationBusyError(retry_after=_RETRY_AFTER) from error
        if item is None:
            raise UnknownConversationError
        lock.held = True
        return item

    async def _release(self, lock: _Lock, turn: Turn | None) -> None:
        try:
            await self._unlock(lock.key, lock.token, _cost(turn) if turn else {})
        except (CloudmartError, ClientError) as error:
            # The lock ends by itself; the failure that brought us here is the one to tell.
            _log.warning("conversation_not_released", cause=repr(error))

    async def _end(self, turn: Turn, changes: Mapping[str, object]) -> None:
        await self._unlock(turn.conversation.id, turn.lock, {**changes, **_cost(turn)})
        turn.end()

    async def _unlock(self, key: str, token: str, changes: Mapping[str, object]) -> None:
        ended = {"endedTurn": token, **dict.fromkeys(_LOCK), **changes}
        locked = Condition("#lockToken = :lock", {"lock": token})
        try:
            there = await self._table.update(key, set=ended, when=locked)
        except RefusedError as error:
            # An earlier try has ended it, and its answer was lost.
            there = error.item if error.item.get("endedTurn") == token else None
        if there is None:
            raise ConflictError("The answer came too late. Please ask again.")

    def _expiry(self) -> int:
        return int(time.time()) + self._lifetime


def _cost(turn: Turn) -> dict[str, object]:
    # Nobody else counts while the lock holds; a number can also take a bad value's place.
    return {"tokens": turn.conversation.tokens + turn.tokens} if turn.tokens else {}


def _has_expired(item: Item, moment: int) -> bool:
    expires = item.get("expiresAt")
    return not isinstance(expires, Decimal) or expires <= moment


def newest_turns(history: Sequence[StoredMessage]) -> list[StoredMessage]:
    """Return the newest turns that are kept, each with its question and its answer."""
    kept = list(history[-2 * MOST_TURNS :])
    size = sum(len(spoken.text.encode()) for spoken in kept)
    while size > MOST_BYTES:
        size -= sum(len(spoken.text.encode()) for spoken in kept[:2])
        del kept[:2]
    return kept
