"""The providers of AI: which of them serve is decided here, once, from the settings."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    aclosing,
    asynccontextmanager,
    nullcontext,
)
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Self

import aioboto3
import structlog

from cloudmart.ai.ports import (
    ChatModel,
    ProviderStep,
    Scores,
    SentimentAnalyzer,
    StepRequest,
    TextDelta,
    Usage,
)
from cloudmart.ai.providers.bedrock_agent import open_bedrock_agent
from cloudmart.ai.providers.bedrock_converse import open_bedrock_converse
from cloudmart.ai.providers.offline import OfflineChat
from cloudmart.ai.providers.offline_sentiment import OfflineSentiment
from cloudmart.errors import (
    ProviderDisabledError,
    ProviderMisconfiguredError,
    ProviderTimeoutError,
    ProviderUnavailableError,
    UpstreamError,
)
from cloudmart.health import state
from cloudmart.health.causes import Cause, DependencyError
from cloudmart.health.causes.providers import AWAY, FAILED, REFUSES, SLOW
from cloudmart.health.state import UNUSED, Dependency, Health, HealthReporter
from cloudmart.observability.dependency_reporter import Reporter
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

_CAUSES: tuple[tuple[type[UpstreamError], Cause], ...] = (
    (ProviderMisconfiguredError, REFUSES),
    (ProviderUnavailableError, AWAY),
    (ProviderTimeoutError, SLOW),
)
_INSTEAD = " A rule-based replacement answers instead."


@dataclass(eq=False, slots=True)
class _Opened:
    model: ChatModel
    stack: AsyncExitStack
    steps: int = 0


class LazyChat:
    """Opens a model for its first step, and again after it was refused.

    AWS's clients look for credentials when they are made, and one that found none never looks
    again: made at the start, it could delay the start, or stay useless until the process ends. A
    refused model is closed when its running steps have ended.
    """

    def __init__(
        self,
        name: str,
        open_model: Callable[[], AbstractAsyncContextManager[ChatModel]],
        *,
        model: str,
        priced_by: str,
    ) -> None:
        self.name, self.model, self.priced_by = name, model, priced_by
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

    `instead` rates chats while `sentiment` cannot.
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
        model="agent" if agent else settings.bedrock.model_id or "",
        priced_by="" if agent else "bedrock",
    )


def _warn_of_agents(settings: BedrockSettings) -> None:
    # AWS calls them "Classic": closed to new customers since 2026-07-30, and not developed further.
    _log.info(
        "bedrock_agents_are_in_maintenance",
        advice="AWS develops Converse further: set BEDROCK_MODEL_ID.",
    )
    if settings.agent_alias_id == _DRAFT:
        _log.warning(
            "agent_alias_is_the_draft",
            alias=_DRAFT,
            advice="Customers get each change of the agent at once. Set BEDROCK_AGENT_ALIAS_ID "
            "to the alias of a version.",
        )


def _name(chat: Chat) -> str:
    return "disabled" if isinstance(chat, ProviderDisabledError) else chat.name


class ObservedChat:
    """A model that reports its steps to health."""

    def __init__(self, model: ChatModel, reporter: Reporter) -> None:
        self.name, self.model, self.priced_by = model.name, model.model, model.priced_by
        self._model = model
        self._reporter = reporter

    async def step(self, request: StepRequest) -> AsyncGenerator[Any, None]:
        try:
            async with aclosing(self._model.step(request)) as events:
                async for event in events:
                    if isinstance(event, ProviderStep):
                        self._reporter.ok()
                    yield event
        except UpstreamError as error:
            self._reporter.trouble(error)
            raise


class ObservedSentiment:
    """An analyzer that reports its calls to health."""

    def __init__(self, analyzer: SentimentAnalyzer, reporter: Reporter) -> None:
        self.source = analyzer.source
        self._analyzer = analyzer
        self._reporter = reporter

    async def score(self, texts: Sequence[str]) -> list[Scores | None]:
        try:
            scores = await self._analyzer.score(texts)
        except UpstreamError as error:
            self._reporter.trouble(error)
            raise
        if any(text.strip() for text in texts):
            self._reporter.ok()
        return scores


def show_providers(settings: Settings, providers: Providers, health: Health) -> None:
    """Show which providers of AI serve, and why the others do not."""
    serving = {
        Provider.OPENAI: (state.OPENAI, providers.openai),
        Provider.BEDROCK: (state.BEDROCK, providers.bedrock),
        Provider.AZURE: (state.AZURE, providers.sentiment),
    }
    for provider, (dependency, model) in serving.items():
        reason = why_disabled(settings)[provider]
        if reason is None:
            health.enable(dependency, UNUSED)
        else:
            instead = "" if isinstance(model, ProviderDisabledError) else _INSTEAD
            alarming = provider in settings.faulty
            health.disable(dependency, f"{reason}{instead}", alarming=alarming)


def observe_providers(settings: Settings, providers: Providers, health: Health) -> Providers:
    """Return the providers; those that are configured report their use to health."""
    disabled = why_disabled(settings)

    def chat(provider: Provider, model: Chat, dependency: Dependency) -> Chat:
        if disabled[provider] or isinstance(model, ProviderDisabledError):
            return model
        return ObservedChat(model, HealthReporter(health, dependency, _obstacle_of))

    azure = providers.sentiment
    if not disabled[Provider.AZURE]:
        azure = ObservedSentiment(azure, HealthReporter(health, state.AZURE, _obstacle_of))
    return replace(
        providers,
        openai=chat(Provider.OPENAI, providers.openai, state.OPENAI),
        bedrock=chat(Provider.BEDROCK, providers.bedrock, state.BEDROCK),
        sentiment=azure,
    )


def _obstacle_of(error: Exception) -> DependencyError:
    cause = next((cause for kind, cause in _CAUSES if isinstance(error, kind)), FAILED)
    # An answer that is late or of no use may be due to the question.
    obstacle = DependencyError(cause, serious=cause in {REFUSES, AWAY})
    obstacle.__cause__ = error
    return obstacle
