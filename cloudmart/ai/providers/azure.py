"""Sentiment from Azure AI Language."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, cast

import aiohttp
import structlog
from azure.ai.textanalytics.aio import TextAnalyticsClient
from azure.core.credentials import AzureKeyCredential
from azure.core.exceptions import (
    AzureError,
    DecodeError,
    HttpResponseError,
    IncompleteReadError,
    ServiceRequestError,
    ServiceResponseError,
    ServiceResponseTimeoutError,
)
from azure.core.pipeline.transport import AioHttpTransport

from cloudmart.ai.ports import Scores
from cloudmart.ai.providers.bounded_response import UNCOMPRESSED, BoundedResponse
from cloudmart.ai.providers.provider_call import ProviderCall, ProviderSdk
from cloudmart.ai.providers.refusals import (
    CallSettings,
    LogRedaction,
    ProviderErrorText,
    ProviderRefusal,
    connection_refusal,
    refusal_of_status,
    retry_after_seconds,
    unreadable_answer,
)
from cloudmart.errors import (
    ProviderDisabledError,
    ProviderMisconfiguredError,
    ProviderTimeoutError,
)
from cloudmart.settings import AzureSettings

PROVIDER = "Azure AI Language"

MOST_DOCUMENTS = 10
"""Documents that one request may have (the service's limit; the SDK sends more and is refused)."""

LONGEST_DOCUMENT = 5000
"""Characters of one document; the service takes 5,120 of what it counts."""

BUDGET = 10.0
"""Seconds that the scoring of one chat may take: a customer waits to close it."""

_FAILURES = (
    AzureError,
    aiohttp.ClientError,
    AttributeError,
    KeyError,
    RecursionError,
    TypeError,
    ValueError,
)
"""The SDK raises the last five for a malformed answer."""

_SETTINGS = CallSettings("AZURE_API_KEY", "AZURE_ENDPOINT")
_WRONG_LANGUAGE = "UnsupportedLanguageCode"

_log = structlog.stdlib.get_logger(__name__)


@asynccontextmanager
async def open_azure_sentiment(
    settings: AzureSettings, *, budget: float = BUDGET
) -> AsyncIterator["AzureSentiment"]:
    """Open a client while the context lasts; there must be an endpoint and a key."""
    if settings.endpoint is None or settings.api_key is None:
        raise ProviderDisabledError(
            "Azure AI Language is not configured: set AZURE_ENDPOINT and AZURE_API_KEY."
        )
    key = settings.api_key.get_secret_value()
    async with TextAnalyticsClient(
        settings.endpoint,
        AzureKeyCredential(key),
        default_language=settings.language,
        retry_total=0,
        # What customers wrote goes to the endpoint that is configured and to no other.
        permit_redirects=False,
        transport=AioHttpTransport(session=_session()),
        connection_timeout=3,
        read_timeout=budget,
    ) as client:
        yield AzureSentiment(cast("TextAnalyticsClient", client), budget, key=key)


def _session() -> aiohttp.ClientSession:
    # Like the SDK's own, but with bounds.
    return aiohttp.ClientSession(
        response_class=BoundedResponse,
        headers=UNCOMPRESSED,
        auto_decompress=False,
        trust_env=True,
        cookie_jar=aiohttp.DummyCookieJar(),
    )


class AzureSentiment:
    """Scores texts in batches, long ones in pieces."""

    source = "azure"

    def __init__(
        self, client: TextAnalyticsClient, budget: float = BUDGET, *, key: str = ""
    ) -> None:
        self._client = client
        self._budget = budget
        self._key = key

    async def score(self, texts: Sequence[str]) -> list[Scores | None]:
        private = LogRedaction([self._key], list(texts))
        sdk = ProviderSdk(PROVIDER, self.source, _FAILURES, _explain)
        call = ProviderCall(sdk, seconds=self._budget, private=private)
        pieces = [_pieces(text) for text in texts]
        flat = [piece for of_text in pieces for piece in of_text]
        scores: list[Scores | None] = []
        for start in range(0, len(flat), MOST_DOCUMENTS):
            results = await call.begin(partial(self._ask, flat[start : start + MOST_DOCUMENTS]))
            if any(_code(result) == _WRONG_LANGUAGE for result in results):
                # Each document is refused by itself, and the answer is a 200.
                error = ProviderMisconfiguredError(PROVIDER, "AZURE_LANGUAGE")
                raise call.refuse(ProviderRefusal(error, said=ProviderErrorText(_WRONG_LANGUAGE)))
            scores += call.read(partial(_read_all, results, private))
        remaining = iter(scores)
        return [
            _together([(next(remaining), len(piece)) for piece in of_text]) for of_text in pieces
        ]

    async def _ask(self, batch: list[str]) -> list[Any]:
        """Return a result for each text, or None for a text without one."""
        results = await self._client.analyze_sentiment(
            [{"id": str(number), "text": text} for number, text in enumerate(batch)],
            # Or it is kept for 48 hours.
            disable_service_logs=True,
        )
        by_id = {result.id: result for result in results}
        return [by_id.get(str(number)) for number in range(len(batch))]


def _pieces(text: str) -> list[str]:
    """Divide a text where words end, if they end at all."""
    pieces = []
    rest = text.strip()
    while len(rest) > LONGEST_DOCUMENT:
        end = rest.rfind(" ", LONGEST_DOCUMENT // 2, LONGEST_DOCUMENT)
        end = end if end > 0 else LONGEST_DOCUMENT
        pieces.append(rest[:end])
        rest = rest[end:].strip()
    return [*pieces, rest] if rest else pieces


def _together(pieces: Sequence[tuple[Scores | None, int]]) -> Scores | None:
    """Return the scores of a text by those of its pieces, each as heavy as it is long."""
    known = [(scores, length) for scores, length in pieces if scores is not None]
    total = sum(length for _, length in known)
    if not total:
        return None
    return Scores(
        sum(scores.positive * length for scores, length in known) / total,
        sum(scores.neutral * length for scores, length in known) / total,
        sum(scores.negative * length for scores, length in known) / total,
    )


def _code(result: Any) -> str | None:  # noqa: ANN401 - the SDK's union with its error
    """Return why a document was refused, None if it was not."""
    if result is None or not result.is_error:
        return None
    return str(getattr(result.error, "code", ""))


def _read_all(results: Sequence[Any], private: LogRedaction) -> list[Scores | None]:
    return [_read(result, private) for result in results]


def _read(result: Any, private: LogRedaction) -> Scores | None:  # noqa: ANN401 - as above
    if (code := _code(result)) is not None:
        _log.warning("document_not_scored", provider="azure", provider_code=private.code(code))
        return None
    if result is None:
        return None
    given = result.confidence_scores
    scores = Scores(float(given.positive), float(given.neutral), float(given.negative))
    if not all(0 <= share <= 1 for share in (scores.positive, scores.neutral, scores.negative)):
        return None
    return _balanced(scores) if result.sentiment == "mixed" else scores


def _balanced(scores: Scores) -> Scores:
    # A text with both sentiments counts as neither: which one is stronger is almost chance.
    common = min(scores.positive, scores.negative)
    return Scores(scores.positive - common, scores.neutral + 2 * common, scores.negative - common)


def _explain(error: Exception) -> ProviderRefusal:
    # This SDK wraps an answer it could not read in the error for a status.
    if isinstance(error.__cause__, DecodeError):
        error = error.__cause__
    match error:
        case IncompleteReadError():
            return connection_refusal(PROVIDER, error)
        case HttpResponseError(status_code=int(status)) if not isinstance(error, DecodeError):
            return _explain_status(error, status)
        case ServiceResponseTimeoutError():
            return ProviderRefusal(ProviderTimeoutError(PROVIDER))
        case ServiceRequestError() | ServiceResponseError():
            return connection_refusal(PROVIDER, error)
    return ProviderRefusal(
        unreadable_answer(PROVIDER), said=ProviderErrorText(type(error).__name__)
    )


def _explain_status(error: HttpResponseError, status: int) -> ProviderRefusal:
    headers = getattr(error.response, "headers", {})
    code = error.error.code if error.error else None
    said = ProviderErrorText.of(code or str(status), headers.get("apim-request-id"), error.message)
    wait = retry_after_seconds(headers.get("retry-after"))
    return refusal_of_status(PROVIDER, status, _SETTINGS, wait=wait, said=said)
