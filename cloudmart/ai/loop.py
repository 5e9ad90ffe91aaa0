"""One answer: step by step, tools between the steps, the last step without tools."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from cloudmart.ai.budget import Spending, TokenBudget
from cloudmart.ai.conversations import Turn
from cloudmart.ai.ports import (
    ChatModel,
    ProviderMessage,
    ProviderStep,
    Role,
    StepRequest,
    TextDelta,
    ToolCall,
    ToolResult,
    Usage,
)
from cloudmart.ai.prompts import assistant_prompt
from cloudmart.ai.step_metrics import count_usage, step_meter
from cloudmart.ai.step_span import step_span
from cloudmart.ai.tools import Toolbox
from cloudmart.errors import ProviderFailedError

MOST_CALLS = 5
"""Calls of one step that are run; the model is told that the others were too many."""

_BREAK = TextDelta("\n\n")


@dataclass(frozen=True, slots=True)
class ToolRunning:
    """A tool is being run: the answer will take a moment longer."""

    name: str


Emit = Callable[[TextDelta | ToolRunning], Awaitable[None]]


class ToolLoop:
    """Asks a model for steps until one of them is an answer."""

    def __init__(
        self, model: ChatModel, toolbox: Toolbox, budget: TokenBudget, *, max_steps: int
    ) -> None:
        self._model = model
        self._toolbox = toolbox
        self._budget = budget
        self._max_steps = max_steps

    @property
    def provider(self) -> str:
        """Return what the model is called in metrics."""
        return self._model.name

    async def answer(self, turn: Turn, question: str, emit: Emit, deadline: float) -> str:
        """Return the model's answer to a question, or raise an UpstreamError or TokensSpentError.

        The deadline is a time of the event loop's clock; the caller enforces it.
        """
        self._budget.check(turn.conversation)
        history = [*turn.conversation.messages, ProviderMessage(Role.USER, question)]
        exchange: list[tuple[ProviderStep, Sequence[ToolResult]]] = []
        for number in range(1, self._max_steps + 1):
            tools = self._toolbox.specs(turn)
            request = StepRequest(
                conversation=turn.conversation.fingerprint,
                instructions=assistant_prompt().instructions({tool.name for tool in tools}),
                history=history,
                exchange=tuple(exchange),
                tools=tools,
                final=number == self._max_steps,
                seconds_left=deadline - asyncio.get_running_loop().time(),
            )
            step = await self._step(turn, request, emit)
            if not step.calls:
                return step.text
            if not request.final:
                exchange.append((step, await self._run(turn, step.calls, emit)))
        raise ProviderFailedError("The assistant", "it went on asking for tools")

    async def _step(self, turn: Turn, request: StepRequest, emit: Emit) -> ProviderStep:
        spending = Spending.on(request)
        reserved = spending.reserved
        await self._budget.reserve(reserved)
        with step_span(self._model) as span:
            try:
                return await self._taken(request, emit, spending)
            except BaseException as error:
                spending.end(error)
                raise
            finally:
                usage = spending.used()
                span.note(usage)
                used = self._count(usage)
                self._budget.settle(reserved, used)
                turn.spend(used)

    async def _taken(self, request: StepRequest, emit: Emit, spending: Spending) -> ProviderStep:
        step: ProviderStep | None = None
        written = False
        with step_meter(self._model, request.seconds_left) as meter:
            async with aclosing(self._model.step(request)) as events:
                async for event in events:
                    spending.take(event)
                    meter.take(event)
                    if isinstance(event, ProviderStep):
                        step = event
                    elif isinstance(event, TextDelta):
                        written = True
                        await emit(event)
            if step is None:
                raise ProviderFailedError("The assistant", "it broke off")
        if step.calls and written:
            await emit(_BREAK)
        elif not step.calls and not written:
            await emit(TextDelta(step.text))
        return step

    async def _run(self, turn: Turn, calls: Sequence[ToolCall], emit: Emit) -> list[ToolResult]:
        # One after another: each may change what the next is allowed.
        results = []
        for number, call in enumerate(calls):
            await emit(ToolRunning(call.name))
            if number < MOST_CALLS:
                output = await self._toolbox.run(turn, call)
            else:
                output = json.dumps({"error": "too_many_calls"})
            results.append(ToolResult(call, output))
        return results

    def _count(self, usage: Usage | None) -> int:
        if usage is None:
            return 0
        count_usage(self._model, usage)
        return (usage.input_tokens or 0) + (usage.output_tokens or 0)
