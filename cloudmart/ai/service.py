"""A customer's message, from the lock on its conversation to the answer that is kept."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import NoReturn, Protocol

import structlog
from botocore.exceptions import ClientError

from cloudmart.access.authentication import ANONYMOUS, Caller
from cloudmart.ai.confirmations import Confirmations
from cloudmart.ai.conversations import (
    ConversationKind,
    ConversationRepository,
    Turn,
)
from cloudmart.ai.loop import Emit, ToolLoop, ToolRunning
from cloudmart.ai.order_changes import confirmation
from cloudmart.ai.ports import TextDelta
from cloudmart.ai.prompts import assistant_prompt
from cloudmart.errors import CloudmartError, ProviderDisabledError, ProviderTimeoutError
from cloudmart.http.server_sent_events import run_to_completion
from cloudmart.observability.metrics import CHAT_TURNS

_log = structlog.stdlib.get_logger(__name__)


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
        if code := confirmation.code_in(turn.message):
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
            # The order is changed or it is not: that is what the customer must be told.
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

    async def reply(
        self,
        conversation: str,  # noqa: ARG002 - its kind's
        message: str,  # noqa: ARG002
        emit: Emit = ignore_event,  # noqa: ARG002
        *,
        caller: Caller = ANONYMOUS,  # noqa: ARG002
    ) -> NoReturn:
        """Raise ProviderDisabledError."""
        raise ProviderDisabledError(self._reason)


@dataclass(frozen=True, slots=True)
class Assistants:
    """The two the shop offers: behind `/api/ai` and behind `/api/ai/bedrock`."""

    openai: Assistant
    bedrock: Assistant
