"""A support ticket and the conversation it keeps."""

import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, PlainSerializer

from cloudmart.values import ids
from cloudmart.values.email import OptionalEmail
from cloudmart.values.ids import new_id
from cloudmart.values.model import Model, Stored, Versioned, entity_tag
from cloudmart.values.text import AnyText, Characters, Newest, Prose, Subject, replace_surrogates
from cloudmart.values.timestamp import Created, Updated, now

MOST_MESSAGES = 200
LONGEST_MESSAGE = 4000
"""Characters of one message that are kept."""

MOST_BYTES = 256_000
"""UTF-8 bytes of a conversation that are kept: an item may have 400 kB in all."""

_PACKED = ("conversation", "sentimentScores")
"""Attributes that an older version stored as the text of their JSON."""


class TicketStatus(StrEnum):
    """Whether somebody still has to look at a ticket."""

    OPEN = "open"
    IN_PROGRESS = "in_progress"
    CLOSED = "closed"


_STATUSES = {status.value: status for status in TicketStatus}
_RESOLVED = "resolved"
# An older version's word.
_STATUSES[_RESOLVED] = TicketStatus.CLOSED


# Pages that cut a text at a length of theirs, through an emoji, left half a character.
StoredText = Annotated[str, AfterValidator(replace_surrogates)]

Share = Annotated[
    Decimal,
    Field(ge=0, le=1, allow_inf_nan=False),
    PlainSerializer(float, return_type=float, when_used="json"),
]


class MessageCreate(Model):
    """A message of a chat, from the customer or the assistant."""

    sender: Annotated[Literal["user", "ai"], Field(description="The customer, or the assistant.")]
    # One more than is kept shows that there were more.
    text: Annotated[
        Annotated[AnyText, Characters(LONGEST_MESSAGE + 1)],
        Field(description="Kept up to 4,000 characters."),
    ]


Messages = Annotated[list[MessageCreate], Newest(MOST_MESSAGES)]
"""A chat as a page sends it; messages too old to be kept may be anything."""


class TicketCreate(Model):
    """A ticket to open. All of it is optional."""

    subject: Annotated[Subject | None, Field(description="At most 200 characters.")] = None
    message: Annotated[Prose | None, Field(description="At most 4,000 characters.")] = None
    user_email: OptionalEmail = None
    conversation: Annotated[
        Messages | None,
        Field(description="A chat; its last 200 messages, 256 kB, are kept."),
    ] = None


class TicketUpdate(Model):
    """What staff may change of a ticket."""

    status: Annotated[TicketStatus, Field(description="To any status from any other.")]


class ChatMessage(Stored):
    """A message of a chat as it was kept."""

    sender: Annotated[StoredText, Field(description="`user` or `ai`.")] = ""
    text: Annotated[StoredText, Field(description="At most 4,000 characters.")] = ""


class SentimentScores(Stored):
    """A customer's sentiment: three shares of 1."""

    positive: Annotated[Share, Field(description="0 to 1.")] = Decimal()
    neutral: Annotated[Share, Field(description="0 to 1.")] = Decimal()
    negative: Annotated[Share, Field(description="0 to 1.")] = Decimal()


def _word(value: Any) -> Any:  # noqa: ANN401 - whatever the table holds
    return _STATUSES.get(value, value) if isinstance(value, str) else value


