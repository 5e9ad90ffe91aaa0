"""Chats that have ended: read for their mood, and kept as closed tickets."""

import asyncio
from collections.abc import Sequence
from decimal import Decimal

import structlog

from cloudmart.ai.conversations import ConversationRepository
from cloudmart.ai.messages import Chat, ChatEnded
from cloudmart.ai.ports import Scores, SentimentAnalyzer
from cloudmart.errors import UpstreamError
from cloudmart.observability.metrics import CHATS_ENDED
from cloudmart.tickets.models import SentimentScores, Ticket, TicketStatus, cut
from cloudmart.tickets.repository import TicketRepository
from cloudmart.values.ids import new_id
from cloudmart.values.timestamp import now

_log = structlog.stdlib.get_logger(__name__)

ANALYSIS_TIMEOUT = 20.0
"""Seconds the analyzer has before the one that is always there takes its place."""

NEUTRAL = SentimentScores(positive=Decimal(0), neutral=Decimal(1), negative=Decimal(0))
_NOBODY = "none"


class ChatArchive:
    """Keeps chats. That an analyzer is away never costs a ticket: another one is asked then."""

    def __init__(
        self,
        tickets: TicketRepository,
        conversations: ConversationRepository,
        analyzer: SentimentAnalyzer,
        *,
        instead: SentimentAnalyzer,
    ) -> None:
        self._tickets = tickets
        self._conversations = conversations
        self._analyzers = [analyzer, instead] if analyzer is not instead else [instead]

    async def keep(self, chat: Chat) -> ChatEnded:
        """Save a chat as a closed ticket with its customer's mood."""
        if chat.id is not None:
            # Tickets show it to everyone who reads them: it is no secret from here on.
            await self._conversations.forget_customer(chat.id)
        kept, truncated = cut(chat.messages)
        texts = [message.text for message in kept if message.sender == "user"]
        scores, source = await self._mood(texts)
        moment = now()
        mood = overall(scores)
        ticket = Ticket(
            id=new_id(),
            status=TicketStatus.CLOSED,
            created_at=moment,
            updated_at=moment,
            thread_id=chat.id,
            thread_name=chat.name,
            conversation=kept,
            truncated=truncated,
            sentiment_scores=scores,
            overall_sentiment=mood,
            sentiment_source=source,
        )
        await self._tickets.add(ticket)
        CHATS_ENDED.labels(mood, source).inc()
        return ChatEnded(
            thread_id=chat.id,
            ticket_id=ticket.id,
            sentiment_scores=scores,
            overall_sentiment=mood,
        )

    async def _mood(self, texts: Sequence[str]) -> tuple[SentimentScores, str]:
        spoken = [text for text in texts if text.strip()]
        for analyzer in self._analyzers if spoken else ():
            try:
                async with asyncio.timeout(ANALYSIS_TIMEOUT):
                    return average(await analyzer.score(spoken)), analyzer.source
            except (UpstreamError, TimeoutError) as error:
                _log.warning("sentiment_not_read", source=analyzer.source, cause=repr(error))
        return NEUTRAL, _NOBODY


def average(scores: Sequence[Scores | None]) -> SentimentScores:
    """Return the mean of the scores there are; neutral where there are none."""
    known = [score for score in scores if score is not None]
    if not known:
        return NEUTRAL
    return SentimentScores(
        positive=_mean([score.positive for score in known]),
        neutral=_mean([score.neutral for score in known]),
        negative=_mean([score.negative for score in known]),
    )


def overall(scores: SentimentScores) -> str:
    """Return the mood that outweighs both others; neutral where none does."""
    if scores.positive > max(scores.neutral, scores.negative):
        return "positive"
    if scores.negative > max(scores.neutral, scores.positive):
        return "negative"
    return "neutral"


def _mean(shares: Sequence[float]) -> Decimal:
    # Decimal: what is equal on paper must not differ by binary noise.
    return sum((Decimal(str(share)) for share in shares), Decimal()) / len(shares)
