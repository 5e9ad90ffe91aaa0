"""How many tokens the assistants may use: in one conversation, and in a day all together."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cloudmart.ai.conversations import Conversation
from cloudmart.dynamodb.codec import Item
from cloudmart.dynamodb.expression import Expression
from cloudmart.dynamodb.table import Table
from cloudmart.errors import TokensSpentError

_KEPT = timedelta(days=7)
_FRESH = 5.0
"""Seconds for which a day's count is taken for what it was; to write to it tells it anew."""


@dataclass(frozen=True, slots=True)
class _Known:
    day: str
    tokens: int
    until: float


class TokenBudget:
    """Counts tokens. The day's count is an item of its own, which all replicas add to.

    Tokens are counted after they were used, and what others used is learned within seconds, so
    the limit may be passed by what is used meanwhile. Zero stands for no limit.
    """

    def __init__(self, table: Table, *, conversation: int, daily: int) -> None:
        self._table = table
        self._conversation = conversation
        self._daily = daily
        self._known: _Known | None = None

    async def check(self, conversation: Conversation) -> None:
        """Raise TokensSpentError where nothing is left to spend."""
        if self._conversation and conversation.tokens >= self._conversation:
            raise TokensSpentError(
                "This conversation has become too long to go on. Please start a new one."
            )
        if self._daily and await self._spent() >= self._daily:
            raise TokensSpentError(
                "The assistant has answered as much as it may today. Please come back tomorrow.",
                retry_after=_seconds_to_midnight(),
            )

    async def spend(self, tokens: int) -> None:
        """Count tokens that were used."""
        if not tokens or not self._daily:
            return
        update = Expression(
            "ADD #tokens :tokens SET #expiresAt = :expires",
            {"tokens": tokens, "expires": int((datetime.now(UTC) + _KEPT).timestamp())},
        )
        day = _today()
        self._learn(day, await self._table.amend(day, update))

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
