"""What the routes of the assistants take and answer."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, StringConstraints, WithJsonSchema

from cloudmart.tickets.models import Messages, SentimentScores
from cloudmart.values.model import Model
from cloudmart.values.text import NO_NUL, SOMETHING, AnyText, Characters

MessageText = Annotated[
    AnyText,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=4000, pattern=SOMETHING),
    Field(description="What the customer says, in 1 to 4,000 characters."),
]

_SHORT = Characters(200)


def _text(value: Any) -> Any:  # noqa: ANN401 - whatever a caller sends
    # Pages name a chat by the clock.
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


class ThreadStarted(Model):
    """A conversation that has begun; its id is all that is needed to go on with it: keep it."""

    thread_id: str = Field(
        description="It cannot be guessed. Anyone who has it can continue the chat."
    )


class ThreadMessage(Model):
    """A customer's message."""

    thread_id: str = Field(description="The one that `start` returned.")
    message: MessageText


class ConversationStarted(Model):
    """A conversation that has begun; its id is all that is needed to go on with it: keep it."""

    conversation_id: str = Field(
        description="It cannot be guessed. Anyone who has it can continue the chat."
    )


class ConversationMessage(Model):
    """A customer's message."""

    conversation_id: str = Field(description="The one that `start` returned.")
    message: MessageText


class Reply(Model):
    """The assistant's answer, plain text."""

    response: str = Field(description="What to show the customer: plain text, no Markdown.")


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
