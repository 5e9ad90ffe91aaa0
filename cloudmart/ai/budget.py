"""How many tokens the assistants may use: in one conversation, and in a day all together."""

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from math import ceil
from typing import TypeGuard

import structlog
from botocore.exceptions import ClientError

from cloudmart.ai.conversations import Conversation
from cloudmart.ai.ports import ProviderStep, StepRequest, TextDelta, Usage
from cloudmart.dynamodb.codec import Item
from cloudmart.dynamodb.expression import Increment
from cloudmart.dynamodb.table import Table
from cloudmart.errors import CloudmartError, ProviderTimeoutError, TokensSpentError

_log = structlog.stdlib.get_logger(__name__)

_KEPT = timedelta(days=7)
_MOST_REAL = 10**13
"""More tokens than can be used in a day: a larger stored count is not a real one."""

_GATHERED = 1.0
"""Seconds for which the tokens of all chats are added up before they are written."""

_SHOWN = 40
"""Characters of a stored count that the log shows."""

_LONGEST = 30.0
"""The most seconds until a failed write is tried again."""

_FRESH = 5.0
"""Seconds for which a day's count is used as it was read; a write returns the newest one."""


_IN_A_MOMENT = 10
"""Seconds after which running steps have reported what they used."""

LONGEST_OUTPUT = 4000
"""Tokens of output that are reserved for a step: the most that it may use."""

UNFINISHED_OUTPUT = 500
"""The least tokens of output that an abandoned step counts for."""


@dataclass(frozen=True, slots=True)
class _Known:
    day: str
    tokens: int
    until: float


class TokenBudget:
    """Counts tokens. The day's count is an item of its own, which all replicas add to.

    Each adds what it used at most once a second, however many chats there are: DynamoDB takes
    1,000 writes a second to one item (its developer guide, "Best practices for partition keys").
    Others learn of it within seconds, so the limit may be passed by what is used meanwhile. What a
    step may use is reserved when it begins, so that steps at the same time are bound by it too.
    Zero stands for no limit.
    """

    def __init__(self, table: Table, *, conversation: int, daily: int) -> None:
        self._table = table
        self._conversation = conversation
        self._daily = daily
        self._known: _Known | None = None
        self._unwritten = 0
        self._reserved = 0
        self._used = asyncio.Event()

    def check(self, conversation: Conversation) -> None:
        """Raise TokensSpentError where a conversation has nothing left to spend."""
        if self._conversation and conversation.tokens >= self._conversation:
            raise TokensSpentError(
                "This conversation has become too long to go on. Please start a new one."
            )

    async def reserve(self, tokens: int) -> None:
        """Count what a step may use before it begins; raise TokensSpentError if none are left.

        What is reserved must be settled, however the step ends.
        """
        if not self._daily:
            return
        # Nothing is awaited between this look and the count: steps that begin at once see each
        # other.
        spent = await self._spent() + self._unwritten
        if spent - self._reserved >= self._daily:
            raise TokensSpentError(
                "The assistant has reached its limit for today. Please come back tomorrow.",
                retry_after=_seconds_to_midnight(),
            )
        if spent >= self._daily:
            raise TokensSpentError(
                "Other chats are using the rest of today's limit. Please try again in a moment.",
                retry_after=_IN_A_MOMENT,
            )
        self._reserved += tokens
        self._add(tokens)

    def settle(self, reserved: int, used: int) -> None:
        """Count what a step really used in place of what was reserved for it."""
        if self._daily:
            self._reserved -= reserved
            self._add(used - reserved)

    async def run(self) -> None:
        """Write what was used, while the process runs and at its end."""
        pause = _GATHERED
        try:
            while True:
                await self._used.wait()
                await asyncio.sleep(pause)
                pause = _GATHERED if await self._write() else min(2 * pause, _LONGEST)
        finally:
            # A write that was under way may be counted twice: better than not at all.
            await self._write()

    async def _write(self) -> bool:
        tokens = self._unwritten
        if not tokens:
            self._used.clear()
            return True
        self._used.clear()
        day = _today()
        expires = int((datetime.now(UTC) + _KEPT).timestamp())
        used = {"tokens": Increment(tokens), "expiresAt": expires}
        try:
            item = await self._table.update(day, set=used, create=True, returning=True)
        except (ClientError, CloudmartError, ArithmeticError, TypeError, ValueError) as error:
            # They stay where they are, and are counted here until then.
            self._used.set()
            _log.warning("tokens_not_written", tokens=tokens, cause=repr(error))
            return False
        self._unwritten -= tokens
        self._learn(day, item)
        return True

    async def _spent(self) -> int:
        day, known = _today(), self._known
        if known is None or known.day != day or known.until < time.monotonic():
            try:
                item = await self._table.get(day)
                if item and not _is_real(item.get("tokens", 0)):
                    item = await self._begun_anew(day, item)
            except (ClientError, CloudmartError) as error:
                # What others use is not known for now; what is used here is, and still counts.
                _log.warning("tokens_not_read", cause=repr(error))
                tokens = known.tokens if known and known.day == day else 0
                item = {"tokens": tokens}
            # The count that a write returned meanwhile is newer.
            newer = self._known is not known and self._known is not None
            known = self._known if newer and self._known else self._learn(day, item)
        return known.tokens

    async def _begun_anew(self, day: str, item: Item) -> Item:
        """Restart a day's count at zero, and return its item: the stored value is no real count."""
        _log.warning("tokens_not_believed", day=day, stored=repr(item["tokens"])[:_SHOWN])
        fresh = await self._table.update(day, set={"tokens": 0}, create=True, returning=True)
        return fresh or {}

    def _learn(self, day: str, item: Item | None) -> _Known:
        self._known = _Known(day, _tokens(item), time.monotonic() + _FRESH)
        return self._known

    def _add(self, tokens: int) -> None:
        self._unwritten += tokens
        self._used.set()


