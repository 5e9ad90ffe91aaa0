"""What happened in a case: the answers, the tools that were called, and what it cost."""

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from cloudmart.ai.ports import (
    ChatModel,
    ProviderStep,
    StepRequest,
    TextDelta,
    ToolCall,
    Usage,
)


@dataclass(frozen=True, slots=True)
class RecordedCall:
    """A call of a tool; `arguments` is None where the model wrote no JSON object."""

    name: str
    arguments: dict[str, Any] | None


@dataclass(slots=True)
class RecordedTurn:
    """A message, its answer, and what the model did for it.

    `error` is the code of what failed instead of an answer.
    """

    said: str
    answer: str = ""
    error: str = ""
    calls: list[RecordedCall] = field(default_factory=list)
    seconds: float = 0.0


@dataclass(slots=True)
class CaseRecord:
    """All that is known of a case that was played.

    `orders` has the status that each order of the case has at the end; None where it is gone.
    `usages` has what each step of the model used.
    """

    turns: list[RecordedTurn] = field(default_factory=list)
    orders: dict[str, str | None] = field(default_factory=dict)
    usages: list[Usage] = field(default_factory=list)
    steps: int = 0
    instructions: str = ""

    @property
    def seconds(self) -> float:
        """Return how long the customer waited, in all."""
        return sum(turn.seconds for turn in self.turns)


class RecordingModel:
    """Passes steps on to a model, and writes down in a record what the model does."""

    def __init__(self, model: ChatModel, record: CaseRecord) -> None:
        self.name, self.model, self.priced_by = model.name, model.model, model.priced_by
        self._model = model
        self._record = record

    async def step(
        self, request: StepRequest
    ) -> AsyncGenerator[TextDelta | Usage | ProviderStep, None]:
        """Take the model's step, and write it down."""
        record = self._record
        record.steps += 1
        record.instructions = request.instructions
        usage: Usage | None = None
        try:
            async with aclosing(self._model.step(request)) as events:
                async for event in events:
                    if isinstance(event, Usage):
                        usage = event
                    elif isinstance(event, ProviderStep) and not request.final:
                        record.turns[-1].calls += map(_recorded, event.calls)
                    yield event
        finally:
            if usage is not None:
                record.usages.append(usage)


def _recorded(call: ToolCall) -> RecordedCall:
    try:
        arguments = json.loads(call.arguments or "{}")
    except ValueError:
        arguments = None
    return RecordedCall(call.name, arguments if isinstance(arguments, dict) else None)
