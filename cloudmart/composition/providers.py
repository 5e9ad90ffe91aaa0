"""The providers of AI: which of them serve is decided here, once, from the settings."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    aclosing,
    asynccontextmanager,
    nullcontext,
)
from dataclasses import dataclass
from functools import partial
from typing import Self

import aioboto3
import structlog

from cloudmart.ai.ports import (
    ChatModel,
    ProviderStep,
    SentimentAnalyzer,
    StepRequest,
    TextDelta,
    Usage,
)
from cloudmart.ai.providers.bedrock_agent import open_bedrock_agent
from cloudmart.ai.providers.bedrock_converse import open_bedrock_converse
from cloudmart.ai.providers.offline_chat import OfflineChat
from cloudmart.ai.providers.offline_sentiment import OfflineSentiment
from cloudmart.errors import ProviderDisabledError, ProviderMisconfiguredError
from cloudmart.settings import (
    AzureSettings,
    BedrockMode,
    BedrockSettings,
    Environment,
    OpenAISettings,
    Provider,
    Settings,
    why_disabled,
)

_log = structlog.stdlib.get_logger(__name__)

_DRAFT = "TSTALIASID"


@dataclass(eq=False, slots=True)
class _Opened:
    model: ChatModel
    stack: AsyncExitStack
    steps: int = 0


class LazyChat:
    """Opens a model for its first step, and anew after it was refused.

    AWS's clients look for credentials when they are made, and one that found none never looks
    again: made at start, it could hold the start up, or be useless for as long as the process is.
    One that was refused is closed when the steps that others take with it have ended.
    """

    def __init__(
        self, name: str, open_model: Callable[[], AbstractAsyncContextManager[ChatModel]]
    ) -> None:
        self.name = name
        self._open_model = open_model
        self._current: _Opened | None = None
        self._open: set[_Opened] = set()
        self._opening = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for opened in list(self._open):
            await self._close(opened)

    async def step(
        self, request: StepRequest
    ) -> AsyncGenerator[TextDelta | Usage | ProviderStep, None]:
        async with self._lent() as model, aclosing(model.step(request)) as events:
            async for event in events:
                yield event

    @asynccontextmanager
    async def _lent(self) -> AsyncIterator[ChatModel]:
        opened = await self._opened()
        opened.steps += 1
        try:
            yield opened.model
        except ProviderMisconfiguredError:
            if self._current is opened:
                self._current = None
            raise
        finally:
            opened.steps -= 1
            if opened is not self._current and not opened.steps:
                await self._close(opened)

    async def _opened(self) -> _Opened:
        async with self._opening:
            if self._current is None:
                stack = AsyncExitStack()
                model = await stack.enter_async_context(self._open_model())
                self._current = _Opened(model, stack)
                self._open.add(self._current)
            return self._current

    async def _close(self, opened: _Opened) -> None:
        self._open.discard(opened)
        await opened.stack.aclose()


Chat = ChatModel | ProviderDisabledError


@dataclass(frozen=True, slots=True)
class Providers:
    """The providers that serve, or why they do not.

    `instead` reads moods while `sentiment` cannot.
    """

    openai: Chat
    bedrock: Chat
    sentiment: SentimentAnalyzer
    instead: SentimentAnalyzer


@asynccontextmanager
async def open_providers(
    settings: Settings, session: aioboto3.Session | None = None
) -> AsyncIterator[Providers]:
    """Open the providers that are configured.

    In local mode rules answer for a provider that is not; elsewhere it says what is missing, and
    a customer is never answered by less than the shop meant to offer.
    """
    instead = OfflineSentiment()
    azure = why_disabled(settings)[Provider.AZURE] is None
    async with AsyncExitStack() as stack:
        openai = _chat(settings, Provider.OPENAI, "The assistant", _openai(settings.openai))
        late = _bedrock(settings, session or aioboto3.Session())
        bedrock = _chat(settings, Provider.BEDROCK, "The Bedrock assistant", late)
        sentiment = _azure(settings.azure) if azure else nullcontext(instead)
        providers = Providers(
            openai=await stack.enter_async_context(openai),
            bedrock=await stack.enter_async_context(bedrock),
            sentiment=await stack.enter_async_context(sentiment),
            instead=instead,
        )
        _log.info(
            "assistants_chosen",
            openai=_name(providers.openai),
            bedrock=_name(providers.bedrock),
            sentiment=providers.sentiment.source,
        )
        if settings.bedrock.way is BedrockMode.AGENT:
            _warn_of_agents(settings.bedrock)
        yield providers


def _chat(
    settings: Settings,
    provider: Provider,
    name: str,
    configured: AbstractAsyncContextManager[ChatModel],
) -> AbstractAsyncContextManager[Chat]:
    reason = why_disabled(settings)[provider]
    if reason is None:
        return configured
    if settings.environment is Environment.LOCAL:
        return nullcontext(OfflineChat())
    return nullcontext(ProviderDisabledError(f"{name} is not available here: {reason}"))


# Their SDKs are a third of all there is to import: only who has a key waits for them.
@asynccontextmanager
async def _openai(settings: OpenAISettings) -> AsyncIterator[ChatModel]:
    from cloudmart.ai.providers.openai import open_openai_chat  # noqa: PLC0415

    async with open_openai_chat(settings) as chat:
        yield chat


@asynccontextmanager
async def _azure(settings: AzureSettings) -> AsyncIterator[SentimentAnalyzer]:
    from cloudmart.ai.providers.azure import open_azure_sentiment  # noqa: PLC0415

    async with open_azure_sentiment(settings) as sentiment:
        yield sentiment


def _bedrock(settings: Settings, session: aioboto3.Session) -> LazyChat:
    agent = settings.bedrock.way is BedrockMode.AGENT
    return LazyChat(
        "bedrock-agent" if agent else "bedrock-converse",
        partial(
            open_bedrock_agent if agent else open_bedrock_converse,
            settings.bedrock,
            session,
            settings.aws.region,
        ),
    )


def _warn_of_agents(settings: BedrockSettings) -> None:
    # AWS calls them "Classic": closed to new customers since 2026-07-30, and not developed further.
    _log.info(
        "bedrock_agents_are_in_maintenance", advice="BEDROCK_MODEL_ID is what goes on (Converse)."
    )
    if settings.agent_alias_id == _DRAFT:
        _log.warning(
            "agent_alias_is_the_draft",
            alias=_DRAFT,
            advice="Customers get each change of the agent at once: set BEDROCK_AGENT_ALIAS_ID "
            "to the alias of a version.",
        )


def _name(chat: Chat) -> str:
    return "disabled" if isinstance(chat, ProviderDisabledError) else chat.name
