"""A customer's message, from the lock on its conversation to the answer that is kept.

Between the two a model takes its steps, and tools run between the steps.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import NoReturn, Protocol

import structlog
from botocore.exceptions import ClientError

from cloudmart.access.authentication import ANONYMOUS, Caller
from cloudmart.ai import confirmation_codes
from cloudmart.ai.budget import Spending, TokenBudget
from cloudmart.ai.confirmations import Confirmations
from cloudmart.ai.conversations import (
    ConversationKind,
    ConversationRepository,
    Turn,
)
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
from cloudmart.errors import (
    CloudmartError,
    ProviderDisabledError,
    ProviderFailedError,
    ProviderTimeoutError,
)
from cloudmart.http.server_sent_events import run_to_completion
from cloudmart.observability.metrics import CHAT_TURNS

_log = structlog.stdlib.get_logger(__name__)

MOST_CALLS = 5
"""The most calls of one step that are run. The model learns that the others were too many."""

_BREAK = TextDelta("\n\n")


@dataclass(frozen=True, slots=True)
class ToolRunning:
    """A tool is being run: the answer will take a moment longer."""

    name: str


Emit = Callable[[TextDelta | ToolRunning], Awaitable[None]]


async def ignore_event(_: TextDelta | ToolRunning) -> None:
    """Ignore the events of an answer: nobody listens."""


@dataclass(frozen=True, slots=True)
class ChatRules:
    """What holds for every chat with an assistant.

    An answer may take `turn_timeout` seconds. If the shop `believes` customers, they need no proof
    of who they are; else a token is the proof.
    """

    kind: ConversationKind
    turn_timeout: float
    believes: bool = True


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


class AssistantService:
    """Answers customers through one provider."""

    def __init__(
        self,
        rules: ChatRules,
        loop: ToolLoop,
        conversations: ConversationRepository,
        confirmations: Confirmations,
    ) -> None:
        self._rules = rules
        self._loop = loop
        self._conversations = conversations
        self._confirmations = confirmations

    async def start(self) -> str:
        """Start a conversation and return its id."""
        return await self._conversations.start(self._rules.kind)

    async def reply(
        self,
        conversation: str,
        message: str,
        emit: Emit = ignore_event,
        *,
        caller: Caller = ANONYMOUS,
    ) -> str:
        """Answer a message; the conversation remembers both or neither.

        The customer's address is the one of the caller. Where customers are believed without a
        token, it is the one they wrote.

        Raises:
            UnknownConversationError: there is no such conversation (any more).
            ConversationBusyError: its last message is still being answered.
            TokensSpentError: the assistant has nothing left to spend.
            UpstreamError: the provider failed.
        """
        rules = self._rules
        deadline = asyncio.get_running_loop().time() + rules.turn_timeout
        begin = partial(Turn, caller=caller, message=message, believes=rules.believes)
        with self._outcome():
            async with self._conversations.turn(rules.kind, conversation, begin) as turn:
                fingerprint = turn.conversation.fingerprint
                structlog.contextvars.bind_contextvars(
                    conversation=fingerprint[:12], prompt=assistant_prompt().version
                )
                return await self._reply(turn, emit, deadline)

    async def _reply(self, turn: Turn, emit: Emit, deadline: float) -> str:
        question = turn.conversation.without_codes(turn.message)
        if code := confirmation_codes.code_in(turn.message):
            # Without the model, and before it: a model that was manipulated, or does not answer,
            # has no part in a confirmation. If the customer goes away now, the change is still
            # carried out.
            answer = await run_to_completion(self._confirm(turn, question, code))
            await emit(TextDelta(answer))
            return answer
        answer = kept = await self._think(turn, question, emit, deadline)
        if proposal := turn.proposal:
            await emit(TextDelta(f"\n\n{proposal.shown}"))
            answer, kept = (f"{kept}\n\n{line}" for line in (proposal.shown, proposal.kept))
        elif turn.reminder:
            await emit(TextDelta(f"\n\n{turn.reminder}"))
            answer = kept = f"{kept}\n\n{turn.reminder}"
        await self._conversations.commit(turn, question, kept)
        return answer

    async def _confirm(self, turn: Turn, question: str, code: str) -> str:
        answer = await self._confirmations.carry_out(turn, code)
        try:
            await self._conversations.commit(turn, question, answer)
        except (CloudmartError, ClientError) as error:
            # The order may be changed already, and the customer must learn that.
            _log.warning("confirmation_not_kept", cause=repr(error))
        return answer

    async def _think(self, turn: Turn, question: str, emit: Emit, deadline: float) -> str:
        try:
            async with asyncio.timeout_at(deadline):
                return await self._loop.answer(turn, question, emit, deadline)
        except TimeoutError as error:
            raise ProviderTimeoutError("The assistant") from error

    @contextmanager
    def _outcome(self) -> Iterator[None]:
        outcome = "failed"
        try:
            yield
            outcome = "answered"
        except CloudmartError as error:
            outcome = error.code
            raise
        except asyncio.CancelledError:
            outcome = "abandoned"
            raise
        finally:
            CHAT_TURNS.labels(self._loop.provider, outcome).inc()


class Assistant(Protocol):
    """What answers customers."""

    async def start(self) -> str:
        """Start a conversation and return its id."""
        ...

    async def reply(
        self,
        conversation: str,
        message: str,
        emit: Emit = ignore_event,
        *,
        caller: Caller = ANONYMOUS,
    ) -> str:
        """Answer a message of a caller, who may have proved an address."""
        ...


class DisabledAssistant:
    """Stands where a provider is not configured, and says so."""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    async def start(self) -> NoReturn:
        """Raise ProviderDisabledError."""
        raise ProviderDisabledError(self._reason)

    async def reply(self, *_: object, **__: object) -> NoReturn:
        """Raise ProviderDisabledError."""
        raise ProviderDisabledError(self._reason)


@dataclass(frozen=True, slots=True)
class Assistants:
    """The two the shop offers: behind `/api/ai` and behind `/api/ai/bedrock`."""

    openai: Assistant
    bedrock: Assistant
