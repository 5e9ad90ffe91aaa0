"""What the failures of OpenAI's SDK mean."""

from dataclasses import replace
from http import HTTPStatus

import aiohttp
import httpx2
from openai import APIStatusError, OpenAIError

from cloudmart.ai.providers.refusals import (
    CallSettings,
    ProviderErrorText,
    ProviderRefusal,
    connection_refusal,
    provider_fault,
    refusal_of_status,
    retry_after_seconds,
    throttled_refusal,
    unreadable_answer,
)
from cloudmart.errors import (
    ProviderFailedError,
    ProviderMisconfiguredError,
)

PROVIDER = "OpenAI"

FAILURES = (OpenAIError, httpx2.HTTPError, aiohttp.ClientError, RuntimeError, ValueError)
"""The errors of the SDK and of the connections below it.

An event that is no JSON, or no text at all, comes as a plain ValueError.
"""

_SETTINGS = CallSettings("OPENAI_API_KEY", "OPENAI_MODEL or OPENAI_BASE_URL")
_MODEL = "OPENAI_MODEL or OPENAI_REASONING_EFFORT"

_TOO_LONG = {"context_length_exceeded"}
_WRONG_MODEL = {"model_not_found", "unsupported_parameter", "unsupported_value"}
_SPENT = {"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"}
_BUSY = {"rate_limit_exceeded", "server_overloaded", "slow_down"}

_UNTIL_SOMEBODY_PAYS = 60.0


class ConversationTooLongError(ProviderFailedError):
    """The conversation is longer than the model can read."""

    def __init__(self) -> None:
        super().__init__(PROVIDER, "the conversation is too long for the model")


def explain_openai_error(error: Exception) -> ProviderRefusal:
    """Return what an exception means."""
    if isinstance(error, APIStatusError):
        return _explain_status(error)
    if isinstance(error, aiohttp.ClientError):
        return connection_refusal(PROVIDER, error)
    return ProviderRefusal(
        unreadable_answer(PROVIDER), said=ProviderErrorText(type(error).__name__)
    )


def explain_openai_code(code: object) -> ProviderRefusal:
    """Return what an error inside a stream means."""
    said = ProviderErrorText.of(code)
    return refusal_of_code(said) or ProviderRefusal(provider_fault(PROVIDER), said=said)


def _explain_status(error: APIStatusError) -> ProviderRefusal:
    said = ProviderErrorText.of(error.code, error.request_id, error.message)
    wait = _wait(error.response.headers)
    if error.status_code < HTTPStatus.INTERNAL_SERVER_ERROR and (
        refusal := refusal_of_code(said, wait)
    ):
        return refusal
    return refusal_of_status(PROVIDER, error.status_code, _SETTINGS, wait=wait, said=said)


def _wait(headers: httpx2.Headers) -> float | None:
    # The first is OpenAI's own, and more exact.
    exact = retry_after_seconds(headers.get("retry-after-ms"), per_second=1000)
    return retry_after_seconds(headers.get("retry-after")) if exact is None else exact


def refusal_of_code(said: ProviderErrorText, wait: float | None = None) -> ProviderRefusal | None:
    """Return what a code of OpenAI's means, None for one that only its status explains."""
    if said.code in _TOO_LONG:
        return ProviderRefusal(ConversationTooLongError(), said=said)
    if said.code in _WRONG_MODEL:
        return ProviderRefusal(ProviderMisconfiguredError(PROVIDER, _MODEL), said=said)
    if said.code in _SPENT:
        # No second try: it would cost the time of both and be refused as well.
        wait = _UNTIL_SOMEBODY_PAYS if wait is None else wait
        return replace(throttled_refusal(PROVIDER, wait, said=said), passing=False)
    if said.code in _BUSY:
        return throttled_refusal(PROVIDER, wait, said=said)
    return None
