"""Keeps chats that have ended as closed tickets, and rates their sentiment."""

from collections import defaultdict, deque
from typing import Annotated, Any

import structlog
from botocore.exceptions import ClientError
from pydantic import BeforeValidator, Field, WithJsonSchema

from cloudmart.ai.conversations import ConversationRepository
from cloudmart.ai.sentiment import NOBODY, ChatSentiment, SentimentService
from cloudmart.errors import CloudmartError
from cloudmart.observability.metrics import CHATS_ENDED, SATISFACTION, SATISFACTION_CHATS
from cloudmart.tickets.models import (
    Messages,
    SentimentScores,
    Ticket,
    TicketStatus,
    newest_messages,
)
from cloudmart.tickets.repository import TicketRepository
from cloudmart.values.ids import new_id
from cloudmart.values.model import Model
from cloudmart.values.text import NO_NUL, AnyText, Characters
from cloudmart.values.timestamp import now

_log = structlog.stdlib.get_logger(__name__)

MOST_SCORES = 100
"""Chats over which the score of satisfaction is a mean."""


_SHORT = Characters(200)


def _text(value: Any) -> Any:  # noqa: ANN401 - whatever a caller sends
    # Pages name a chat by the clock.
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


ChatId = Annotated[
    AnyText,
    _SHORT,
    BeforeValidator(_text),
    WithJsonSchema({"anyOf": [{"type": "string", "pattern": NO_NUL}, {"type": "integer"}]}),
]


class Chat(Model):
    """A chat as its page shows it."""

    id: Annotated[
        ChatId | None, Field(description="The page's name for it, or its `threadId`.")
    ] = None
    name: Annotated[
        Annotated[AnyText, _SHORT] | None,
        Field(description="Kept up to 200 characters."),
    ] = None
    messages: Annotated[
        Messages, Field(description="All messages. The last 200 are kept, up to 256 kB.")
    ] = []


class ChatToEnd(Model):
    """A chat that its customer has ended."""

    thread: Annotated[Chat, Field(description="The whole chat.")]


class ChatEnded(Model):
    """The ticket that keeps a chat, and the customer's sentiment."""

    thread_id: str | None = Field(description="The chat's id as it was sent.")
    ticket_id: str = Field(description="The closed ticket that keeps the chat.")
    sentiment_scores: SentimentScores = Field(description="The average over its messages.")
    overall_sentiment: str = Field(
        description="`positive`, `neutral` or `negative`: the strict majority of the scores."
    )


class SatisfactionScores:
    """Tells how satisfied customers sounded in the last chats that this process ended.

    Each reader of moods has a score of its own.
    """

    def __init__(self) -> None:
        self._scores: dict[str, deque[float]] = defaultdict(lambda: deque(maxlen=MOST_SCORES))

    def add(self, mood: ChatSentiment) -> None:
        """Count a chat, unless it had no word to read."""
        if mood.source == NOBODY:
            return
        scores = self._scores[mood.source]
        scores.append(float(1 + mood.scores.positive - mood.scores.negative) / 2)
        SATISFACTION.labels(mood.source).set(sum(scores) / len(scores))
        SATISFACTION_CHATS.labels(mood.source).set(len(scores))


class ChatArchive:
    """Keeps chats. The ticket comes first: whatever fails after that does not cost it."""

    def __init__(
        self,
        tickets: TicketRepository,
        conversations: ConversationRepository,
        sentiment: SentimentService,
    ) -> None:
        self._tickets = tickets
        self._conversations = conversations
        self._sentiment = sentiment
        self._satisfaction = SatisfactionScores()

    async def keep(self, chat: Chat) -> ChatEnded:
        """Save a chat as a closed ticket with its customer's sentiment."""
        kept, truncated = newest_messages(chat.messages)
        texts = [message.text for message in kept if message.sender == "user"]
        moment, mood = now(), await self._sentiment.guess(texts)
        ticket = Ticket(
            id=new_id(),
            status=TicketStatus.CLOSED,
            created_at=moment,
            updated_at=moment,
            thread_id=chat.id,
            thread_name=chat.name,
            message=await self._opened_before(chat),
            conversation=kept,
            truncated=truncated,
            sentiment_scores=mood.scores,
            overall_sentiment=mood.overall,
            sentiment_source=mood.source,
        )
        await self._tickets.add(ticket)
        await self._forget(chat)
        mood = await self._reread(ticket, texts) or mood
        CHATS_ENDED.labels(mood.overall, mood.source).inc()
        self._satisfaction.add(mood)
        return ChatEnded(
            thread_id=chat.id,
            ticket_id=ticket.id,
            sentiment_scores=mood.scores,
            overall_sentiment=mood.overall,
        )

    async def _opened_before(self, chat: Chat) -> str | None:
        """Return the sentence that names the tickets of a chat that its customer opened in it."""
        if chat.id is None:
            return None
        try:
            opened = await self._conversations.tickets_of(chat.id)
        except (CloudmartError, ClientError) as error:
            _log.warning("tickets_of_chat_unknown", cause=repr(error))
            return None
        return f"Tickets opened in this chat: {', '.join(opened)}." if opened else None

    async def _forget(self, chat: Chat) -> None:
        if chat.id is None:
            return
        try:
            # Tickets show it to everyone who reads them: it is no secret from here on.
            await self._conversations.forget_customer(chat.id)
        except (CloudmartError, ClientError) as error:
            _log.warning("customer_not_forgotten", cause=repr(error))

    async def _reread(self, ticket: Ticket, texts: list[str]) -> ChatSentiment | None:
        """Return the paid analyzer's rating, once the ticket has it too."""
        try:
            mood = await self._sentiment.ask(ticket.thread_id, texts)
            if mood is not None:
                await self._tickets.change_sentiment(
                    ticket.id, mood.scores, mood.overall, mood.source
                )
        except (CloudmartError, ClientError) as error:
            _log.warning("mood_not_kept", cause=repr(error))
            return None
        return mood
