"""Which cause an error of AWS's SDK has."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from aiohttp import ClientError as AiohttpError
from botocore import exceptions as sdk
from botocore.parsers import ResponseParserError

from cloudmart.dynamodb.refusals import BUSY, KMS, ForeignAnswerError
from cloudmart.errors import UnavailableError
from cloudmart.health.causes import Cause, credentials, services, web_identity

FAILURES = (
    sdk.BotoCoreError,
    sdk.ClientError,
    ResponseParserError,
    AiohttpError,
    OSError,
    UnavailableError,
)
"""What a call to AWS raises when it fails."""
FAILURES_OF_CREDENTIALS = (
    *FAILURES,
    AttributeError,
    KeyError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""What getting credentials also raises: the SDK does not wrap its providers' errors."""

_ASSUME = "AssumeRoleWithWebIdentity"

# In order: an error is the first of these that it is an instance of.
_BY_TYPE: tuple[tuple[type[Exception], Cause], ...] = (
    (sdk.NoCredentialsError, credentials.NONE),
    (sdk.PartialCredentialsError, credentials.HALF_SET),
    (sdk.NoRegionError, credentials.REGION_UNSET),
    (sdk.InvalidConfigError, credentials.ROLE_UNSET),
    (sdk.CredentialRetrievalError, credentials.AGENT_AWAY),
    (sdk.ParamValidationError, web_identity.TOKEN_EMPTY),
    (FileNotFoundError, web_identity.TOKEN_MISSING),
    (PermissionError, web_identity.TOKEN_UNREADABLE),
    (ForeignAnswerError, services.INTERCEPTED),
)
_ANYWHERE = {
    "ExpiredToken": credentials.EXPIRED,
    "ExpiredTokenException": credentials.EXPIRED,
    "IncompleteSignature": credentials.REFUSED,
    "InvalidClientTokenId": credentials.REFUSED,
    "InvalidSignatureException": credentials.REFUSED,
    "MissingAuthenticationTokenException": credentials.REFUSED,
    "RequestExpired": credentials.CLOCK,
    "RequestTimeTooSkewed": credentials.CLOCK,
    "SignatureDoesNotMatch": credentials.REFUSED,
    "UnrecognizedClientException": credentials.REFUSED,
}
_CLOCK_WORDS = ("Signature expired", "Signature not yet current")

_OF_CREDENTIALS: tuple[tuple[type[Exception] | tuple[type[Exception], ...], Cause], ...] = (
    ((AttributeError, KeyError, TypeError), credentials.AGENT_GARBLED),
    (ValueError, credentials.AGENT_ADDRESS),
    (RuntimeError, credentials.CLOCK),
)


@dataclass(frozen=True, slots=True)
class Service:
    """A service of AWS, with the causes of its refusals and of its silence."""

    name: str
    away: Cause
    failing: Cause
    throttled: Cause
    codes: Mapping[str, Cause] = field(default_factory=dict)
    words: Mapping[tuple[str, str], Cause] = field(default_factory=dict)
    """Codes with several causes: the code, and words of its message."""

    @property
    def endpoint(self) -> str:
        """Return what the SDK calls it in the names of variables."""
        return {"secretsmanager": "SECRETS_MANAGER"}.get(self.name, self.name.upper())

    def cause_of(self, error: BaseException) -> Cause:
        """Return the cause of an error of a call to this service."""
        if isinstance(error, UnavailableError):
            return self.cause_of(error.__cause__) if error.__cause__ else self.away
        if isinstance(error, sdk.ClientError):
            service = STS if error.operation_name == _ASSUME else self
            return service._refusal(error)  # noqa: SLF001 - another instance of this class
        for kind, cause in _BY_TYPE:
            if isinstance(error, kind):
                return cause
        if isinstance(error, ResponseParserError):
            return self.failing
        if isinstance(error, (sdk.ConnectionError, sdk.HTTPClientError, AiohttpError, OSError)):
            return self.away
        return services.UNKNOWN

    def _refusal(self, error: sdk.ClientError) -> Cause:
        code: str = error.response["Error"]["Code"]
        message: str = error.response["Error"].get("Message", "")
        for (ambiguous, words), cause in self.words.items():
            if code == ambiguous and words in message:
                return cause
        if any(words in message for words in _CLOCK_WORDS):
            return credentials.CLOCK
        if code in self.codes:
            return self.codes[code]
        if "Throttl" in code or code in BUSY:
            return self.throttled
        if error.response["ResponseMetadata"]["HTTPStatusCode"] >= 500:  # noqa: PLR2004 - HTTP's
            return self.failing
        return _ANYWHERE.get(code, services.UNKNOWN)


STS = Service(
    "sts",
    services.STS_AWAY,
    services.STS_FAILING,
    services.STS_THROTTLED,
    {
        "AccessDenied": web_identity.ROLE_DENIED,
        "ExpiredTokenException": web_identity.TOKEN_EXPIRED,
        "IDPCommunicationError": web_identity.ISSUER_AWAY,
        "IDPRejectedClaim": web_identity.TOKEN_REFUSED,
        "InvalidIdentityToken": web_identity.TOKEN_REFUSED,
    },
    {("InvalidIdentityToken", "OpenIDConnect provider"): web_identity.CLUSTER_UNKNOWN},
)
DYNAMODB = Service(
    "dynamodb",
    services.TABLE_AWAY,
    services.TABLE_FAILING,
    services.TABLE_THROTTLED,
    {
        "AccessDeniedException": services.TABLE_DENIED,
        "ResourceNotFoundException": services.TABLE_MISSING,
        **dict.fromkeys(KMS, services.TABLE_LOCKED),
    },
    {
        ("ValidationException", "key element"): services.TABLE_OTHER_KEY,
        # DynamoDB Local's words for it.
        ("ValidationException", "required keys"): services.TABLE_OTHER_KEY,
    },
)
SECRETS_MANAGER = Service(
    "secretsmanager",
    services.SECRET_AWAY,
    services.SECRET_FAILING,
    services.SECRET_THROTTLED,
    {
        "AccessDeniedException": services.SECRET_DENIED,
        "DecryptionFailure": services.SECRET_LOCKED,
        "InvalidRequestException": services.SECRET_MISSING,
        "ResourceNotFoundException": services.SECRET_MISSING,
    },
    {("AccessDeniedException", "KMS"): services.SECRET_LOCKED},
)


def cause_of_no_credentials(error: BaseException) -> Cause:
    """Return the cause of an error while getting credentials."""
    if not isinstance(error, FAILURES):
        for kind, cause in _OF_CREDENTIALS:
            if isinstance(error, kind):
                return cause
    return STS.cause_of(error)
