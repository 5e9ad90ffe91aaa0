"""Providers of AI as they were last used: health tells what came of it."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from cloudmart.ai.ports import ChatModel, ProviderStep, Scores, SentimentAnalyzer, StepRequest
from cloudmart.composition.providers import Chat, Providers
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
from cloudmart.health.state import Dependency, Health
from cloudmart.settings import Provider, Settings, why_disabled

Tell = Callable[[UpstreamError | None], None]
"""Hears what came of a use: the error, or None if there was an answer."""


class ObservedChat:
    """A model whose steps are told of."""

    def __init__(self, model: ChatModel, tell: Tell) -> None:
        self.name = model.name
        self._model = model
        self._tell = tell

    async def step(self, request: StepRequest) -> AsyncGenerator[Any, None]:
        try:
            async with aclosing(self._model.step(request)) as events:
                async for event in events:
                    if isinstance(event, ProviderStep):
                        self._tell(None)
                    yield event
        except UpstreamError as error:
            self._tell(error)
            raise


class ObservedSentiment:
    """An analyzer whose scores are told of."""

    def __init__(self, analyzer: SentimentAnalyzer, tell: Tell) -> None:
        self.source = analyzer.source
        self._analyzer = analyzer
        self._tell = tell

    async def score(self, texts: Sequence[str]) -> list[Scores | None]:
        try:
            scores = await self._analyzer.score(texts)
        except UpstreamError as error:
            self._tell(error)
            raise
        if any(text.strip() for text in texts):
            self._tell(None)
        return scores


_CAUSES: tuple[tuple[type[UpstreamError], Cause], ...] = (
    (ProviderMisconfiguredError, REFUSES),
    (ProviderUnavailableError, AWAY),
    (ProviderTimeoutError, SLOW),
)


def observe_providers(settings: Settings, providers: Providers, health: Health) -> Providers:
    """Return the providers, of which those that are configured tell health of their use."""
    disabled = why_disabled(settings)

    def chat(provider: Provider, model: Chat, dependency: Dependency) -> Chat:
        if disabled[provider] or isinstance(model, ProviderDisabledError):
            return model
        return ObservedChat(model, _telling(health, dependency))

    azure = providers.sentiment
    if not disabled[Provider.AZURE]:
        azure = ObservedSentiment(azure, _telling(health, state.AZURE))
    return replace(
        providers,
        openai=chat(Provider.OPENAI, providers.openai, state.OPENAI),
        bedrock=chat(Provider.BEDROCK, providers.bedrock, state.BEDROCK),
        sentiment=azure,
    )


def _telling(health: Health, dependency: Dependency) -> Tell:
    def tell(error: UpstreamError | None) -> None:
        if error is None:
            health.succeeded(dependency)
            return
        cause = next((cause for kind, cause in _CAUSES if isinstance(error, kind)), FAILED)
        # An answer that is late or of no use may be due to the question.
        obstacle = DependencyError(cause, serious=cause in {REFUSES, AWAY})
        obstacle.__cause__ = error
        health.failed(dependency, obstacle)

    return tell
