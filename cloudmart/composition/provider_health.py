"""Providers of AI as they were last used: health tells what came of it."""

from collections.abc import AsyncGenerator, Sequence
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
from cloudmart.health.state import UNUSED, Dependency, Health, HealthReporter
from cloudmart.observability.reporter import Reporter
from cloudmart.settings import Provider, Settings, why_disabled

_CAUSES: tuple[tuple[type[UpstreamError], Cause], ...] = (
    (ProviderMisconfiguredError, REFUSES),
    (ProviderUnavailableError, AWAY),
    (ProviderTimeoutError, SLOW),
)
_INSTEAD = " Rules answer instead."


class ObservedChat:
    """A model whose steps are told of."""

    def __init__(self, model: ChatModel, reporter: Reporter) -> None:
        self.name = model.name
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
    """An analyzer whose scores are told of."""

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
    """Return the providers, of which those that are configured tell health of their use."""
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
