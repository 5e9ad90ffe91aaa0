"""The interface that the assistants need of a provider; no provider's types cross it."""

import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

_AROUND = 64
"""Bytes that a request has around each text: names, roles, brackets."""

_SHOP_DATA, _CUSTOMER = "shop_data", "customer"
_MARKS = re.compile(rf"[<\uff1c](?=\s*/?\s*(?:{_SHOP_DATA}|{_CUSTOMER})\b)", re.IGNORECASE)
_NO_MARK = "\u2039"
"""Stands where a customer writes the beginning of a mark."""


class Role(StrEnum):
    """Who wrote a message."""

    USER = "user"
    ASSISTANT = "assistant"


@dataclass(frozen=True, slots=True)
class ProviderMessage:
    """One message of a conversation. Between turns text is all that is kept."""

    role: Role
    text: str

    @property
    def marked(self) -> str:
        """Return it as a model reads it: the instructions say what the marks mean."""
        if self.role is not Role.USER:
            return self.text
        return f"<{_CUSTOMER}>{_MARKS.sub(_NO_MARK, self.text)}</{_CUSTOMER}>"


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool a model may call.

    Its parameters are a JSON schema of an object, in the strict form: `additionalProperties` is
    false, every property is required, an optional one may be null.
    """

    name: str
    description: str
    parameters: Mapping[str, Any]
    size: int = field(init=False, repr=False, compare=False)
    """Bytes of the tool's description. They are counted once, because each step sends them."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", len(repr(self).encode(errors="replace")))


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call a model asks for; `arguments` is JSON as the model wrote it, and need not be valid."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ToolResult:
    """The result of a call, as JSON."""

    call: ToolCall
    output: str

    @property
    def marked(self) -> str:
        """Return it as a model reads it, between marks that no text in it can have."""
        # JSON has these signs in its texts only, where they may as well be written like this.
        escaped = self.output.replace("<", r"\u003c").replace(">", r"\u003e")
        return f"<{_SHOP_DATA}>{escaped}</{_SHOP_DATA}>"


@dataclass(frozen=True, slots=True)
class Usage:
    """The tokens a step cost, None for what its provider has not told (yet).

    Cached ones are part of the input, reasoning of the output.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int = 0
    reasoning_tokens: int = 0


@dataclass(frozen=True, slots=True)
class TextDelta:
    """A piece of an answer while it is being written."""

    text: str


@dataclass(frozen=True, slots=True)
class ProviderStep:
    """What a model did: it answered (no calls), or wants tools called first.

    `text` beside calls is a remark and no answer. `replay` is what the provider wants back
    unchanged within the turn: hand it on in `StepRequest.exchange`, never look into it or store it.
    """

    text: str
    calls: Sequence[ToolCall] = ()
    replay: Any = None


@dataclass(frozen=True, slots=True)
class StepRequest:
    """Everything that a model gets for one step.

    `conversation` names the conversation to the provider: 64 hexadecimal digits, a hash. `history`
    ends with the customer's new message. `exchange` has the steps of this turn so far, each with a
    result for every one of its calls, in their order. `final` forbids further tools. The step ends,
    one way or the other, within `seconds_left`.
    """

    conversation: str
    instructions: str
    history: Sequence[ProviderMessage]
    exchange: Sequence[tuple[ProviderStep, Sequence[ToolResult]]] = ()
    tools: Sequence[ToolSpec] = ()
    final: bool = False
    seconds_left: float = 45.0

    @property
    def said(self) -> list[str]:
        """Return what was said, and what tools answered: words that belong in no log."""
        outputs = [result.output for _, results in self.exchange for result in results]
        return [*(message.text for message in self.history), *outputs]

    @property
    def size(self) -> int:
        """Return how many bytes of text a provider is sent: it reads fewer tokens than that."""
        replayed = [f"{step.text}{step.replay!r}" for step, _ in self.exchange]
        outputs = [result.marked for _, results in self.exchange for result in results]
        said = [*(message.marked for message in self.history), *outputs]
        texts = [self.instructions, *said, *replayed]
        sizes = [
            *(len(text.encode(errors="replace")) for text in texts),
            *(tool.size for tool in self.tools),
        ]
        return sum(size + _AROUND for size in sizes) + _AROUND


class ChatModel(Protocol):
    """Takes one step in a conversation; the loop over tool calls is not its business."""

    name: str
    """Names the provider in metrics, logs and health: `openai`, `bedrock-agent`, `offline`, …"""
    model: str
    """Names the model in metrics, as the settings do; `agent` for an agent, which hides its own."""
    priced_by: str
    """Names the provider whose prices hold: `openai`, `bedrock`; empty where none is known."""

    def step(self, request: StepRequest) -> AsyncGenerator[TextDelta | Usage | ProviderStep, None]:
        """Yield zero or more deltas, then exactly one ProviderStep; or raise an UpstreamError.

        A step that answers has a text that is not blank; one that was `final` answers. Deltas are
        a preview: the ProviderStep's text is the answer and may differ from their sum. Nothing is
        tried again once a provider began to answer. A generator that is closed early stops its
        call: consume it under `contextlib.aclosing`.

        A paid provider also yields a Usage: an empty one once it has taken the request, and a new
        one, before anything can fail, each time it reports what the step cost. The last one counts.
        Counts are limited to what the step can have cost.
        """
        ...


@dataclass(frozen=True, slots=True)
class Scores:
    """The sentiment of a text: three shares of 1."""

    positive: float
    neutral: float
    negative: float


class SentimentAnalyzer(Protocol):
    """Rates the sentiment of texts."""

    source: str
    """Names the analyzer on tickets, in metrics and in health: `azure`, `offline-vader`."""

    async def score(self, texts: Sequence[str]) -> list[Scores | None]:
        """Return the scores of each text, in their order, or raise an UpstreamError.

        None stands for a text that has no words or that the provider refused alone. Any number
        of texts of any length will do; no texts, or blank ones only, cost no call.
        """
        ...
