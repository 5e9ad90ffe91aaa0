"""The sentiment of a chat: by a lexicon, and by the paid analyzer."""

import asyncio
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from math import ceil

import structlog
from botocore.exceptions import ClientError

from cloudmart.ai.conversations import ConversationRepository
from cloudmart.ai.ports import Scores, SentimentAnalyzer
from cloudmart.ai.step_metrics import analysis_meter
from cloudmart.ai.step_span import analysis_span
from cloudmart.dynamodb.expression import Condition, Increment
from cloudmart.dynamodb.table import RefusedError, Table
from cloudmart.errors import CloudmartError
from cloudmart.observability.metrics import SENTIMENT_UNITS
from cloudmart.tickets.models import SentimentScores

_log = structlog.stdlib.get_logger(__name__)

_KEPT = timedelta(days=7)

ANALYSIS_TIMEOUT = 20.0
"""Seconds the analyzer has; somebody waits for the chat to be closed."""

UNIT = 1000
"""Characters of a text that are paid for together."""

MOST_UNITS = 50
"""Units of one chat that are paid for: its newest messages."""

NOBODY = "none"
"""Names who read a chat that had no word to read."""

NEUTRAL = SentimentScores(positive=Decimal(0), neutral=Decimal(1), negative=Decimal(0))


class SentimentUnits:
    """Counts the units of a day in one item, which all replicas add to. Zero means no limit.

    Chats end seldom, compared with the messages that they are made of: each end writes by itself,
    so the limit holds to the unit.
    """

    def __init__(self, table: Table, *, daily: int) -> None:
        self._table = table
        self._daily = daily

    async def take(self, units: int) -> bool:
        """Count units before they are used, or tell that the day has not so many left."""
        if not self._daily:
            return True
        if units > self._daily:
            return False
        moment = datetime.now(UTC)
        expires = int((moment + _KEPT).timestamp())
        count = {"units": Increment(units), "expiresAt": expires}
        left = Condition(
            "attribute_not_exists(#units) OR #units <= :left", {"left": self._daily - units}
        )
        try:
            key = f"sentiment-{moment:%Y-%m-%d}"
            await self._table.update(key, set=count, when=left, create=True)
        except RefusedError:
            return False
        return True


@dataclass(frozen=True, slots=True)
class ChatSentiment:
    """The sentiment of a customer, and the analyzer that rated it."""

    scores: SentimentScores
    source: str

    @property
    def overall(self) -> str:
        """Return the sentiment that outweighs both others; neutral if none does."""
        scores = self.scores
        if scores.positive > max(scores.neutral, scores.negative):
            return "positive"
        if scores.negative > max(scores.neutral, scores.positive):
            return "negative"
        return "neutral"


class SentimentService:
    """Rates chats: the free analyzer always answers, the paid one once for each chat."""

    def __init__(
        self,
        conversations: ConversationRepository,
        analyzer: SentimentAnalyzer,
        *,
        instead: SentimentAnalyzer,
        units: SentimentUnits,
    ) -> None:
        self._conversations = conversations
        self._paid = None if analyzer is instead else analyzer
        self._free = instead
        self._units = units

    async def guess(self, texts: Sequence[str]) -> ChatSentiment:
        """Return the free analyzer's rating of texts."""
        if not _spoken(texts):
            return ChatSentiment(NEUTRAL, NOBODY)
        return await self._read(self._free, _spoken(texts)) or ChatSentiment(NEUTRAL, NOBODY)

    async def ask(self, conversation: str | None, texts: Sequence[str]) -> ChatSentiment | None:
        """Return the paid analyzer's rating of a chat, None if it is not asked.

        It is asked once for each conversation of ours, and while some of the day's units are left.
        """
        spoken = _newest(_spoken(texts))
        if self._paid is None or conversation is None or not spoken:
            return None
        if not await self._conversations.claim_sentiment(conversation):
            return None
        if not await self._units.take(units := _units(spoken)):
            _log.warning("sentiment_units_spent", units=units)
            return None
        SENTIMENT_UNITS.inc(units)
        return await self._read(self._paid, spoken, units)

    async def _read(
        self, analyzer: SentimentAnalyzer, texts: Sequence[str], units: int = 0
    ) -> ChatSentiment | None:
        meter = analysis_meter(analyzer.source, units) if units else nullcontext()
        try:
            with meter, analysis_span(analyzer.source):
                async with asyncio.timeout(ANALYSIS_TIMEOUT):
                    scores = await analyzer.score(texts)
        except (CloudmartError, ClientError, TimeoutError) as error:
            _log.warning("sentiment_not_read", source=analyzer.source, cause=repr(error))
            return None
        if not any(scores):
            # To have read nothing is not to have found the customer neutral.
            _log.warning("sentiment_not_read", source=analyzer.source, cause="no text was scored")
            return None
        return ChatSentiment(mean_scores(scores), analyzer.source)


def mean_scores(scores: Sequence[Scores | None]) -> SentimentScores:
    """Return the mean of the scores, or neutral without any."""
    known = [score for score in scores if score is not None]
    if not known:
        return NEUTRAL
    return SentimentScores(
        positive=_mean([score.positive for score in known]),
        neutral=_mean([score.neutral for score in known]),
        negative=_mean([score.negative for score in known]),
    )


def _spoken(texts: Sequence[str]) -> list[str]:
    return [text for text in texts if text.strip()]


def _units(texts: Sequence[str]) -> int:
    return sum(ceil(len(text) / UNIT) for text in texts)


def _newest(texts: Sequence[str]) -> list[str]:
    """Return the newest texts that are paid for, the oldest of them first."""
    kept: list[str] = []
    for text in reversed(texts):
        if _units([*kept, text]) > MOST_UNITS:
            break
        kept.append(text)
    return kept[::-1]


def _mean(shares: Sequence[float]) -> Decimal:
    # Decimal: what is equal on paper must not differ by binary noise.
    return sum((Decimal(str(share)) for share in shares), Decimal()) / len(shares)