class Ticket(Versioned):
    """A customer's question, or a chat that has ended."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": ids.TICKET,
                    "status": "closed",
                    "createdAt": "2026-11-23T08:00:00.000Z",
                    "updatedAt": "2026-11-23T08:00:00.000Z",
                    "threadId": "1763884800000",
                    "threadName": "Support chat",
                    "conversation": [
                        {"sender": "user", "text": "Where is my lamp?"},
                        {"sender": "ai", "text": "It was sent this morning."},
                        {"sender": "user", "text": "Wonderful, thank you!"},
                    ],
                    "truncated": False,
                    "sentimentScores": {"positive": 0.82, "neutral": 0.16, "negative": 0.02},
                    "overallSentiment": "positive",
                    "sentimentSource": "azure",
                    "subject": "Where is my order?",
                    "message": "I ordered a lamp last week and have not heard of it since.",
                    "userEmail": ids.CUSTOMER,
                }
            ]
        }
    )

    status: Annotated[
        TicketStatus,
        BeforeValidator(_word),
        Field(description="Whether somebody still has to look at it."),
    ] = TicketStatus.OPEN
    created_at: Created = None
    updated_at: Updated = None
    thread_id: Annotated[str | None, Field(description="The chat it was made from.")] = None
    thread_name: Annotated[str | None, Field(description="What the page called the chat.")] = None
    conversation: Annotated[list[ChatMessage], Field(description="The oldest message first.")] = []
    truncated: Annotated[bool, Field(description="Whether some of the chat was left out.")] = False
    sentiment_scores: Annotated[
        SentimentScores | None, Field(description="The customer's sentiment; null if not rated.")
    ] = None
    overall_sentiment: Annotated[
        str | None, Field(description="`positive`, `neutral` or `negative`.")
    ] = None
    sentiment_source: Annotated[
        str | None, Field(description="Who rated it: `azure` or `offline-vader`.")
    ] = None
    subject: Annotated[str | None, Field(description="At most 200 characters.")] = None
    message: Annotated[str | None, Field(description="At most 4,000 characters.")] = None
    user_email: Annotated[
        str | None, Field(description="The address to answer, as it was given.")
    ] = None

    @property
    def etag(self) -> str:
        """Return the strong validator of its present state."""
        return entity_tag(self.version, self.updated_at, self.status)

    @classmethod
    def open(cls, request: TicketCreate) -> "Ticket":
        """Turn a request into an open ticket; a long conversation is cut, never refused."""
        moment = now()
        kept, truncated = newest_messages(request.conversation or [])
        if not kept and request.message:
            kept = [ChatMessage(sender="user", text=request.message)]
        return cls(
            id=new_id(),
            created_at=moment,
            updated_at=moment,
            conversation=kept,
            truncated=truncated,
            subject=request.subject,
            message=request.message,
            user_email=request.user_email,
            version=1,
        )

    @classmethod
    def old_shapes(cls, item: Mapping[str, Any]) -> Iterator[str]:
        """Yield words for what an older release wrote otherwise."""
        for name in _PACKED:
            if isinstance(item.get(name), str):
                yield f"{name}-as-text"
        if item.get("status") == _RESOLVED:
            yield "status-in-other-words"

    @classmethod
    def modern(cls, item: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return an item that an older version stored, with its JSON strings read."""
        packed = {name: item[name] for name in _PACKED if isinstance(item.get(name), str)}
        return dict(item) | {name: _unpacked(text) for name, text in packed.items()}

    @classmethod
    def read(cls, item: Mapping[str, Any]) -> Self:
        """Return the ticket a stored item holds, as well as it can be read.

        Staff read the conversation, so a message is its first entry where nothing of it can be
        read.
        """
        ticket = super().read(item)
        if ticket.conversation or not ticket.message:
            return ticket
        first = ChatMessage(sender="user", text=ticket.message)
        return ticket.model_copy(update={"conversation": [first]})


def newest_messages(messages: Sequence[MessageCreate]) -> tuple[list[ChatMessage], bool]:
    """Return the newest messages that a ticket keeps, and whether anything was left out."""
    kept: list[ChatMessage] = []
    room = MOST_BYTES
    for message in reversed(messages[-MOST_MESSAGES:]):
        text = message.text[:LONGEST_MESSAGE]
        # A map of two short names costs DynamoDB some twenty bytes, and its text.
        room -= len(text.encode()) + 32
        if room < 0:
            break
        kept.append(ChatMessage(sender=message.sender, text=text))
    kept.reverse()
    complete = len(kept) == len(messages) and all(
        len(message.text) <= LONGEST_MESSAGE for message in messages
    )
    return kept, not complete


def _unpacked(text: str) -> Any:  # noqa: ANN401 - any JSON
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