def _tokens(item: Item | None) -> int:
    """Return a day's count; an impossible one counts as none, and fails no answer."""
    counted = item.get("tokens", 0) if item else 0
    return int(counted) if _is_real(counted) else 0


def _is_real(counted: object) -> TypeGuard[int | Decimal]:
    return isinstance(counted, int | Decimal) and -_MOST_REAL <= counted <= _MOST_REAL


def _today() -> str:
    return f"tokens-{datetime.now(UTC).date().isoformat()}"


def _seconds_to_midnight() -> int:
    moment = datetime.now(UTC)
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return int((midnight - moment).total_seconds()) + 1


# English has about four bytes to a token, most other scripts three and fewer.
_BYTES_READ, _BYTES_WRITTEN = 4, 3


@dataclass(slots=True)
class Spending:
    """What a step has cost so far: customers hang up and providers fail, and both are paid for."""

    asked: int
    told: Usage | None = None
    pieces: int = 0
    written: int = 0
    finished: bool = False

    @classmethod
    def on(cls, request: StepRequest) -> "Spending":
        """Return the spending on a step that has not begun."""
        return cls(ceil(request.size / _BYTES_READ))

    @property
    def reserved(self) -> int:
        """Return what the step may use."""
        return self.asked + LONGEST_OUTPUT

    def take(self, event: TextDelta | Usage | ProviderStep) -> None:
        """Take in what the step yields."""
        match event:
            case Usage():
                self.told = event
            case TextDelta():
                self.pieces += 1
                self.written += _size(event.text)
            case ProviderStep():
                self.finished = True
                calls = sum(_size(call.name) + _size(call.arguments) for call in event.calls)
                self.written = max(self.written, _size(event.text)) + calls

    def end(self, error: BaseException) -> None:
        """Take in what ended the step before it was finished."""
        lost = isinstance(error, asyncio.CancelledError | GeneratorExit | ProviderTimeoutError)
        if lost and self.told is None:
            # The request was on its way: nobody knows how far it came.
            self.told = Usage()

    def used(self) -> Usage | None:
        """Return what the step cost, None for one that cost nothing; no number is left out."""
        if self.told is None:
            return None
        told = self.told
        return Usage(
            self.asked if told.input_tokens is None else told.input_tokens,
            self._output() if told.output_tokens is None else told.output_tokens,
            told.cached_tokens,
            told.reasoning_tokens,
        )

    def _output(self) -> int:
        # Most providers send a piece for each token.
        seen = max(self.pieces, ceil(self.written / _BYTES_WRITTEN))
        return seen if self.finished else max(seen, UNFINISHED_OUTPUT)


def _size(text: str) -> int:
    return len(text.encode(errors="replace"))
