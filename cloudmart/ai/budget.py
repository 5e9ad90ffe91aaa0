"""How many tokens the assistants may use: in one conversation, and in a day all together."""

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from botocore.exceptions import ClientError

from cloudmart.ai.conversations import Conversation
from cloudmart.dynamodb.codec import Item
from cloudmart.dynamodb.expression import Expression
from cloudmart.dynamodb.table import Table
from cloudmart.errors import TokensSpentError, UnavailableError

_log = structlog.stdlib.get_logger(__name__)

_KEPT = timedelta(days=7)
_GATHERED = 1.0
"""Seconds in which what all chats use is gathered, and then written at once."""

_LONGEST = 30.0
"""Seconds after which a write that failed is tried again, at the latest."""

_FRESH = 5.0
"""Seconds for which a day's count is taken for what it was; to write to it tells it anew."""


@dataclass(frozen=True, slots=True)
class _Known:
    day: str
    tokens: int
    until: float


class TokenBudget:
    """Counts tokens. The day's count is an item of its own, which all replicas add to.

    Each adds what it used at most once a second, however many chats there are: DynamoDB takes
    1,000 writes a second to one item (its developer guide, "Best practices for partition keys").
    Others learn of it within seconds, so the limit may be passed by what is used meanwhile. Zero
    stands for no limit.
    """

    def __init__(self, table: Table, *, conversation: int, daily: int) -> None:
        self._table = table
        self._conversation = conversation
        self._daily = daily
        self._known: _Known | None = None
        self._unwritten = 0
        self._used = asyncio.Event()

    async def check(self, conversation: Conversation) -> None:
        """Raise TokensSpentError where nothing is left to spend."""
        if self._conversation and conversation.tokens >= self._conversation:
            raise TokensSpentError(
                "This conversation has become too long to go on. Please start a new one."
            )
        if self._daily and await self._spent() + self._unwritten >= self._daily:
            raise TokensSpentError(
                "The assistant has answered as much as it may today. Please come back tomorrow.",
                retry_after=_seconds_to_midnight(),
            )

    def spend(self, tokens: int) -> None:
        """Count tokens that were used."""
        if tokens and self._daily:
            self._unwritten += tokens
            self._used.set()

    async def run(self) -> None:
        """Write what was used, for as long as the process lives and at its end."""
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
            return True
        self._used.clear()
        day = _today()
        expires = int((datetime.now(UTC) + _KEPT).timestamp())
        update = Expression(
            "ADD #tokens :tokens SET #expiresAt = :expires", {"tokens": tokens, "expires": expires}
        )
        try:
            item = await self._table.amend(day, update)
        except (ClientError, UnavailableError) as error:
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
            known = self._learn(day, await self._table.get(day))
        return known.tokens

    def _learn(self, day: str, item: Item | None) -> _Known:
        tokens = int(item["tokens"]) if item else 0
        self._known = _Known(day, tokens, time.monotonic() + _FRESH)
        return self._known


def _today() -> str:
    return f"tokens-{datetime.now(UTC):%Y-%m-%d}"


def _seconds_to_midnight() -> int:
    moment = datetime.now(UTC)
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return int((midnight - moment).total_seconds()) + 1
