"""What the two ways to use Amazon Bedrock share: their clients, and what failures mean."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import aioboto3
import aiohttp
import structlog
from botocore.eventstream import ParserError
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    HTTPClientError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ReadTimeoutError,
    TokenRetrievalError,
)
from botocore.exceptions import (
    ConnectionError as BotocoreConnectionError,
)
from botocore.parsers import ResponseParserError

from cloudmart.ai.providers.bounded_response import BoundedResponse
from cloudmart.ai.providers.refusals import (
    CallSettings,
    ProviderErrorText,
    ProviderRefusal,
    connection_refusal,
    provider_fault,
    refusal_of_status,
    retry_after_seconds,
    unreadable_answer,
)
from cloudmart.aws_redirects import DirectConfig, DirectSession
from cloudmart.errors import (
    ProviderFailedError,
    ProviderMisconfiguredError,
    ProviderTimeoutError,
    ProviderUnavailableError,
)

_log = structlog.stdlib.get_logger(__name__)

PROVIDER = "Amazon Bedrock"

FAILURES = (
    BotoCoreError,
    ClientError,
    aiohttp.ClientError,
    ParserError,
    ResponseParserError,
    AttributeError,
    KeyError,
    RecursionError,
    TypeError,
    ValueError,
)
"""botocore raises the last five for a well-formed frame that makes no sense."""

_CREDENTIALS = "the role or the credentials of AWS"
_IDS = "a BEDROCK_ id, or BEDROCK_REGION,"
# The names are the same with a small first letter inside a stream, where there is no status.
_STATUSES = {
    "AccessDenied": 403,
    "AccessDeniedException": 403,
    "BadGatewayException": 502,
    "ConflictException": 409,
    "DependencyFailedException": 502,
    "InternalServerException": 500,
    "InvalidSignatureException": 403,
    "ModelErrorException": 502,
    "ModelNotReadyException": 429,
    "ModelStreamErrorException": 502,
    "ModelTimeoutException": 408,
    "ResourceNotFoundException": 404,
    "ServiceQuotaExceededException": 429,
    "ServiceUnavailableException": 503,
    "ThrottlingException": 429,
    "UnrecognizedClientException": 403,
    "ValidationException": 400,
}
# A new token will come, as for the tables.
_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired"}
_VALIDATION = "ValidationException"
_REFUSED = "it refused the request"
_WRONG_MODEL = ("model identifier", "on-demand throughput")
_NO_STREAM = "stream"
_TOO_LONG = "too long"


class _BoundedSession(DirectSession):
    response_class = BoundedResponse


_CONFIG = DirectConfig(
    http_session_cls=_BoundedSession,
    connect_timeout=3,
    read_timeout=60,
    max_pool_connections=512,
    retries={"mode": "standard", "total_max_attempts": 1},
    tcp_keepalive=True,
)


class NoStreamError(ProviderFailedError):
    """The model cannot stream, or not while it uses tools."""

    def __init__(self) -> None:
        super().__init__(PROVIDER, "the model does not stream")


@asynccontextmanager
async def bedrock_client(
    session: aioboto3.Session, service: str, region: str | None
) -> AsyncIterator[Any]:
    """Open a client of one of Bedrock's services while the context lasts."""
    async with AsyncExitStack() as stack:
        opening = session.client(service, region_name=region, config=_CONFIG)
        try:
            client = await stack.enter_async_context(opening)
        except (*FAILURES, OSError) as error:
            # Some sources of credentials are asked when a client is made. What they say may hold
            # the credentials.
            cause = type(error).__name__
            _log.warning("provider_not_opened", provider=PROVIDER, cause=cause)
            raise ProviderMisconfiguredError(PROVIDER, _CREDENTIALS) from error
        yield client


def explain_bedrock_error(error: Exception) -> ProviderRefusal:
    """Return what an exception means."""
    kind = ProviderErrorText(type(error).__name__)
    match error:
        case ClientError():
            return _explain_answer(error)
        case (
            NoCredentialsError()
            | PartialCredentialsError()
            | CredentialRetrievalError()
            | NoRegionError()
            | TokenRetrievalError()
        ):
            return ProviderRefusal(ProviderMisconfiguredError(PROVIDER, _CREDENTIALS), said=kind)
        case ReadTimeoutError():
            return ProviderRefusal(ProviderTimeoutError(PROVIDER), said=kind)
        case BotocoreConnectionError() | HTTPClientError() | aiohttp.ClientError():
            return connection_refusal(PROVIDER, error, untouched=_never_connected(error))
    return ProviderRefusal(unreadable_answer(PROVIDER), said=kind)


def is_content_refusal(error: ClientError) -> bool:
    """Return whether Bedrock refuses a request for its content, without a reason that we know."""
    if _said(error).code != _VALIDATION:
        return False
    refusal = _explain_validation(_said(error))
    return type(refusal.error) is ProviderFailedError and _REFUSED in str(refusal.error)


def _never_connected(error: Exception) -> bool:
    # The SDK has one name for a connection that was not made and for one that was lost.
    inner = getattr(error, "kwargs", {}).get("error", error)
    return isinstance(error, ConnectTimeoutError) or isinstance(
        inner, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError
    )


def _said(error: ClientError) -> ProviderErrorText:
    described, context = error.response.get("Error", {}), error.response.get("ResponseMetadata", {})
    code = str(described.get("Code", ""))
    return ProviderErrorText.of(
        # In a stream the names have a small first letter.
        code[:1].upper() + code[1:],
        context.get("RequestId"),
        described.get("Message"),
    )


def _explain_answer(error: ClientError) -> ProviderRefusal:
    said, context = _said(error), error.response.get("ResponseMetadata", {})
    if said.code == _VALIDATION:
        return _explain_validation(said)
    if said.code in _EXPIRED:
        unavailable = ProviderUnavailableError(PROVIDER, "cannot be asked")
        return ProviderRefusal(unavailable, passing=True, untouched=True, said=said)
    status = _STATUSES.get(said.code) or context.get("HTTPStatusCode", 0)
    if status < 400:  # noqa: PLR2004 - it came inside a stream, under a name nobody knows
        return ProviderRefusal(provider_fault(PROVIDER), said=said)
    wait = retry_after_seconds(context.get("HTTPHeaders", {}).get("retry-after"))
    return refusal_of_status(
        PROVIDER, status, CallSettings(_CREDENTIALS, _IDS), wait=wait, said=said
    )


def _explain_validation(said: ProviderErrorText) -> ProviderRefusal:
    # One code for everything; only the sentence tells.
    sentence = said.sentence.casefold()
    if any(words in sentence for words in _WRONG_MODEL):
        return ProviderRefusal(ProviderMisconfiguredError(PROVIDER, "BEDROCK_MODEL_ID"), said=said)
    if _NO_STREAM in sentence:
        return ProviderRefusal(NoStreamError(), said=said)
    reason = "the conversation is too long for it" if _TOO_LONG in sentence else ""
    return ProviderRefusal(ProviderFailedError(PROVIDER, reason or _REFUSED), said=said)
