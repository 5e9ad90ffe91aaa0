"""Providers of AI as they were last used: health tells what came of it."""

from dataclasses import replace

from cloudmart.ai.providers.observed import ObservedChat, ObservedSentiment, Tell
from cloudmart.errors import (
    ProviderDisabledError,
    ProviderMisconfiguredError,
    ProviderTimeoutError,
    ProviderUnavailableError,
    UpstreamError,
)
from cloudmart.health import dependencies
from cloudmart.health.board import Dependency, Health
from cloudmart.health.causes import Cause, ObstacleError
from cloudmart.health.causes.providers import AWAY, FAILED, REFUSES, SLOW
from cloudmart.settings import Provider, Settings, why_disabled
from cloudmart.vendors import Chat, Vendors

_CAUSES: tuple[tuple[type[UpstreamError], Cause], ...] = (
    (ProviderMisconfiguredError, REFUSES),
    (ProviderUnavailableError, AWAY),
    (ProviderTimeoutError, SLOW),
)


def observed(settings: Settings, vendors: Vendors, health: Health) -> Vendors:
    """Return the providers, of which those that are configured tell health of their use."""
    disabled = why_disabled(settings)

    def chat(provider: Provider, model: Chat, dependency: Dependency) -> Chat:
        if disabled[provider] or isinstance(model, ProviderDisabledError):
            return model
        return ObservedChat(model, _telling(health, dependency))

    azure = vendors.sentiment
    if not disabled[Provider.AZURE]:
        azure = ObservedSentiment(azure, _telling(health, dependencies.AZURE))
    return replace(
        vendors,
        openai=chat(Provider.OPENAI, vendors.openai, dependencies.OPENAI),
        bedrock=chat(Provider.BEDROCK, vendors.bedrock, dependencies.BEDROCK),
        sentiment=azure,
    )


def _telling(health: Health, dependency: Dependency) -> Tell:
    def tell(error: UpstreamError | None) -> None:
        if error is None:
            health.succeeded(dependency)
            return
        cause = next((cause for kind, cause in _CAUSES if isinstance(error, kind)), FAILED)
        # An answer that is late or of no use may be due to the question.
        obstacle = ObstacleError(cause, serious=cause in {REFUSES, AWAY})
        obstacle.__cause__ = error
        health.failed(dependency, obstacle)

    return tell
