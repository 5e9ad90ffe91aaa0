"""OpenAI: the key is accepted, the model is there, and for how long."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

from cloudmart.doctor.check import CheckResult, DoctorCheck, passed, skipped, trouble, unknown
from cloudmart.doctor.inputs import Inputs, NotAskedError
from cloudmart.settings import Provider, why_disabled

AHEAD = timedelta(days=180)
"""How long before its end a model, an API or a release is warned of."""

_KEYS = ("openai-reachable", "openai-key", "openai-model", "openai-model-ends")


async def model(inputs: Inputs) -> AsyncIterator[CheckResult]:
    """Read the model at OpenAI: it costs nothing and checks the key, the model and its end."""
    # Not above: the SDK takes most of a second to import.
    from openai import APIStatusError  # noqa: PLC0415

    from cloudmart.ai.providers.openai import BASE_URL  # noqa: PLC0415
    from cloudmart.ai.providers.openai_refusals import FAILURES  # noqa: PLC0415
    from cloudmart.ai.providers.responses_api import openai_client  # noqa: PLC0415

    inputs.outside("openai")
    settings = inputs.settings.openai
    if (reason := why_disabled(inputs.settings)[Provider.OPENAI]) or settings.api_key is None:
        raise NotAskedError(reason or "OPENAI_API_KEY is not set")
    url = settings.base_url or BASE_URL
    try:
        async with openai_client(settings.api_key.get_secret_value(), url) as client:
            found: Any = await client.models.retrieve(settings.model)
    except APIStatusError as error:
        for result in _refused(error.status_code, settings.model, url):
            yield result
        return
    except FAILURES as error:
        yield trouble("openai-reachable", f"{url}: {type(error).__name__}", url=url)
        for key in _KEYS[1:]:
            yield skipped(key, "openai-reachable failed")
        return
    yield passed("openai-key", "accepted")
    yield passed("openai-model", settings.model)
    yield _end(settings.model, getattr(found, "shutdown_date", None), inputs.now())


def _refused(status: int, name: str, url: str) -> list[CheckResult]:
    if status == HTTPStatus.UNAUTHORIZED:
        rest = [skipped(key, "openai-key failed") for key in _KEYS[2:]]
        return [trouble("openai-key", f"{url} answers 401"), *rest]
    if status == HTTPStatus.NOT_FOUND:
        rest = [skipped("openai-model-ends", "openai-model failed")]
        return [trouble("openai-model", f"{url} answers 404 for {name}", model=name), *rest]
    reason = f"{url} answers {status}: a restricted key may work without the right to list models"
    return [unknown(key, reason) for key in _KEYS[1:]]


def _end(name: str, told: object, now: datetime) -> CheckResult:
    try:
        end = datetime.fromisoformat(told) if isinstance(told, str) else None
    except ValueError:
        return unknown("openai-model-ends", f"OpenAI tells the date {told!r}")
    if end is None:
        return passed("openai-model-ends", f"no end of {name} is announced")
    end = end if end.tzinfo else end.replace(tzinfo=UTC)
    if end - now > AHEAD:
        return passed("openai-model-ends", f"{name} ends on {end:%Y-%m-%d}")
    return trouble("openai-model-ends", f"{name} ends on {end:%Y-%m-%d}", model=name)


CHECKS = (
    DoctorCheck(_KEYS, model, frozenset({"settings", "openai", "clock"}), ("settings-readable",)),
)
